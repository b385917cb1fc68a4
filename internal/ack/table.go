// SPDX-License-Identifier: MIT

// This file holds the table of acknowledgements awaited from one peer.

package ack

import "socketio/internal/lock"

// A Waiter waits for acknowledgements with answers of type A, from one or several peers
// of type P. For each, one of its methods is called once. They must not block.
type Waiter[P, A any] interface {
	Answered(from P, answer A)
	Failed(from P, err error)
}

// A Table holds the acknowledgements awaited from one peer. Each ends once: it is taken,
// given up or failed. The zero value is empty and ready for use; an empty table holds no
// memory. All methods may be called from any goroutine. Those that change the Count of
// the connection report whether it has changed from zero or to zero.
type Table[P, A any] struct {
	mu      lock.Mutex // guards the fields below
	waiting map[int64]Waiter[P, A]
	late    int // given up, but may still be answered
}

// Await registers a wait. If limit acknowledgements are already awaited, it does nothing
// and ok is false.
func (t *Table[P, A]) Await(c *Count, id int64, w Waiter[P, A], limit int) (changed, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= limit {
		return false, false
	}
	if t.waiting == nil {
		t.waiting = make(map[int64]Waiter[P, A])
	}
	t.waiting[id] = w
	return c.begin(), true
}

// Take removes the wait for an acknowledgement that has arrived; the caller then calls
// Answered. Without such a wait, w is nil, and asked reports whether it may have been
// given up before.
func (t *Table[P, A]) Take(c *Count, id int64) (w Waiter[P, A], asked, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, asked = t.waiting[id]
	if asked {
		delete(t.waiting, id)
		return w, true, c.end(1)
	}
	if t.late > 0 {
		t.late--
		asked = true
	}
	return nil, asked, false
}

// GiveUp removes a wait without calling its methods. It reports whether the wait was
// registered.
func (t *Table[P, A]) GiveUp(c *Count, id int64) (taken, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken = t.waiting[id]; !taken {
		return false, false
	}
	delete(t.waiting, id)
	t.late++
	return true, c.end(1)
}

// Fail ends all waits with err. It removes them from the table and the Count, then calls
// Failed of each, with from.
func (t *Table[P, A]) Fail(c *Count, from P, err error) (changed bool) {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	t.late += len(waiting)
	t.mu.Unlock()
	changed = c.end(len(waiting))
	for _, w := range waiting {
		w.Failed(from, err)
	}
	return changed
}

// Len returns the number of acknowledgements awaited.
func (t *Table[P, A]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}
