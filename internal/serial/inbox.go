// SPDX-License-Identifier: MIT

// This file holds Inbox, the queue of an owner.

package serial

import (
	"sync"
	"sync/atomic"

	"socketio/internal/lock"
)

// firstItems is the initial capacity of an inbox. An empty inbox has no backing array.
const firstItems = 4

// firsts has the first backing arrays of inboxes.
type firsts[T any] struct{ pool sync.Pool }

func (f *firsts[T]) get() *[firstItems]T {
	if a, ok := f.pool.Get().(*[firstItems]T); ok {
		return a
	}
	return new([firstItems]T)
}

func (f *firsts[T]) put(a *[firstItems]T) {
	clear(a[:])
	f.pool.Put(a)
}

// An Inbox is the queue of one owner. The zero value is empty and ready for use. Its
// length is unlimited: the owner must count the items it pushes and stop its source in
// time. All methods may be called from any goroutine.
//
// Each item has a ticket from when it is pushed until it has run. While there are
// tickets, a worker runs the inbox or is about to, or the last item waits for calls in
// lanes. So the worker that returns the last ticket ends without taking the lock.
type Inbox[T any] struct {
	tickets atomic.Int32

	mu     lock.Mutex // guards the fields below
	items  []T        // items[head:] wait
	first  *[firstItems]T
	head   int
	ghosts int32 // tickets of dropped items; returned by next
	calls  int32 // items that run in lanes
	ended  bool  // no more items are accepted
	last   bool  // the last item was pushed
	parked bool  // no worker runs until calls is 0
}

// push appends an item. It reports whether a worker must be started, and whether the item
// was accepted, which ends with the inbox.
func (q *Inbox[T]) push(it T, last bool, firsts *firsts[T]) (start, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last || q.ended && !last {
		return false, false
	}
	q.ended, q.last = q.ended || last, last
	if q.items == nil {
		q.first = firsts.get()
		q.items = q.first[:0]
	}
	if q.head > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, it)
	if q.tickets.Add(1) > 1 {
		return false, true
	}
	q.parked = last && q.calls > 0
	return !q.parked, true
}

// next removes the first item and reports whether there are more. Without an item the
// worker ends. The last item waits until no call runs in a lane.
func (q *Inbox[T]) next(firsts *firsts[T]) (it T, more, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.readyLocked() {
		return it, false, false
	}
	it = q.items[q.head]
	var none T
	q.items[q.head] = none
	if q.head++; q.head < len(q.items) {
		return it, true, true
	}
	q.freeLocked(firsts)
	return it, false, true
}

// readyLocked returns the tickets of dropped items and reports whether an item can run
// now.
func (q *Inbox[T]) readyLocked() bool {
	n := q.tickets.Add(-q.ghosts)
	q.ghosts = 0
	q.parked = n == 1 && q.last && q.calls > 0
	return n > 0 && !q.parked
}

// freeLocked frees the memory of an empty inbox.
func (q *Inbox[T]) freeLocked(firsts *firsts[T]) {
	if q.first != nil {
		firsts.put(q.first)
	}
	q.items, q.first, q.head = nil, nil, 0
}

// done returns the ticket of an item that has run. It reports whether the worker must
// continue.
func (q *Inbox[T]) done() (goOn bool) { return q.tickets.Add(-1) > 0 }

// handOn records that an item continues in a lane. It reports whether another worker must
// be started for the waiting items.
func (q *Inbox[T]) handOn() (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	q.tickets.Add(-1)
	return q.readyLocked()
}

// callEnded records that such an item has ended. It reports whether its goroutine is now
// the worker.
func (q *Inbox[T]) callEnded() (goOn bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls--
	goOn = q.parked && q.calls == 0
	q.parked = q.parked && !goOn
	return goOn
}

// Calls returns the number of items that run in lanes.
func (q *Inbox[T]) Calls() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.calls)
}

// Drop removes the waiting items for which drop returns true. Afterwards the inbox
// accepts only a last item. drop is called with the inbox locked.
func (q *Inbox[T]) Drop(drop func(T) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	kept := q.items[q.head:q.head]
	for _, it := range q.items[q.head:] {
		if drop(it) {
			q.ghosts++
			continue
		}
		kept = append(kept, it)
	}
	clear(q.items[q.head+len(kept):])
	q.items = q.items[:q.head+len(kept)]
}
