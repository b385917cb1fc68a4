// SPDX-License-Identifier: MIT

// This file holds the table of acknowledgements awaited from one peer, their ids, and Count,
// the number of those of a connection.

package ack

import (
	"sync/atomic"

	"socketio/internal/lock"
)

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

// Len returns the number of acknowledgements awaited.
func (t *Table[P, A]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// IDs generates the ids of acknowledgements. The zero value is ready for use.
type IDs struct{ next atomic.Int64 }

// Next returns an id that was not returned before: 0, 1 and so on.
func (i *IDs) Next() int64 { return i.next.Add(1) - 1 }

// A Count is the number of acknowledgements awaited by the tables that share it, which
// are those of one connection. Only tables change it: each acknowledgement counts from
// Await until it is taken, given up or failed. The zero value is ready for use.
type Count struct{ n atomic.Int32 }

// Len returns the number of acknowledgements awaited.
func (c *Count) Len() int { return int(c.n.Load()) }

// begin adds one. It reports whether the count was zero before.
func (c *Count) begin() (changed bool) { return c.n.Add(1) == 1 }

// end subtracts n. It reports whether the count is now zero.
func (c *Count) end(n int) (changed bool) { return n > 0 && c.n.Add(-int32(n)) == 0 }
