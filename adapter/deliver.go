// SPDX-License-Identifier: MIT

// This file holds the part of Memory that finds the members of a target and delivers
// packets to them.

package adapter

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A broadcast to parallelMembers or more is split over the cores, in shares of
// shareMembers.
const (
	parallelMembers = 512
	shareMembers    = 64
)

// Broadcast implements Adapter.
func (a *Memory) Broadcast(p *Packet, t Target) (int, error) {
	if members, ok := a.listed(t); ok {
		return deliverAll(p, members, t.Sender), nil
	}
	s := a.getScratch()
	n := deliverAll(p, a.gather(t, s), t.Sender)
	a.putScratch(s)
	return n, nil
}

// BroadcastWithAck implements Adapter.
func (a *Memory) BroadcastWithAck(_ context.Context, p *Packet, t Target) error {
	_, err := a.Broadcast(p, t)
	return err
}

func deliverAll(p *Packet, members []Member, sender string) int {
	if workers := runtime.GOMAXPROCS(0); workers > 1 && len(members) >= parallelMembers {
		return deliverParallel(p, members, sender, workers)
	}
	return deliver(p, members, sender)
}

// A deliverer is a Member that can deliver a packet to others of its kind in one call.
type deliverer interface {
	// DeliverAll delivers a packet to the members, of which it is one, except the sender,
	// and returns how many they are.
	DeliverAll(p *Packet, members []Member, sender string) int
}

func deliver(p *Packet, members []Member, sender string) int {
	if len(members) > 1 {
		if d, ok := members[0].(deliverer); ok {
			return d.DeliverAll(p, members, sender)
		}
	}
	n := 0
	for _, m := range members {
		if sender == "" || m.ID() != sender {
			m.Deliver(p)
			n++
		}
	}
	return n
}

// deliverParallel delivers with several goroutines, including the caller's. They have
// ended when it returns.
func deliverParallel(p *Packet, members []Member, sender string, workers int) int {
	if p.Batch != nil { // one goroutine uses it at a time
		alone := *p
		alone.Batch = nil
		p = &alone
	}
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
	members, ok := a.listed(t)
	if !ok {
		members = a.gather(t, new(scratch)) // not pooled: the caller keeps it
	}
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

// A scratch collects the members of several rooms. It is pooled, and used by one call at
// a time.
type scratch struct {
	members []Member
	seen    []uint64 // one bit for each place in Memory.all
}

// maxScratch is the largest number of members for which a scratch is returned to the
// pool.
const maxScratch = 1 << 16

func (a *Memory) getScratch() *scratch {
	if s, ok := a.scratch.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

func (a *Memory) putScratch(s *scratch) {
	if cap(s.members) <= maxScratch {
		clear(s.members) // a pooled scratch must not keep members alive
		s.members = s.members[:0]
		a.scratch.Put(s)
	}
}

// start prepares s for places below n.
func (s *scratch) start(n int) {
	words := (n + 63) / 64
	s.seen = slices.Grow(s.seen[:0], words)[:words]
	clear(s.seen)
	s.members = s.members[:0]
}

// mark reports whether a place has not been marked before.
func (s *scratch) mark(place int32) bool {
	word, bit := &s.seen[place/64], uint64(1)<<(place%64)
	is := *word&bit == 0
	*word |= bit
	return is
}

func (s *scratch) add(e *member) {
	if s.mark(e.place) {
		s.members = append(s.members, e.self[0])
	}
}

// listed returns the members of a target, including the sender, if they are an existing
// list: all members, or those of a room.
func (a *Memory) listed(t Target) (members []Member, ok bool) {
	if len(t.Except) > 0 || len(t.Rooms) > 1 {
		return nil, false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	if t.Rooms == nil {
		return a.all.snapshot(), true
	}
	if len(t.Rooms) == 0 {
		return nil, true
	}
	room, owner := a.rooms[t.Rooms[0]], a.ownerLocked(t.Rooms[0])
	switch {
	case room == nil && owner == nil:
		return nil, true
	case room == nil:
		return owner.self[:], true
	case owner == nil:
		return room.snapshot(), true
	}
	return nil, false
}

// gather collects the members of a target in s, including the sender, each once.
func (a *Memory) gather(t Target, s *scratch) []Member {
	a.mu.RLock()
	defer a.mu.RUnlock()
	s.start(len(a.all.members))
	for _, name := range t.Except {
		a.eachLocked(name, func(e *member) { s.mark(e.place) })
	}
	if t.Rooms == nil {
		for place, m := range a.all.members {
			if s.mark(int32(place)) {
				s.members = append(s.members, m)
			}
		}
	}
	for _, name := range t.Rooms {
		a.eachLocked(name, s.add)
	}
	return s.members
}
