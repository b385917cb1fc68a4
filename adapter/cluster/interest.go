// SPDX-License-Identifier: MIT

// This file subscribes to the channels of the rooms that have members on this node.

package cluster

import (
	"context"
	"sync"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// maxBatch is the maximum number of channels in one call to the bus.
const maxBatch = 512

// A roomState is a room of this node, or one that was until a moment ago.
type roomState struct {
	alive      bool // it has members
	subscribed bool // Bus.Subscribe was called
	confirmed  bool // and has succeeded
	died       time.Time
	done       chan struct{} // closed when confirmed is set; nil if nobody waits
}

// An interest is the adapter.RoomWatcher of a namespace. In modes that subscribe to no
// rooms it only remembers them. Its goroutine runs while there is something to do.
type interest struct {
	bus    Bus
	space  string
	mode   RoomMode
	linger time.Duration
	ctx    context.Context   // of the node
	start  func(func()) bool // starts a goroutine of the node

	mu       sync.Mutex // guards the fields below; a leaf
	rooms    map[string]*roomState
	fresh    []string // may have to be subscribed
	dying    []string // may have to be unsubscribed, in the order of their deaths
	running  bool
	wake     chan struct{}
	finished bool
}

// separate reports whether broadcasts to a room are published to a channel of its own.
func (m RoomMode) separate(room string) bool {
	return m == RoomsAndSockets || m == RoomsByPattern || m == RoomsSeparate && !nodewire.LooksPrivate(room)
}

// subscribes reports whether a room has a channel that must be subscribed.
func (i *interest) subscribes(room string) bool {
	return i.mode != RoomsByPattern && i.mode.separate(room)
}

func (i *interest) channel(room string) Channel {
	return Channel{Class: ClassRoom, Namespace: i.space, Name: room}
}

// RoomCreated implements adapter.RoomWatcher.
func (i *interest) RoomCreated(room string, _ bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	r := i.rooms[room]
	if r == nil {
		r = new(roomState)
		i.rooms[room] = r
	}
	r.alive = true
	if !r.subscribed && i.subscribes(room) {
		i.fresh = append(i.fresh, room)
		i.startLocked()
	}
}

// RoomJoined implements adapter.RoomWatcher.
func (i *interest) RoomJoined(string, adapter.Member) {}

// RoomLeft implements adapter.RoomWatcher.
func (i *interest) RoomLeft(string, adapter.Member) {}

// RoomDeleted implements adapter.RoomWatcher.
func (i *interest) RoomDeleted(room string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	r := i.rooms[room]
	if r == nil {
		return
	}
	if r.alive = false; !r.subscribed {
		delete(i.rooms, room) // it may still be among the fresh
		return
	}
	r.died = time.Now()
	i.dying = append(i.dying, room)
	i.startLocked()
}

// startLocked makes the goroutine look again, and starts it if necessary.
func (i *interest) startLocked() {
	if i.finished {
		return
	}
	if !i.running {
		i.running = i.start(i.run)
		return
	}
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// gatherFor is how long the goroutine lets changes gather, so that a socket that joins
// many rooms, or many sockets that connect, cause few calls to the bus.
const gatherFor = 200 * time.Microsecond

// run subscribes and unsubscribes until nothing is left to do.
func (i *interest) run() {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-i.ctx.Done():
			return
		}
		wait, done := i.apply()
		if done {
			return
		}
		timer.Reset(wait)
		select {
		case <-i.wake:
		case <-timer.C:
		case <-i.ctx.Done():
			return
		}
		timer.Reset(gatherFor)
	}
}

// apply subscribes and unsubscribes what is due. It returns how long to wait for more, or
// done if there is nothing.
func (i *interest) apply() (wait time.Duration, done bool) {
	for {
		fresh, dead, wait, done := i.next()
		if len(fresh)+len(dead) == 0 {
			return wait, done
		}
		if len(dead) > 0 {
			i.bus.Unsubscribe(dead)
		}
		if len(fresh) > 0 {
			i.bus.Subscribe(fresh, func(err error) { i.confirm(fresh, err) })
			if i.isFinished() { // meanwhile: finish did not know of them
				i.bus.Unsubscribe(fresh)
			}
		}
	}
}

// next returns the next channels to subscribe and to unsubscribe. Without any, it returns
// how long to wait until a room must be unsubscribed, or done if no room must.
func (i *interest) next() (fresh, dead []Channel, wait time.Duration, done bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for _, room := range i.fresh {
		if len(fresh) == maxBatch {
			break
		}
		n++
		if r := i.rooms[room]; r != nil && r.alive && !r.subscribed {
			r.subscribed = true
			fresh = append(fresh, i.channel(room))
		}
	}
	if i.fresh = i.fresh[n:]; len(i.fresh) == 0 {
		i.fresh = nil
	}
	now := time.Now()
	n = 0
	for _, room := range i.dying {
		r := i.rooms[room]
		if r == nil || r.alive {
			n++ // it lives again, or is among the dying twice
			continue
		}
		if wait = i.linger - now.Sub(r.died); wait > 0 || len(dead) == maxBatch {
			break
		}
		n++
		delete(i.rooms, room)
		dead = append(dead, i.channel(room))
	}
	if i.dying = i.dying[n:]; len(i.dying) == 0 {
		i.dying = nil
	}
	if len(fresh)+len(dead)+len(i.fresh)+len(i.dying) == 0 {
		i.running = false
		return nil, nil, 0, true
	}
	return fresh, dead, wait, false
}

// confirm records that channels are subscribed.
func (i *interest) confirm(channels []Channel, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range channels {
		r := i.rooms[c.Name]
		if r == nil || !r.subscribed || err != nil {
			continue
		}
		r.confirmed = true
		if r.done != nil {
			close(r.done)
			r.done = nil
		}
	}
}

// names returns the names of the rooms that have members, including the ids of sockets.
func (i *interest) names() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	names := make([]string, 0, len(i.rooms))
	for room, r := range i.rooms {
		if r.alive {
			names = append(names, room)
		}
	}
	return names
}

// has reports whether a room has members, or had some a moment ago.
func (i *interest) has(room string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.rooms[room] != nil
}

// waitFor waits until the channels of rooms are subscribed. It returns false if timeout
// has passed before, or the node is closed.
func (i *interest) waitFor(rooms []string, timeout time.Duration) bool {
	var end <-chan time.Time
	for _, room := range rooms {
		i.mu.Lock()
		r := i.rooms[room]
		if r == nil || r.confirmed || i.finished || !i.subscribes(room) {
			i.mu.Unlock()
			continue
		}
		if r.done == nil {
			r.done = make(chan struct{})
		}
		done := r.done
		i.mu.Unlock()
		if end == nil {
			timer := time.NewTimer(timeout)
			defer timer.Stop()
			end = timer.C
		}
		select {
		case <-done:
		case <-end:
			return false
		case <-i.ctx.Done():
			return false
		}
	}
	return true
}

func (i *interest) isFinished() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.finished
}

// finish unsubscribes from all rooms. Rooms are not subscribed afterwards.
func (i *interest) finish() {
	i.mu.Lock()
	var channels []Channel
	for room, r := range i.rooms {
		if r.subscribed {
			channels = append(channels, i.channel(room))
		}
		if r.done != nil {
			close(r.done)
			r.done = nil
		}
	}
	i.finished, i.fresh, i.dying = true, nil, nil
	i.rooms = make(map[string]*roomState)
	i.mu.Unlock()
	for len(channels) > 0 {
		n := min(len(channels), maxBatch)
		i.bus.Unsubscribe(channels[:n:n])
		channels = channels[n:]
	}
}
