// SPDX-License-Identifier: MIT

// This file holds Inbox, the queue of an owner.

package serial

import (
	"sync"
	"sync/atomic"

	"socketio/internal/lock"
)

// firstItems is the initial capacity of an inbox that is not empty.
const firstItems = 4

// A queue is the memory of an inbox that is not empty.
type queue[T any] struct {
	items []T // items[head:] wait
	head  int
	first [firstItems]T // the first backing array of items
}

// queues has the queues that no inbox uses.
type queues[T any] struct{ pool sync.Pool }

func (p *queues[T]) get() *queue[T] {
	q, ok := p.pool.Get().(*queue[T])
	if !ok {
		q = new(queue[T])
	}
	q.items = q.first[:0]
	return q
}

func (p *queues[T]) put(q *queue[T]) {
	if cap(q.items) > firstItems { // else each item was cleared as it left
		clear(q.first[:])
	}
	q.items, q.head = nil, 0
	p.pool.Put(q)
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

	mu      lock.Mutex // guards the fields below
	ghosts  int32      // tickets of dropped items; returned by next
	waiting *queue[T]  // nil if the inbox is empty, which most are
	calls   int32      // items that run in lanes
	ended   bool       // no more items are accepted
	last    bool       // the last item was pushed
	parked  bool       // no worker runs until calls is 0
}

// push appends an item. It reports whether a worker must be started, and whether the item
// was accepted, which ends with the inbox.
func (q *Inbox[T]) push(it T, last bool, queues *queues[T]) (start, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last || q.ended && !last {
		return false, false
	}
	q.ended, q.last = q.ended || last, last
	if q.waiting == nil {
		q.waiting = queues.get()
	}
	q.waiting.append(it)
	if q.tickets.Add(1) > 1 {
		return false, true
	}
	q.parked = last && q.calls > 0
	return !q.parked, true
}

// next removes the first item and reports whether there are more. Without an item the
// worker ends. The last item waits until no call runs in a lane.
func (q *Inbox[T]) next(queues *queues[T]) (it T, more, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.readyLocked() {
		return it, false, false
	}
	it, more = q.waiting.shift()
	if !more {
		queues.put(q.waiting)
		q.waiting = nil
	}
	return it, more, true
}

func (w *queue[T]) append(it T) {
	if w.head > 0 && len(w.items) == cap(w.items) {
		n := copy(w.items, w.items[w.head:])
		clear(w.items[n:])
		w.items, w.head = w.items[:n], 0
	}
	w.items = append(w.items, it)
}

// shift removes the first item, and reports whether there are more.
func (w *queue[T]) shift() (it T, more bool) {
	it = w.items[w.head]
	var none T
	w.items[w.head] = none
	w.head++
	return it, w.head < len(w.items)
}

// readyLocked returns the tickets of dropped items and reports whether an item can run
// now.
func (q *Inbox[T]) readyLocked() bool {
	n := q.tickets.Add(-q.ghosts)
	q.ghosts = 0
	q.parked = n == 1 && q.last && q.calls > 0
	return n > 0 && !q.parked
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
	w := q.waiting
	if w == nil {
		return
	}
	kept := w.items[w.head:w.head]
	for _, it := range w.items[w.head:] {
		if drop(it) {
			q.ghosts++
			continue
		}
		kept = append(kept, it)
	}
	clear(w.items[w.head+len(kept):])
	w.items = w.items[:w.head+len(kept)]
}
