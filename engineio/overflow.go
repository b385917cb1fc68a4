// SPDX-License-Identifier: MIT

// This file holds what happens when a peer does not keep up: what becomes of a
// message that finds the queue of its connection full, and the bound on the
// queues of all connections together.

package engineio

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync/atomic"
)

// An Overflow says what becomes of a message for which the outbound queue of a
// connection has no room; see Options.MaxQueueBytes.
type Overflow uint8

const (
	// OverflowClose closes the connection with ErrSlowConsumer. It is the
	// default: what a client receives has no holes.
	OverflowClose Overflow = iota
	// OverflowFail refuses the message with ErrQueueFull; the connection goes on.
	OverflowFail
	// OverflowDropNewest drops the message.
	OverflowDropNewest
	// OverflowDropOldest drops the oldest waiting messages that are
	// OverflowDropOldest too, until there is room. If they are not enough, the
	// message itself is dropped.
	OverflowDropOldest
)

// WhenFull sets what becomes of m where a queue is full. Only before m is first
// sent. It returns m.
func (m *Message) WhenFull(o Overflow) *Message {
	m.overflow = o
	return m
}

// Latest marks m as one value of many under a key: where an earlier one with the
// same key still waits to be sent, m takes its place in the count and goes to the
// end of the queue. An empty key is none. Only before m is first sent. It returns m.
func (m *Message) Latest(key string) *Message {
	m.key = key
	return m
}

// A verdict is what became of a message that was pushed.
type verdict uint8

const (
	pushed  verdict = iota
	dropped         // by its policy; no error
	refused         // OverflowFail
	closes          // OverflowClose
)

// push appends m, or does what its policy says if there is no room. It returns how
// many messages were dropped, m among them.
func (q *sendQueue) push(m *Message, maxBytes, maxLen int) (v verdict, lost int) {
	old := -1
	if m.key != "" {
		old = q.find(m.key)
	}
	n, size := q.len(), q.bytes+m.size
	if old >= 0 {
		n, size = n-1, size-q.items[old].size
	}
	if n > 0 && (n >= maxLen || size > maxBytes) {
		switch m.overflow {
		case OverflowFail:
			return refused, 0
		case OverflowDropNewest:
			return dropped, 1
		case OverflowDropOldest:
			if lost = q.makeRoom(m.size, maxBytes, maxLen, old); lost == 0 {
				return dropped, 1
			}
			q.append(m)
			return pushed, lost
		default:
			return closes, 0
		}
	}
	if old >= 0 {
		q.bytes -= q.items[old].size
		q.items = slices.Delete(q.items, old, old+1)
		lost = 1
	}
	q.append(m)
	return pushed, lost
}

// firstLoose is the index of the first item that has not begun to leave.
func (q *sendQueue) firstLoose() int {
	begun := q.out
	if begun == 0 && (q.frame > 0 || q.offset > 0) {
		begun = 1
	}
	return q.head + min(max(begun, q.hold), q.len())
}

// find returns the index of the loose item with a key, or -1.
func (q *sendQueue) find(key string) int {
	for i := len(q.items) - 1; i >= q.firstLoose(); i-- {
		if q.items[i].key == key {
			return i
		}
	}
	return -1
}

// makeRoom drops the item at the index old, if that is not -1, and the oldest loose
// items that may be, until size bytes fit. If that can't be it drops none and returns 0.
func (q *sendQueue) makeRoom(size, maxBytes, maxLen, old int) (lost int) {
	n, bytes := q.len(), q.bytes+size
	if old >= 0 {
		n, bytes, lost = n-1, bytes-q.items[old].size, 1
	}
	start, end := q.firstLoose(), 0
	for end = start; end < len(q.items) && n > 0 && (n >= maxLen || bytes > maxBytes); end++ {
		if it := q.items[end]; end != old && it.overflow == OverflowDropOldest {
			n, bytes, lost = n-1, bytes-it.size, lost+1
		}
	}
	if n > 0 && (n >= maxLen || bytes > maxBytes) {
		return 0
	}
	kept := q.items[start:start]
	for i, it := range q.items[start:] {
		if start+i == old || start+i < end && it.overflow == OverflowDropOldest {
			q.bytes -= it.size
			continue
		}
		kept = append(kept, it)
	}
	clear(q.items[start+len(kept):])
	q.items = q.items[:start+len(kept)]
	return lost
}

// Dropped is how many messages for this connection were dropped by their Overflow
// policy, or because a later one with their key took their place.
func (c *Conn) Dropped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

// Drained waits until nothing waits to be sent: all of it was given to the network,
// or to the response of a poll. It returns the error of ctx, or ErrClosed when the
// connection closes first.
func (c *Conn) Drained(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.state != stateOpen {
			c.mu.Unlock()
			return ErrClosed
		}
		if c.queueLocked().len() == 0 {
			c.mu.Unlock()
			return nil
		}
		if c.drained == nil {
			c.drained = make(chan struct{})
		}
		drained := c.drained
		c.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// noteQueueLocked is called after the queue changed: it keeps the account of the
// server and tells those who wait for the queue to be empty, or for the end. It
// reports whether the queues of all connections are over their bound.
func (c *Conn) noteQueueLocked() (over bool) {
	n, size := 0, 0
	if c.state == stateOpen && (c.ws != nil || c.poll != nil) {
		q := c.queueLocked()
		n, size = q.len(), q.bytes
	}
	if c.drained != nil && (n == 0 || c.state != stateOpen) {
		close(c.drained)
		c.drained = nil
	}
	return c.srv.budget.limit > 0 && c.srv.budget.charge(&c.charged, int64(size))
}

// chargeStep is how much a queue may change before the common account hears of it,
// so that short queues, which are nearly all, never touch it.
const chargeStep = 4 << 10

// A budget bounds the outbound queues of all connections of a server together.
type budget struct {
	limit     int64 // 0 means none
	used      atomic.Int64
	relieving atomic.Bool
}

// queueBudget is the bound that Options.MaxQueuedBytes means.
func queueBudget(option int64) int64 {
	if option == 0 {
		if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
			return limit / 4
		}
	}
	return max(option, 0)
}

// charge brings what a connection is charged up to date. It reports whether the
// bound is passed.
func (b *budget) charge(charged *atomic.Int64, size int64) bool {
	d := size - charged.Load()
	if d < chargeStep && d > -chargeStep && (size > 0 || d == 0) {
		return false
	}
	charged.Store(size)
	return b.used.Add(d) > b.limit && d > 0
}

// relieve closes the connections with the longest queues, so many that those of all
// take an eighth less than their bound. What a closing connection still has to send
// does not count.
func (s *Server) relieve() {
	if !s.budget.relieving.CompareAndSwap(false, true) {
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closing { // Close empties all
		return
	}
	// One at a time; ends when the account is in order; Server.Close waits for it.
	// A goroutine, because the one that sends must not run the ends of others.
	s.background.Go(func() {
		defer s.budget.relieving.Store(false)
		conns := s.all()
		slices.SortFunc(conns, func(a, b *Conn) int { return cmp.Compare(b.charged.Load(), a.charged.Load()) })
		excess := s.budget.used.Load() - (s.budget.limit - s.budget.limit/8)
		for _, c := range conns {
			charged := c.charged.Load()
			if excess <= 0 || charged == 0 {
				return
			}
			excess -= charged
			c.finish(ReasonTransportError, fmt.Errorf("%w: all queues together reached %d bytes", ErrSlowConsumer, s.budget.limit),
				ending{code: closePolicy, text: "slow consumer"})
		}
	})
}
