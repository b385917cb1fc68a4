// SPDX-License-Identifier: MIT

// This file holds Few: the handlers of one socket, by the names of their events.

package call

import (
	"slices"
	"sync/atomic"

	"socketio/internal/lock"
)

// A Few holds registered handlers L by event, like a Table, for a socket, which has few:
// a map would take more memory, and reading it would visit more of it. The zero value is
// empty and takes one word. It is replaced when it changes, so reading it takes no lock.
// Its methods may be called from any goroutine.
type Few[L any] struct {
	now atomic.Pointer[Some[L]]
}

// A Some is one state of a Few. It is immutable. A nil Some is empty.
type Some[L any] struct {
	list  []keyed[L]
	first [4]keyed[L] // the array of list, if that is not longer
}

// A keyed is a handler with the key of its event, so that most handlers of other events are
// told by their keys.
type keyed[L any] struct {
	key uint64
	l   *L
}

// keyOf returns the key of an event: the length and the beginning of its name.
func keyOf[T string | []byte](event T) uint64 {
	key := uint64(len(event))
	for i := range min(len(event), 7) {
		key = key<<8 | uint64(event[i])
	}
	return key
}

// Add appends l to the handlers of event. remove removes it and may be called more than
// once.
func (f *Few[L]) Add(event string, l *L) (remove func()) {
	key := keyOf(event)
	f.change(func(list []keyed[L]) []keyed[L] { return append(list, keyed[L]{key, l}) })
	return func() { f.Remove(l) }
}

// Remove removes l, if it is there.
func (f *Few[L]) Remove(l *L) {
	f.change(func(list []keyed[L]) []keyed[L] {
		return slices.DeleteFunc(list, func(k keyed[L]) bool { return k.l == l })
	})
}

// change stores what change makes of a copy of the list.
func (f *Few[L]) change(change func([]keyed[L]) []keyed[L]) {
	for {
		old, next := f.now.Load(), new(Some[L])
		next.list = next.first[:0]
		if old != nil {
			next.list = append(next.list, old.list...)
		}
		if next.list = change(next.list); len(next.list) == 0 {
			next = nil
		}
		if f.now.CompareAndSwap(old, next) {
			return
		}
		lock.Op() // a retry
	}
}

// Now returns the handlers of this moment.
func (f *Few[L]) Now() *Some[L] { return f.now.Load() }

// AppendTo appends the handlers of an event to dst, in the order in which they were added,
// and perhaps some of other events with similar names.
func (s *Some[L]) AppendTo(dst []*L, event []byte) []*L {
	if s == nil {
		return dst
	}
	key := keyOf(event)
	for i := range s.list {
		if k := &s.list[i]; k.key == key {
			dst = append(dst, k.l)
		}
	}
	return dst
}

// Len returns the number of handlers.
func (s *Some[L]) Len() int {
	if s == nil {
		return 0
	}
	return len(s.list)
}
