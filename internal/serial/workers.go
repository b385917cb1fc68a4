// SPDX-License-Identifier: MIT

// This file holds the workers of a program: their number, their rest, their end.

package serial

import (
	"context"
	"math/bits"
	"sync/atomic"

	"socketio/internal/lock"
)

// maxIdle is how many workers stay for the next burst. A worker that stays has a grown
// stack, which a new one would grow again.
const maxIdle = 64

// Workers are the goroutines that run inboxes: one for each inbox with something in it,
// one for each item in a lane, and at most 64 that wait for the next. The zero value is
// ready for use; Close ends those that wait. All methods may be called from any
// goroutine.
type Workers[T any] struct {
	busy   atomic.Int64
	closed atomic.Bool
	firsts firsts[T]

	// Those that wait. Who takes a bit of idle away takes the worker at that place;
	// a bit of taken belongs to the worker that puts itself there.
	idle, taken atomic.Uint64
	places      [maxIdle]*Worker[T]

	waited atomic.Bool   // quiet is not nil
	mu     lock.Mutex    // guards the field below
	quiet  chan struct{} // closed when busy is 0; nil unless somebody waits
}

// Push appends an item to the inbox of an owner. If start is true the caller must call
// Start for the owner, now or when it has pushed all it has. If ok is false the inbox
// has ended and the item is dropped.
func (w *Workers[T]) Push(q *Inbox[T], item T) (start, ok bool) {
	return q.push(item, false, &w.firsts)
}

// PushLast appends the last item of an inbox. It waits until all calls in lanes have
// ended. An inbox has one last item; another is dropped.
func (w *Workers[T]) PushLast(q *Inbox[T], item T) (start bool) {
	start, _ = q.push(item, true, &w.firsts)
	return start
}

// Start runs the inbox of r on a worker. It does not wait.
func (w *Workers[T]) Start(r Runner[T]) {
	w.busy.Add(1)
	if rested := w.wake(); rested != nil {
		lock.Op()
		rested.next <- r // has room
		return
	}
	// work: as many as there are busy inboxes and items in lanes, and maxIdle; owned by
	// w, ends after Close, or when enough others wait.
	go w.work(r)
}

func (w *Workers[T]) work(r Runner[T]) {
	self := &Worker[T]{workers: w}
	// Run may end the goroutine: another goes on with what waits.
	defer func() {
		switch {
		case r == nil:
		case self.finish():
			go w.work(r) // in place of this one
		default:
			w.End()
		}
	}()
	for r != nil {
		self.serve(r)
		r, self.runner = nil, nil
		if !w.rest(self) {
			return
		}
		lock.Op()
		r = <-self.next
	}
}

// wake takes a worker that waits; nil if none does.
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

// rest counts a worker as idle and reports whether it should stay: something is sent to
// its channel then.
func (w *Workers[T]) rest(self *Worker[T]) (stay bool) {
	defer w.End()
	for !w.closed.Load() {
		taken := w.taken.Load()
		bit := ^taken & (taken + 1)
		if bit == 0 {
			return false // enough wait
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

// dismiss ends the workers that wait.
func (w *Workers[T]) dismiss() {
	for rested := w.wake(); rested != nil; rested = w.wake() {
		rested.next <- nil // has room
	}
}

// Begin counts a goroutine that is not a worker but must end before Wait returns. Each
// Begin needs an End.
func (w *Workers[T]) Begin() { w.busy.Add(1) }

// End ends what Begin began.
func (w *Workers[T]) End() {
	if w.busy.Add(-1) == 0 && w.waited.Load() {
		w.tell()
	}
}

// tell tells those who wait that nothing runs, if that is still so.
func (w *Workers[T]) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet != nil && w.busy.Load() == 0 {
		close(w.quiet)
		w.quiet = nil
		w.waited.Store(false)
	}
}

// Busy returns the number of workers that run an inbox, with those of Begin.
func (w *Workers[T]) Busy() int { return int(w.busy.Load()) }

// Wait returns nil when nothing runs, or the error of ctx when that ends first.
func (w *Workers[T]) Wait(ctx context.Context) error {
	w.mu.Lock()
	if w.quiet == nil {
		w.quiet = make(chan struct{})
	}
	quiet := w.quiet
	w.waited.Store(true)
	w.mu.Unlock()
	w.tell() // the last may have ended before it could see that somebody waits
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the workers that wait; the busy ones end when they have run their inbox.
func (w *Workers[T]) Close() {
	w.closed.Store(true)
	w.dismiss()
}
