// SPDX-License-Identifier: MIT

// This file holds Order: what happens in a namespace one after the other.

package recovery

import (
	"sync/atomic"

	"socketio/adapter"
	"socketio/internal/lock"
)

// An Order puts the deliveries of events in a namespace and the changes of its members
// into one order. Each happens between Begin and End, where the caller must not block,
// call user code, or call Begin. All methods may be called from any goroutine.
type Order struct {
	mu   lock.Mutex    // held between Begin and End; taken before all locks of sockets
	last atomic.Uint64 // written under mu
	lost atomic.Uint64 // 1 + the number before the latest event that is not in the log; 0 if all are

	marked atomic.Uint64 // what the log knows of lost
}

// NewOrder returns an Order that goes on where a log is.
func NewOrder(l adapter.Log) *Order {
	o := new(Order)
	o.last.Store(l.Last())
	if after, ok := l.Lost(); ok {
		o.lost.Store(after + 1)
		o.marked.Store(after + 1)
	}
	return o
}

// Begin begins a step. It returns the number of the latest event.
func (o *Order) Begin() (last uint64) {
	o.mu.Lock()
	return o.last.Load()
}

// End ends a step.
func (o *Order) End() { o.mu.Unlock() }

// Delivered records in a step that it has delivered the event with the given number.
func (o *Order) Delivered(number uint64) { o.last.Store(number) }

// Lost records in a step that it has delivered an event that the log could not store.
func (o *Order) Lost() { o.lost.Store(o.last.Load() + 1) }

// Last returns the number of the latest event that was delivered.
func (o *Order) Last() uint64 { return o.last.Load() }

// Passed records in a step that the log was read up to a number.
func (o *Order) Passed(number uint64) { o.last.Store(max(o.last.Load(), number)) }

// LostUpTo records in a step that events up to a number were lost. The log knows.
func (o *Order) LostUpTo(number uint64) {
	o.lost.Store(max(o.lost.Load(), number))
	o.marked.Store(max(o.marked.Load(), number))
}

// LostMark returns the number that a client must have received, or 0: events before are
// not in the log.
func (o *Order) LostMark() uint64 { return o.lost.Load() }

// Reset begins again in a step, with another log.
func (o *Order) Reset(last uint64) {
	o.last.Store(last)
	o.lost.Store(0)
	o.marked.Store(0)
}

// LostAfter reports whether an event after the one with the given number is not in the
// log.
func (o *Order) LostAfter(number uint64) bool { return o.lost.Load() > number }

// Mark tells the log about lost events, if it does not know. It is called outside of steps,
// and may wait for the log.
func (o *Order) Mark(l adapter.Log) error {
	lost := o.lost.Load()
	if o.marked.Load() >= lost {
		return nil
	}
	if err := l.MarkLost(lost - 1); err != nil {
		return err
	}
	for marked := o.marked.Load(); marked < lost && !o.marked.CompareAndSwap(marked, lost); marked = o.marked.Load() {
	}
	return nil
}
