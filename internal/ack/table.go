// SPDX-License-Identifier: MIT

// This file holds the table of acknowledgements awaited from one peer.

package ack

import "socketio/internal/lock"

// A Waiter waits for acknowledgements with answers of type A, of one peer of type P or of
// several. For each, one of its methods is called once. They must not block.
type Waiter[P, A any] interface {
	Answered(from P, answer A)
	Failed(from P, err error)
}

// A Table holds the acknowledgements awaited from one peer. Each ends once: it is taken,
// given up or failed. The zero value is empty and ready for use; an empty table holds no
// memory. All methods may be called from any goroutine; those that change the Count of
// the connection report whether anything is awaited there now that was not before, or the
// other way round.
type Table[P, A any] struct {
	mu      lock.Mutex // guards the fields below
	waiting map[int64]Waiter[P, A]
	late    int // given up, and may yet be answered
}

// Await registers a wait. If limit acknowledgements are awaited already it does not, and
// ok is false.
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

// Take removes the wait for an acknowledgement that has come; the caller then calls
// Answered. If there is none, w is nil and asked reports whether there can have been one:
// some were given up.
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

// GiveUp removes a wait whose answer is not wanted any longer; none of its methods is
// called. It reports whether the wait was there.
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

// Fail ends all waits with err. It calls Failed of each, with from, when they are out of
// the table and the Count.
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
