// SPDX-License-Identifier: MIT

// This file holds Workers: how workers are started, kept idle, and ended.

package serial

import (
	"context"
	"math/bits"
	"sync/atomic"

	"socketio/internal/lock"
)

// maxIdle is the number of idle workers kept for the next burst. An idle worker keeps its
// grown stack.
const maxIdle = 64

// maxReady is the largest capacity of Workers.ready that is kept when it is empty.
const maxReady = 1024

// Workers are the goroutines that run inboxes: one for each inbox that is not empty, one
// for each item in a lane, and at most 64 idle ones. The zero value is ready for use;
// Close ends the idle ones. All methods may be called from any goroutine.
type Workers[T any] struct {
	busy   atomic.Int64
	closed atomic.Bool
	queues queues[T]

	// Idle workers. Clearing a bit of idle acquires the worker at that place; a bit of
	// taken belongs to the worker that stores itself there.
	idle, taken atomic.Uint64
	places      [maxIdle]*Worker[T]

	// Inboxes that no worker runs yet. A worker that has run one takes the next, so a
	// burst needs few goroutines. So that a handler that blocks delays no inbox of another
	// owner, there is always one more worker under way while some are ready.
	coming  atomic.Bool  // a worker was started or woken and has not arrived yet
	waiting atomic.Int32 // the number of ready inboxes
	readyMu lock.Mutex   // guards the fields below
	ready   []Runner[T]  // ready[head:] wait; at most one for each owner
	head    int

	waited atomic.Bool   // quiet is not nil
	mu     lock.Mutex    // guards the field below
	quiet  chan struct{} // closed when busy is 0; nil unless Wait was called
}

// Push appends an item to the inbox of an owner. If start is true, the caller must call
// Start for the owner, at once or after pushing more items. If ok is false, the inbox has
// ended and the item is dropped.
func (w *Workers[T]) Push(q *Inbox[T], item T) (start, ok bool) {
	return q.push(item, false, &w.queues)
}

// PushLast appends the last item of an inbox. The item waits until all calls in lanes
// have ended. An inbox has one last item; another is dropped.
func (w *Workers[T]) PushLast(q *Inbox[T], item T) (start bool) {
	start, _ = q.push(item, true, &w.queues)
	return start
}

// Start runs the inbox of r on a worker. It does not wait.
func (w *Workers[T]) Start(r Runner[T]) {
	w.busy.Add(1)
	if w.coming.CompareAndSwap(false, true) { // so none is ready
		w.bring(r)
		return
	}
	w.put(r)
	w.stir() // that worker may have arrived meanwhile
}

// bring gets a worker under way, for the inbox of r, or if r is nil, for one that is
// ready when the worker arrives. The caller has set coming.
func (w *Workers[T]) bring(r Runner[T]) {
	if rested := w.wake(); rested != nil {
		lock.Op()
		rested.next <- r // has room
		return
	}
	// work: at most one for each busy inbox and each item in a lane, one more, and
	// maxIdle; owned by w, ends after Close, or when enough others are idle.
	go w.work(r)
}

// stir gets a worker under way if inboxes are ready and none is.
func (w *Workers[T]) stir() {
	if w.waiting.Load() > 0 && w.coming.CompareAndSwap(false, true) {
		w.bring(nil)
	}
}

// put makes an inbox ready.
func (w *Workers[T]) put(r Runner[T]) {
	w.readyMu.Lock()
	defer w.readyMu.Unlock()
	if w.head > 0 && len(w.ready) == cap(w.ready) {
		n := copy(w.ready, w.ready[w.head:])
		clear(w.ready[n:])
		w.ready, w.head = w.ready[:n], 0
	}
	w.ready = append(w.ready, r)
	w.waiting.Add(1)
}

// take returns the first ready inbox, or nil.
func (w *Workers[T]) take() Runner[T] {
	if w.waiting.Load() == 0 {
		return nil
	}
	w.readyMu.Lock()
	defer w.readyMu.Unlock()
	if w.head == len(w.ready) {
		return nil
	}
	r := w.ready[w.head]
	w.ready[w.head] = nil
	w.waiting.Add(-1)
	if w.head++; w.head == len(w.ready) {
		w.ready, w.head = w.ready[:0], 0
		if cap(w.ready) > maxReady {
			w.ready = nil
		}
	}
	return r
}

func (w *Workers[T]) work(r Runner[T]) {
	self := &Worker[T]{workers: w}
	// Run may end the goroutine: another continues with the inbox.
	defer func() {
		switch {
		case r == nil:
		case self.finish():
			go w.work(r) // in place of this one
		default:
			w.End()
		}
	}()
	for {
		w.coming.Store(false)
		w.stir()
		if r == nil {
			r = w.take()
		}
		ran := false
		for ; r != nil; r = w.take() {
			if ran {
				w.End() // of the one before
			}
			self.serve(r)
			r, self.runner, ran = nil, nil, true
		}
		stay := w.rest(self)
		if ran {
			w.End()
		}
		if !stay {
			return
		}
		lock.Op()
		r = <-self.next
	}
}

// wake returns an idle worker, or nil.
func (w *Workers[T]) wake() *Worker[T] {
	for {
		idle := w.idle.Load()
		if idle == 0 {
			return nil
		}
		bit := idle & -idle
		if w.idle.CompareAndSwap(idle, idle&^bit) {
			place := &w.places[bits.TrailingZeros64(bit)]
			rested := *place
			*place = nil
			w.taken.And(^bit)
			return rested
		}
		lock.Op()
	}
}

// rest adds an idle worker and reports whether it should stay, waiting on its channel.
func (w *Workers[T]) rest(self *Worker[T]) (stay bool) {
	for !w.closed.Load() {
		taken := w.taken.Load()
		bit := ^taken & (taken + 1)
		if bit == 0 {
			return false // enough are idle
		}
		if !w.taken.CompareAndSwap(taken, taken|bit) {
			lock.Op()
			continue
		}
		if self.next == nil {
			self.next = make(chan Runner[T], 1)
		}
		w.places[bits.TrailingZeros64(bit)] = self
		w.idle.Or(bit)
		if w.closed.Load() {
			w.dismiss() // Close may not have seen it
		}
		return true
	}
	return false
}

// dismiss ends the idle workers.
func (w *Workers[T]) dismiss() {
	for rested := w.wake(); rested != nil; rested = w.wake() {
		rested.next <- nil // has room
	}
}

// Begin counts a goroutine that is not a worker but must end before Wait returns. Each
// Begin needs an End.
func (w *Workers[T]) Begin() { w.busy.Add(1) }

// End undoes a Begin.
func (w *Workers[T]) End() {
	if w.busy.Add(-1) == 0 && w.waited.Load() {
		w.tell()
	}
}

// tell wakes the callers of Wait if no worker is busy.
func (w *Workers[T]) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet != nil && w.busy.Load() == 0 {
		close(w.quiet)
		w.quiet = nil
		w.waited.Store(false)
	}
}

// Busy returns the number of workers that run an inbox, and of calls to Begin without an
// End.
func (w *Workers[T]) Busy() int { return int(w.busy.Load()) }

// Wait waits until no worker is busy and returns nil, or the error of ctx if that ends
// first.
func (w *Workers[T]) Wait(ctx context.Context) error {
	w.mu.Lock()
	if w.quiet == nil {
		w.quiet = make(chan struct{})
	}
	quiet := w.quiet
	w.waited.Store(true)
	w.mu.Unlock()
	w.tell() // the last may have ended before quiet was set
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the idle workers; busy ones end after running their inbox.
func (w *Workers[T]) Close() {
	w.closed.Store(true)
	w.dismiss()
}
