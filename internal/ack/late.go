// SPDX-License-Identifier: MIT

// This file holds how a wait ends: with its answer, when its time is over, or with its peer.
// An answer that comes late finds no wait and is ignored; it is not taken for one that was
// never asked for.

package ack

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
