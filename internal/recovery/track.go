// SPDX-License-Identifier: MIT

// This file holds Track: what is remembered of a connected client.

package recovery

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"socketio/adapter"
	"socketio/internal/lock"
)

// maxPast bounds the memberships of rooms that were left. The oldest are forgotten first;
// Track.Floor says up to where.
const maxPast = 1024

// A Track is what is remembered of a connected client: which events it was sent, and when
// it was in which rooms. All methods may be called from any goroutine.
type Track struct {
	last atomic.Uint64 // of the latest event queued for the client
	cut  atomic.Uint64 // the first event that could not be queued, as the connection had ended; 0 if there is none

	mu    lock.Mutex // guards the fields below
	start uint64
	floor uint64
	rooms map[string]uint64 // where the client is, and the last event before it joined
	past  []adapter.Membership
}

// NewTrack returns the Track of a client that has received the events up to start.
func NewTrack(start uint64) *Track {
	t := &Track{start: start}
	t.last.Store(start)
	return t
}

// Continue returns the Track of a client that continues a session and has received the
// events up to start.
func Continue(s *adapter.Session, start uint64) *Track {
	t := NewTrack(max(start, s.Start))
	t.last.Store(max(s.Last, start))
	t.floor = s.Floor
	for _, m := range s.Rooms {
		switch {
		case m.To == 0:
			t.joinLocked(m.Room, m.From)
		case m.To > start:
			t.past = append(t.past, m)
		}
	}
	return t
}

// Queued records that an event was queued for the client.
func (t *Track) Queued(number uint64) { t.last.Store(number) }

// Cut records that an event could not be queued because the connection had ended.
func (t *Track) Cut(number uint64) { t.cut.CompareAndSwap(0, number) }

// Join records that the client joins rooms after the event with the number last.
func (t *Track) Join(last uint64, rooms ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, room := range rooms {
		t.joinLocked(room, last)
	}
}

func (t *Track) joinLocked(room string, last uint64) {
	if _, in := t.rooms[room]; in {
		return
	}
	if t.rooms == nil {
		t.rooms = make(map[string]uint64)
	}
	t.rooms[room] = last
}

// Leave records that the client leaves rooms after the event with the number last.
func (t *Track) Leave(last uint64, rooms ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, room := range rooms {
		from, in := t.rooms[room]
		if !in {
			continue
		}
		delete(t.rooms, room)
		if from < last {
			t.past = append(t.past, adapter.Membership{Room: room, From: from, To: last})
		}
	}
	t.trimLocked()
}

// Gets records that the client gets an event to rooms which it has left since the event was
// emitted.
func (t *Track) Gets(number uint64, to *adapter.Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.past = append(t.past, adapter.Membership{Room: to.Rooms[0], From: number - 1, To: number})
	t.pauseLocked(number, to.Except)
	t.trimLocked()
}

// Misses records that the client does not get an event to rooms which it has joined, or
// except those which it has left, since the event was emitted.
func (t *Track) Misses(number uint64, to *adapter.Target) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(to.Except) > 0 {
		t.past = append(t.past, adapter.Membership{Room: to.Except[0], From: number - 1, To: number})
	}
	t.pauseLocked(number, to.Rooms)
	t.trimLocked()
}

// pauseLocked takes the client out of rooms for one event.
func (t *Track) pauseLocked(number uint64, rooms []string) {
	for _, room := range rooms {
		from, in := t.rooms[room]
		if !in || from >= number {
			continue
		}
		if from < number-1 {
			t.past = append(t.past, adapter.Membership{Room: room, From: from, To: number - 1})
		}
		t.rooms[room] = number
	}
}

// trimLocked forgets the oldest memberships if there are too many.
func (t *Track) trimLocked() {
	if n := len(t.past) - maxPast; n > 0 {
		for _, m := range t.past[:n] {
			t.floor = max(t.floor, m.To)
		}
		t.past = slices.Delete(t.past, 0, n)
	}
}

// Fill sets what the Track knows of the session. last is Order.Last, read while the socket
// was connected, or later if Cut was called for what could not be queued since.
func (t *Track) Fill(s *adapter.Session, last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Start, s.Floor, s.Last, s.Checked = t.start, t.floor, t.last.Load(), last
	if cut := t.cut.Load(); cut > 0 {
		s.Checked = min(last, cut-1)
	}
	s.Rooms = slices.Clone(t.past)
	for _, room := range slices.Sorted(maps.Keys(t.rooms)) {
		s.Rooms = append(s.Rooms, adapter.Membership{Room: room, From: t.rooms[room]})
	}
}

// Rooms returns the rooms of a session, in the order of their names.
func Rooms(s *adapter.Session) []string {
	var rooms []string
	for _, m := range s.Rooms {
		if m.To == 0 {
			rooms = append(rooms, m.Room)
		}
	}
	slices.SortFunc(rooms, strings.Compare)
	return rooms
}
