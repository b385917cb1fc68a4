// SPDX-License-Identifier: MIT

// This file holds what happens when a peer does not keep up: what becomes of a
// message that finds the queue of its connection full, and when the connection closes.

package engineio

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// queueFactor times Options.MaxQueueBytes and MaxQueueMessages is the most that
	// may wait for one connection, whatever the policies of its messages.
	queueFactor = 16
	// slowTimeout is how long more than those bounds may wait without a break.
	slowTimeout = 10 * time.Second
)

// An Overflow says what becomes of a message for which the outbound queue of a
// connection has no room; see Options.MaxQueueBytes.
type Overflow uint8

const (
	// OverflowClose takes the message all the same. The connection closes with
	// ErrSlowConsumer if its queue stays over the bound for 10 s, or reaches 16 times
	// the bound. It is the default: what a client receives has no holes.
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

// Overflow sets what becomes of m where a queue is full. Only before m is first
// sent. It returns m.
func (m *Message) Overflow(o Overflow) *Message {
	m.overflow = o
	return m
}

// Conflate marks m as one value of many under a key: where an earlier one with the
// same key still waits to be sent, m takes its place in the count and goes to the
// end of the queue. An empty key is none. Only before m is first sent. It returns m.
func (m *Message) Conflate(key string) *Message {
	m.key = key
	return m
}

// A verdict is what became of a message that was pushed.
type verdict uint8

const (
	pushed  verdict = iota
	dropped         // by its policy; no error
	refused         // OverflowFail
	closes          // 16 times the bound
)

// overfull reports whether a queue of n messages has no room for one more that makes
// it size bytes, whatever its policy.
func (o *config) overfull(n, size int) bool { // products may overflow
	return n > 0 && (n/queueFactor >= o.MaxQueueMessages || (size-1)/queueFactor >= o.MaxQueueBytes)
}

// push appends m, or does what its policy says if there is no room. It returns how
// many messages were dropped, m among them.
func (q *sendQueue) push(m *Message, o *config) (v verdict, lost int) {
	maxBytes, maxLen := o.MaxQueueBytes, o.MaxQueueMessages
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
			if o.overfull(n, size) {
				return closes, 0
			}
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

// WaitDrained waits until nothing waits to be sent: all of it was given to the network,
// or to the response of a poll. It returns the error of ctx, or ErrClosed when the
// connection closes first.
func (c *Conn) WaitDrained(ctx context.Context) error {
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
// server, watches the bound, and tells those who wait for the queue to be empty, or for
// the end. moved tells that the peer has taken something. It reports whether the queues
// of all connections are over their bound.
func (c *Conn) noteQueueLocked(moved bool) (over bool) {
	n, size := 0, 0
	if c.state != stateClosed && (c.ws != nil || c.poll != nil) {
		q := c.queueLocked()
		n, size = q.len(), q.bytes
		c.watchQueueLocked(q, moved)
	}
	if c.drained != nil && (n == 0 || c.state != stateOpen) {
		close(c.drained)
		c.drained = nil
	}
	if c.poll != nil && c.poll.writing != nil {
		size += c.poll.writing.size
	}
	return c.srv.budget.limit > 0 && c.srv.budget.charge(&c.charged, int64(size))
}

// watchQueueLocked sets a deadline while the queue is over its bound. A message that
// the peer is taking does not count: any size is allowed, and so is the time it takes.
func (c *Conn) watchQueueLocked(q *sendQueue, moved bool) {
	o := &c.srv.cfg
	switch {
	case c.state != stateOpen, q.len() <= o.MaxQueueMessages && q.bytes <= o.MaxQueueBytes:
		c.due.at[dueQueue] = 0
	case c.due.at[dueQueue] == 0,
		moved && q.len()-1 <= o.MaxQueueMessages && q.bytes-q.headLeft() <= o.MaxQueueBytes:
		c.setDueLocked(dueQueue, c.srv.now()+int64(slowTimeout))
	}
}

// A slowness is why a connection closes whose peer does not take what is sent to it.
type slowness struct {
	option string // that sets the bound, by its name in package socketio
	here   string // and in this package, if that is another
	max    any
	what   string
}

// overBoundLocked is the bound that the queue is over, or would be with size bytes more.
func (c *Conn) overBoundLocked(factor, size int) (s slowness) {
	o, q := &c.srv.cfg, c.queueLocked()
	if q.bytes+size > o.MaxQueueBytes && (q.bytes+size-1)/factor >= o.MaxQueueBytes {
		s = slowness{option: "MaxQueueBytes", max: o.MaxQueueBytes, what: fmt.Sprintf("%d bytes wait", q.bytes+size)}
	} else {
		s = slowness{option: "MaxQueuePackets", here: "MaxQueueMessages", max: o.MaxQueueMessages, what: fmt.Sprintf("%d packets wait", q.len())}
	}
	if factor > 1 {
		s.what += fmt.Sprintf(", more than %d times", factor)
	} else {
		s.what += fmt.Sprintf(", for %v more than", slowTimeout)
	}
	s.what += fmt.Sprintf(" %s (%v)", s.option, s.max)
	return s
}

// closeSlow closes the connection because of its peer's slowness, with one warning.
func (c *Conn) closeSlow(why slowness, e ending) {
	rest, _ := c.endSlow(why, e)
	rest()
}

// endSlow is closeSlow without the part that calls up, which is rest. It reports
// whether the connection was open.
func (c *Conn) endSlow(why slowness, e ending) (rest func(), ended bool) {
	e.code, e.text = closePolicy, "slow consumer"
	packets, bytes := c.Buffered()
	err := fmt.Errorf("%w: %s", ErrSlowConsumer, why.what)
	told, ended := c.end(ReasonTransportError, err, e)
	if !ended {
		return told, false
	}
	return func() {
		option := "Options." + why.option
		if why.here != "" {
			option += " (" + why.here + " in package engineio)"
		}
		c.srv.cfg.Logger.Warn("closed: a client does not take what is sent to it; to allow more raise "+option+", to send it less see Options.Overflow",
			"conn", c.number, "transport", c.Transport(), "packets", packets, "bytes", bytes, "max", why.max, "option", why.option)
		told()
	}, true
}
