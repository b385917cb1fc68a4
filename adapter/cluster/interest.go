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
	pause      time.Duration // after a failure: until the next attempt
	due        time.Time     // when that is
}

// A death is when a room has lost its last member. There may be a later one of the same room.
type death struct {
	room string
	at   time.Time
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
	failed func(error)       // reports a subscription that failed

	changing *sync.Mutex // that of services

	mu       sync.Mutex // guards the fields below; a leaf
	rooms    map[string]*roomState
	fresh    []string // may have to be subscribed
	dying    []death  // may have to be unsubscribed, in the order of their deaths
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
	i.dying = append(i.dying, death{room, r.died})
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
		wait, changed := i.change()
		switch {
		case changed:
		case i.idle():
			return 0, true
		default:
			return wait, false
		}
	}
}

// change subscribes and unsubscribes some of what is due. If there is nothing, it returns how
// long to wait. What it does is done before finish returns: the next namespace of the name may
// have the same rooms.
func (i *interest) change() (wait time.Duration, changed bool) {
	i.changing.Lock()
	defer i.changing.Unlock()
	now := time.Now()
	fresh, waitFresh := i.nextFresh(now)
	dead, waitDead := i.nextDead(now)
	if len(dead) > 0 {
		i.bus.Unsubscribe(dead)
	}
	if len(fresh) > 0 {
		i.bus.Subscribe(fresh, func(err error) { i.confirm(fresh, err) })
	}
	return min(waitFresh, waitDead), len(fresh)+len(dead) > 0
}

// forever is how long to wait for nothing.
const forever = time.Hour

// nextFresh returns the next channels to subscribe. Without any, it returns how long to
// wait until one must be tried again. A channel that has failed is tried alone.
func (i *interest) nextFresh(now time.Time) (channels []Channel, wait time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	wait = forever
	var later []string
	n := 0
	for _, room := range i.fresh {
		r := i.rooms[room]
		if len(channels) == maxBatch || len(channels) == 1 && i.rooms[channels[0].Name].pause > 0 {
			break
		}
		n++
		switch {
		case r == nil || !r.alive || r.subscribed:
			continue
		case r.pause > 0 && (len(channels) > 0 || r.due.After(now)):
			later = append(later, room)
			wait = min(wait, max(0, r.due.Sub(now)))
			continue
		}
		r.subscribed = true
		channels = append(channels, i.channel(room))
	}
	if i.fresh = append(later, i.fresh[n:]...); len(i.fresh) == 0 {
		i.fresh = nil
	}
	return channels, wait
}

// nextDead returns the next channels to unsubscribe. Without any, it returns how long to
// wait until a room must be unsubscribed.
func (i *interest) nextDead(now time.Time) (channels []Channel, wait time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	wait = forever
	n := 0
	for _, d := range i.dying {
		r := i.rooms[d.room]
		if r == nil || r.alive || !r.subscribed || !r.died.Equal(d.at) {
			n++ // it lives again, has never been subscribed, or has died again since
			continue
		}
		if left := i.linger - now.Sub(d.at); left > 0 || len(channels) == maxBatch {
			wait = left
			break
		}
		n++
		delete(i.rooms, d.room)
		channels = append(channels, i.channel(d.room))
	}
	if i.dying = i.dying[n:]; len(i.dying) == 0 {
		i.dying = nil
	}
	return channels, wait
}

// idle reports whether nothing is left to do. The goroutine must then end.
func (i *interest) idle() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.running = len(i.fresh)+len(i.dying) > 0
	return !i.running
}

const (
	firstPause = 100 * time.Millisecond // after the first failure of a subscription
	longPause  = 5 * time.Second        // after many
)

// confirm records that channels are subscribed, or that they could not be: they are tried
// again later.
func (i *interest) confirm(channels []Channel, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err != nil && !i.finished && i.ctx.Err() == nil {
		i.failed(err)
	}
	for _, c := range channels {
		r := i.rooms[c.Name]
		switch {
		case r == nil || !r.subscribed:
			continue
		case err != nil:
			i.againLocked(c.Name, r)
			continue
		}
		r.confirmed, r.pause = true, 0
		if r.done != nil {
			close(r.done)
			r.done = nil
		}
	}
}

// againLocked makes the goroutine subscribe a room later.
func (i *interest) againLocked(room string, r *roomState) {
	if r.subscribed = false; !r.alive {
		delete(i.rooms, room)
		return
	}
	r.pause = min(max(2*r.pause, firstPause), longPause)
	r.due = time.Now().Add(r.pause)
	i.fresh = append(i.fresh, room)
	i.startLocked()
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
	i.changing.Lock() // change may be subscribing to some
	defer i.changing.Unlock()
	for len(channels) > 0 {
		n := min(len(channels), maxBatch)
		i.bus.Unsubscribe(channels[:n:n])
		channels = channels[n:]
	}
}
