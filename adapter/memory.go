// SPDX-License-Identifier: MIT

// This file holds Memory, the rooms of one process.

package adapter

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"socketio/internal/idtable"
	"socketio/internal/lock"
)

// Memory is the Adapter of a single process. An Adapter with other nodes embeds or holds
// one for the members of its own node. Use NewMemory; the zero value is not usable.
type Memory struct {
	mu       lock.RWMutex // guards the fields below; never held while delivering
	all      list         // without entries; a member's place in it is member.place
	members  *idtable.Table[*member]
	rooms    map[string]*list // no empty room is ever stored
	watchers []RoomWatcher

	scratch sync.Pool // *scratch
}

// NewMemory returns an Adapter without members.
func NewMemory() *Memory {
	return &Memory{members: idtable.New[*member](), rooms: make(map[string]*list)}
}

// Close implements Bus. It does nothing.
func (a *Memory) Close() error { return nil }

// Observe implements Observable.
func (a *Memory) Observe(w RoomWatcher) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watchers = append(a.watchers, w)
}

// A list holds members that broadcasts read without a lock. Appending does not affect a
// reader, which keeps its own length. Removing from a list that a reader may hold
// replaces it.
type list struct {
	members []Member
	entries []*member   // of the members of a room, in the same order; read under the lock only
	read    atomic.Bool // a reader may have members
}

// add appends a member and returns its place.
func (l *list) add(m Member) int32 {
	l.members = append(l.members, m)
	return int32(len(l.members) - 1)
}

// remove removes the member at a place. It moves the last member there and returns it;
// that may be the same member.
func (l *list) remove(place int32) (moved Member) {
	if l.read.Load() {
		l.members = slices.Clone(l.members)
		l.read.Store(false)
	}
	end := len(l.members) - 1
	moved = l.members[end]
	l.members[place], l.members[end] = moved, nil
	l.members = l.members[:end]
	return moved
}

// enter is add for a list with entries.
func (l *list) enter(e *member) int32 {
	l.entries = append(l.entries, e)
	return l.add(e.self[0])
}

// leave is remove for a list with entries.
func (l *list) leave(place int32) (moved *member) {
	l.remove(place)
	end := len(l.entries) - 1
	moved = l.entries[end]
	l.entries[place], l.entries[end] = moved, nil
	l.entries = l.entries[:end]
	return moved
}

// snapshot returns the current members. The caller must hold the lock, and may read the
// result after releasing it.
func (l *list) snapshot() []Member {
	l.read.Store(true)
	return slices.Clip(l.members)
}

// Add implements Adapter.
func (a *Memory) Add(m Member, rooms []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := &member{self: [1]Member{m}}
	if !a.members.Put(e) {
		return
	}
	e.place = a.all.add(m)
	e.joinOwnLocked(a)
	a.joinLocked(e, rooms)
}

// Remove implements Adapter.
func (a *Memory) Remove(m Member) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.memberLocked(m)
	if e == nil {
		return
	}
	for name := range e.rooms {
		a.leaveLocked(e, name)
	}
	a.leaveLocked(e, e.ID())
	if moved := a.all.remove(e.place); moved != m {
		a.memberLocked(moved).place = e.place
	}
	a.members.Delete(e)
}

// Join implements Adapter.
func (a *Memory) Join(m Member, rooms []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.memberLocked(m); e != nil {
		a.joinLocked(e, rooms)
	}
}

func (a *Memory) joinLocked(e *member, rooms []string) {
	for _, name := range rooms {
		if name == e.ID() {
			e.joinOwnLocked(a)
			continue
		}
		if _, ok := e.rooms[name]; ok {
			continue
		}
		a.joiningLocked(name, false)
		if e.rooms == nil {
			e.rooms = make(map[string]int32)
		}
		r := a.rooms[name]
		if r == nil {
			r = new(list)
			a.rooms[name] = r
		}
		e.rooms[name] = r.enter(e)
		a.joinedLocked(name, e)
	}
}

// Leave implements Adapter.
func (a *Memory) Leave(m Member, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.memberLocked(m); e != nil {
		a.leaveLocked(e, name)
	}
}

func (a *Memory) leaveLocked(e *member, name string) {
	if name == e.ID() {
		e.leaveOwnLocked(a)
		return
	}
	place, ok := e.rooms[name]
	if !ok {
		return
	}
	r := a.rooms[name]
	if moved := r.leave(place); moved != e {
		moved.rooms[name] = place
	}
	delete(e.rooms, name)
	if len(r.members) == 0 {
		delete(a.rooms, name)
	}
	a.leftLocked(name, e)
}

// joiningLocked and joinedLocked notify the watchers when a member joins a room,
// leftLocked when it has left.
func (a *Memory) joiningLocked(name string, own bool) {
	if len(a.watchers) == 0 || a.existsLocked(name) {
		return
	}
	for _, w := range a.watchers {
		w.RoomCreated(name, own)
	}
}

func (a *Memory) joinedLocked(name string, e *member) {
	for _, w := range a.watchers {
		w.RoomJoined(name, e.self[0])
	}
}

func (a *Memory) leftLocked(name string, e *member) {
	if len(a.watchers) == 0 {
		return
	}
	exists := a.existsLocked(name)
	for _, w := range a.watchers {
		w.RoomLeft(name, e.self[0])
		if !exists {
			w.RoomDeleted(name)
		}
	}
}

// Rooms implements Adapter.
func (a *Memory) Rooms(m Member) []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	e := a.memberLocked(m)
	if e == nil {
		return nil
	}
	rooms := make([]string, 0, len(e.rooms)+1)
	if e.own {
		rooms = append(rooms, e.ID())
	}
	for name := range e.rooms {
		rooms = append(rooms, name)
	}
	return rooms
}

// Member implements Adapter.
func (a *Memory) Member(id string) (m Member, ok bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	e := a.members.Get(id)
	if e == nil {
		return nil, false
	}
	return e.self[0], true
}

// memberLocked finds m itself, not another member that has its id.
func (a *Memory) memberLocked(m Member) *member {
	if e := a.members.Get(m.ID()); e != nil && e.self[0] == m {
		return e
	}
	return nil
}

// FetchSockets implements Adapter. It does not wait.
func (a *Memory) FetchSockets(_ context.Context, t Target) ([]Found, error) {
	members := a.Members(t)
	found := make([]Found, len(members))
	for i, m := range members {
		found[i].Member = m
	}
	return found, nil
}

// SocketsJoin implements Adapter.
func (a *Memory) SocketsJoin(t Target, rooms []string) error {
	var first error
	for _, m := range a.Members(t) {
		if err := m.Join(rooms...); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// SocketsLeave implements Adapter.
func (a *Memory) SocketsLeave(t Target, rooms []string) error {
	for _, m := range a.Members(t) {
		for _, name := range rooms {
			m.Leave(name)
		}
	}
	return nil
}

// A Mover is a Member that can join and leave rooms for another node.
type Mover interface {
	// Move makes the member join or leave rooms. It does not wait until that is stored.
	Move(joins bool, rooms []string)
}

// Move makes members join or leave rooms for another node. It does not wait for those that
// are Movers.
func Move(members []Member, joins bool, rooms []string) {
	for _, m := range members {
		mover, ok := m.(Mover)
		switch {
		case ok:
			mover.Move(joins, rooms)
		case joins:
			_ = m.Join(rooms...) // the member reports its errors
		default:
			for _, name := range rooms {
				m.Leave(name)
			}
		}
	}
}

// DisconnectSockets implements Adapter.
func (a *Memory) DisconnectSockets(t Target, close bool) error {
	for _, m := range a.Members(t) {
		m.Disconnect(close)
	}
	return nil
}

// ServerSideEmit implements Adapter. There are no other nodes.
func (a *Memory) ServerSideEmit(Payload) error { return nil }

// ServerSideEmitWithAck implements Adapter. There are no other nodes to answer.
func (a *Memory) ServerSideEmitWithAck(context.Context, Payload, *Call) error { return nil }

// ServerCount implements Adapter. It returns 1.
func (a *Memory) ServerCount(context.Context) (int, error) { return 1, nil }
