// SPDX-License-Identifier: MIT

// This file holds queue: what came and was not looked at yet.

package siotest

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxQueue bounds each queue of a client.
const maxQueue = 1 << 16

// errFull is why a connection ended whose queue was full.
var errFull = fmt.Errorf("siotest: %d things wait for the test to look at them", maxQueue)

// errNothing is what waiting in vain gives.
var errNothing = errors.New("nothing comes")

// A queue holds what came, in order, and why nothing more will. At maxQueue it
// refuses. Waiting is on a channel, which virtual time sees.
type queue[T any] struct {
	mu      sync.Mutex // guards the fields below
	items   []T
	end     error         // set once: nothing more is taken in
	changed chan struct{} // closed at the next change, if somebody waits
}

// put takes v in. It returns errFull, or the end.
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

// close says that nothing more comes. The first reason stays.
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

// take returns the next item, or what to wait for, or the end.
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

// ended returns why nothing more comes, nil while something may.
func (q *queue[T]) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.end
}

// next waits for an item, for at most patience; 0 is without end.
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
