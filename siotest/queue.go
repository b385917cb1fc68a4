// SPDX-License-Identifier: MIT

// This file holds queue, for received items that are unread.

package siotest

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxQueue bounds each queue of a client.
const maxQueue = 1 << 16

// errFull ends a connection whose queue is full.
var errFull = fmt.Errorf("siotest: %d things wait for the test to look at them", maxQueue)

// errNothing is returned when a wait ends without result.
var errNothing = errors.New("nothing comes")

// A queue holds received items in order, and the reason for its end. It accepts at most
// maxQueue items. It waits on a channel, for virtual time.
type queue[T any] struct {
	mu      sync.Mutex // guards the fields below
	items   []T
	end     error         // set once: no more items are accepted
	changed chan struct{} // closed at the next change, if there is a waiter
}

// put appends v. It returns errFull, or the reason for the end.
func (q *queue[T]) put(v T) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.end != nil:
		return q.end
	case len(q.items) >= maxQueue:
		return errFull
	}
	q.items = append(q.items, v)
	q.tellLocked()
	return nil
}

// close ends the queue. The first reason is kept.
func (q *queue[T]) close(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end = reason
		q.tellLocked()
	}
}

func (q *queue[T]) tellLocked() {
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

// take returns the next item, or a channel to wait on, or the reason for the end.
func (q *queue[T]) take() (v T, ok bool, changed <-chan struct{}, end error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > 0 {
		v = q.items[0]
		q.items = q.items[1:]
		return v, true, nil, nil
	}
	if q.end == nil && q.changed == nil {
		q.changed = make(chan struct{})
	}
	return v, false, q.changed, q.end
}

// drain returns all items.
func (q *queue[T]) drain() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// ended returns the reason for the end, or nil.
func (q *queue[T]) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.end
}

// next waits for an item, for at most patience; 0 means forever.
func (q *queue[T]) next(patience time.Duration) (v T, err error) {
	var limit <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		limit = timer.C
	}
	for {
		v, ok, changed, end := q.take()
		if ok || end != nil {
			return v, end
		}
		select {
		case <-changed:
		case <-limit:
			return v, fmt.Errorf("%w in %v", errNothing, patience)
		}
	}
}
