// SPDX-License-Identifier: MIT

// This file bounds how long an event waits until a durable store has it.

package socketio

import (
	"errors"
	"sync/atomic"
	"time"

	"socketio/adapter"
)

// errStoreSlow is why an event was not stored in time.
var errStoreSlow = errors.New("socketio: the store has not answered in time")

// An appending is an event on its way into a durable store.
type appending struct {
	claim atomic.Bool // by the delivery, or by the caller that has stopped waiting
	done  chan error  // what Append has returned
}

// append is Append of the log, but waits for storeTimeout at most. A store that has not
// answered one event in time gets no others until it has. If it stores the event
// afterwards, that is not delivered again: it counts as lost, and clients that have not
// received what is behind it are not recovered.
func (j *journal) append(e adapter.KeptEvent, deliver func(number uint64)) error {
	if !j.owner.durable || j.shared != nil { // neither waits
		return j.events.Append(&adapter.Record{KeptEvent: e, Deliver: deliver})
	}
	if j.overdue.Load() > 0 {
		return errStoreSlow
	}
	a := &appending{done: make(chan error, 1)}
	r := &adapter.Record{KeptEvent: e, Deliver: func(number uint64) {
		if a.claim.CompareAndSwap(false, true) {
			deliver(number)
			return
		}
		j.order.Begin()
		j.order.Lost() // it was sent before
		j.order.Delivered(number)
		j.order.End()
	}}
	go func() { a.done <- j.events.Append(r) }() // until the store answers, or is closed
	timer := time.NewTimer(storeTimeout)
	defer timer.Stop()
	select {
	case err := <-a.done:
		return err
	case <-timer.C:
	}
	if !a.claim.CompareAndSwap(false, true) {
		return <-a.done // it has just been delivered
	}
	j.overdue.Add(1)
	go func() { // as long as the append
		<-a.done
		j.mark()
		j.overdue.Add(-1)
	}()
	return errStoreSlow
}
