// SPDX-License-Identifier: MIT

// This file holds Memory: the rooms of one process.

package adapter

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Memory is the Adapter of a single process. Its zero value is not usable; see
// NewMemory.
type Memory struct {
	mu      sync.RWMutex       // guards the fields below; never held while delivering
	all     list               // a member's place in it is member.place
	members map[string]*member // by id
	rooms   map[string]*room   // no empty room is ever stored
}

// NewMemory returns an Adapter without members.
func NewMemory() *Memory {
	return &Memory{members: make(map[string]*member), rooms: make(map[string]*room)}
}

// A member is what Memory keeps of a Member. The room of its own id is the flag
// own: most members are in no other room, and a room each would be most of the
// memory.
type member struct {
	self  [1]Member // the room of its own id, for a reader
	own   bool
	place int                 // in Memory.all
	rooms map[string]struct{} // nil until the first Join
}

func (e *member) id() string { return e.self[0].ID() }

// A list is members that broadcasts read without a lock. Appending does not
// disturb a reader, who sees its own length; removing from a list that a reader
// may have replaces it.
type list struct {
	members []Member
	read    atomic.Bool // a reader may have members
}

// add appends m and returns its place.
func (l *list) add(m Member) int {
	l.members = append(l.members, m)
	return len(l.members) - 1
}

// remove takes out the member at a place. The last one moves there and is
// returned; it may be the same.
func (l *list) remove(place int) (moved Member) {
	if l.read.Load() {
		l.members = slices.Clone(l.members)
		l.read.Store(false)
	}
	end := len(l.members) - 1
	moved = l.members[end]
	l.members[place] = moved
	l.members[end] = nil
	l.members = l.members[:end]
	return moved
}

// snapshot returns the members of this instant. The caller holds the lock, and
// may read the result after letting go of it.
func (l *list) snapshot() []Member {
	l.read.Store(true)
	return slices.Clip(l.members)
}

// A room is a list and the place of each member in it.
type room struct {
	list
	places map[Member]int
}

func (r *room) add(m Member) {
	if r.places == nil {
		r.places = make(map[Member]int)
	}
	if _, ok := r.places[m]; !ok {
		r.places[m] = r.list.add(m)
	}
}

func (r *room) remove(m Member) {
	place, ok := r.places[m]
	if !ok {
		return
	}
	r.places[r.list.remove(place)] = place
	delete(r.places, m)
}

// Add implements Adapter.
func (a *Memory) Add(m Member, rooms []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.members[m.ID()]; ok {
		return
	}
	e := &member{self: [1]Member{m}, own: true, place: a.all.add(m)}
	a.members[m.ID()] = e
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
	a.members[a.all.remove(e.place).ID()].place = e.place
	delete(a.members, m.ID())
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
		if name == e.id() {
			e.own = true
			continue
		}
		if e.rooms == nil {
			e.rooms = make(map[string]struct{})
		}
		e.rooms[name] = struct{}{}
		r := a.rooms[name]
		if r == nil {
			r = new(room)
			a.rooms[name] = r
		}
		r.add(e.self[0])
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
	if name == e.id() {
		e.own = false
		return
	}
	if _, ok := e.rooms[name]; !ok {
		return
	}
	delete(e.rooms, name)
	r := a.rooms[name]
	r.remove(e.self[0])
	if len(r.members) == 0 {
		delete(a.rooms, name)
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
		rooms = append(rooms, e.id())
	}
	for name := range e.rooms {
		rooms = append(rooms, name)
	}
	return rooms
}

// memberLocked finds m itself, not another member that has its id.
func (a *Memory) memberLocked(m Member) *member {
	if e := a.members[m.ID()]; e != nil && e.self[0] == m {
		return e
	}
	return nil
}

// A broadcast to parallelMembers or more is split over the cores, in shares of
// shareMembers.
const (
	parallelMembers = 512
	shareMembers    = 64
)

// Broadcast implements Adapter.
func (a *Memory) Broadcast(p *Packet, t Target) int {
	members := a.resolve(t)
	if workers := runtime.GOMAXPROCS(0); workers > 1 && len(members) >= parallelMembers {
		return broadcastParallel(p, members, t.Sender, workers)
	}
	return deliver(p, members, t.Sender)
}

func deliver(p *Packet, members []Member, sender string) int {
	n := 0
	for _, m := range members {
		if sender == "" || m.ID() != sender {
			m.Deliver(p)
			n++
		}
	}
	return n
}

// broadcastParallel delivers with several goroutines, this one among them. They
// end before it returns.
func broadcastParallel(p *Packet, members []Member, sender string, workers int) int {
	var next, total atomic.Int64
	work := func() {
		for {
			start := int(next.Add(shareMembers)) - shareMembers
			if start >= len(members) {
				return
			}
			total.Add(int64(deliver(p, members[start:min(start+shareMembers, len(members))], sender)))
		}
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return int(total.Load())
}

// Members implements Adapter.
func (a *Memory) Members(t Target) []Member {
	members := a.resolve(t)
	if t.Sender == "" {
		return members
	}
	out := make([]Member, 0, len(members))
	for _, m := range members {
		if m.ID() != t.Sender {
			out = append(out, m)
		}
	}
	return out
}

// resolve returns the members of t, the sender among them.
func (a *Memory) resolve(t Target) []Member {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(t.Except) == 0 {
		switch {
		case t.Rooms == nil:
			return a.all.snapshot()
		case len(t.Rooms) == 1:
			return a.roomLocked(t.Rooms[0])
		}
	}
	except := make(map[Member]struct{})
	for _, name := range t.Except {
		for _, m := range a.roomLocked(name) {
			except[m] = struct{}{}
		}
	}
	if t.Rooms == nil {
		return appendNew(make([]Member, 0, len(a.all.members)), a.all.members, except)
	}
	var out []Member
	for _, name := range t.Rooms {
		out = appendNew(out, a.roomLocked(name), except) // each member once
	}
	return out
}

// appendNew appends the members that are not in seen, and adds them to it.
func appendNew(dst, members []Member, seen map[Member]struct{}) []Member {
	for _, m := range members {
		if _, ok := seen[m]; !ok {
			seen[m] = struct{}{}
			dst = append(dst, m)
		}
	}
	return dst
}

// roomLocked returns the members of a room. A name may be both a room and the
// id of a member.
func (a *Memory) roomLocked(name string) []Member {
	r, e := a.rooms[name], a.members[name]
	if e == nil || !e.own {
		if r == nil {
			return nil
		}
		return r.snapshot()
	}
	if r == nil {
		return e.self[:]
	}
	return append(slices.Clone(r.members), e.self[0])
}
