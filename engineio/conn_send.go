// SPDX-License-Identifier: MIT

// This file holds how a message gets into the queue of a Conn, and how the queue is
// written.

package engineio

import (
	"fmt"

	"socketio/internal/netpoll"
)

// errSendTooLarge is returned for a message that the server would not accept.
var errSendTooLarge = fmt.Errorf("%w of the server: raise it there, or send less at once", ErrTooLarge)

// Send queues m for the peer and returns without waiting. It returns ErrClosed on a
// closed connection. When the queue is full it does what Message.Overflow says:
// ErrSlowConsumer means that this has closed the connection, ErrQueueFull that m was
// not accepted, ErrDropped that it was dropped. On a connection of a Dialer ErrTooLarge
// means that m is over the server's maxPayload.
func (c *Conn) Send(m *Message) error { return c.send(m, true, nil) }

// Enqueue is Send without writing and without calls to the Handler: the message leaves
// with Flush, which the caller must call, with the next message that is sent, or with a
// poll that arrives. It lets a caller queue messages for many connections in one order and
// then write to all of them; the caller may hold locks. A connection that ErrSlowConsumer
// closes ends a moment later.
func (c *Conn) Enqueue(m *Message) error { return c.send(m, false, nil) }

// An Unwritten is what a connection has to write after Stage. The zero value is nothing.
type Unwritten struct {
	nc    netpoll.Conn
	first []byte
}

// Write writes it, without waiting. It is called once.
func (u *Unwritten) Write() {
	if u.nc != nil {
		u.nc.Flush(u.first)
	}
}

// Stage is Send, but leaves writing to the caller, who must call Write soon: until then
// nobody else writes to the connection. It is for messages to many connections: to queue
// the message for a few dozen and then to write to these is faster than one after the
// other, because the memory of each is touched in good time.
func (c *Conn) Stage(m *Message) (rest Unwritten, err error) {
	err = c.send(m, true, &rest)
	return rest, err
}

// Touch reads what Stage needs, and changes nothing. Called for several connections in a
// row, it makes the processor load their memory at the same time.
func (c *Conn) Touch() bool { return c.flags.has(isDeflating) || c.passed.Load() != nil }

// EnqueueVolatile is SendVolatile without writing, as Enqueue is Send without writing.
func (c *Conn) EnqueueVolatile(m *Message) bool { return sendVolatile(c, m, false) }

// send queues m. With flush it is written, by the caller if rest is not nil.
func (c *Conn) send(m *Message, flush bool, rest *Unwritten) error {
	if c.flags.has(isDeflating) {
		m.own()
		m.pack(c.svc.deflate) // takes time, so without the lock
	}
	if flush {
		c.logOut(m)
	}
	c.mu.Lock()
	if m.lent && !(flush && writesNowLocked(c)) {
		c.mu.Unlock()
		m.own() // takes time, so without the lock
		c.mu.Lock()
	}
	if c.state != stateOpen {
		c.mu.Unlock()
		return ErrClosed
	}
	if !c.given.fits(m, c.ws == nil) {
		c.mu.Unlock()
		return errSendTooLarge
	}
	q := c.queueLocked()
	v, lost := q.push(&c.svc.backlogs, c.formLocked(m), limitsOf(c))
	if lost > 0 {
		asideLocked(c).dropped += lost
	}
	switch v {
	case pushed:
		c.svc.obs.queued(c.number, c.transportLocked(), m)
		over := c.noteQueueLocked(false)
		switch {
		case rest != nil && c.corks == 0 && c.ws != nil:
			*rest = takeWriteLocked(c)
			c.mu.Unlock()
		case flush:
			c.wakeWriterLocked()
		default:
			c.holdLogLocked(m)
			c.mu.Unlock()
		}
		if over {
			c.svc.owner.relieve()
		}
		c.svc.obs.dropped(c, lost, DropOverflow)
		return nil
	case closes:
		why := q.overBound(limitsOf(c), queueFactor, m.size)
		c.mu.Unlock()
		if flush {
			closeSlow(c, why, ending{})
		} else {
			closeSlowLater(c, why)
		}
		return ErrSlowConsumer
	}
	c.mu.Unlock()
	if v == refused {
		return ErrQueueFull
	}
	c.svc.obs.dropped(c, lost, DropOverflow)
	return ErrDropped
}

// writesNowLocked reports whether a message that is sent now would be written by this
// goroutine, before anything else, in the frames that it has. Only then a lent message need
// not be copied.
func writesNowLocked(c *Conn) bool {
	t := c.ws
	return t != nil && !t.waits && c.corks == 0 && c.state == stateOpen && !t.q.writing && t.q.len() == 0 &&
		t.stream == nil && !t.q.masked && !t.base64 && c.Revision() == 4 && !t.deflate.Negotiated()
}

// closeSlowLater is closeSlow for a caller that may hold locks that the Handler needs.
func closeSlowLater(c *Conn, why slowness) {
	if c.svc.owner.inBackground() {
		// One per connection that ends like this; ends at once; the owner's Close waits
		// for it.
		go func() {
			defer c.svc.background.Done()
			closeSlow(c, why, ending{})
		}()
	}
}

// Append is Send without policies, without calls to the Handler and without writing: the
// message is sent with the next one, or by Flush. It is for packets that a protocol
// requires. At 16 times the bounds of the queue it returns ErrSlowConsumer and the
// connection closes a moment later.
func (c *Conn) Append(m *Message) error {
	m.own()
	c.mu.Lock()
	if c.state != stateOpen {
		c.mu.Unlock()
		return ErrClosed
	}
	q := c.queueLocked()
	if limitsOf(c).overfull(q.len(), q.size()+m.size) {
		why := q.overBound(limitsOf(c), queueFactor, m.size)
		c.mu.Unlock()
		closeSlowLater(c, why)
		return ErrSlowConsumer
	}
	q.append(&c.svc.backlogs, c.formLocked(m))
	c.svc.obs.queued(c.number, c.transportLocked(), m)
	c.holdLogLocked(m)
	over := c.noteQueueLocked(false)
	c.mu.Unlock()
	if over {
		c.svc.owner.relieve()
	}
	return nil
}

// SendVolatile sends m only if the peer can receive it now: nothing is queued before it
// and, on polling, a request is there to carry it. It reports whether it was
// sent.
func (c *Conn) SendVolatile(m *Message) bool { return sendVolatile(c, m, true) }

func sendVolatile(c *Conn, m *Message, flush bool) bool {
	m.own()
	if c.flags.has(isDeflating) {
		m.pack(c.svc.deflate) // takes time, so without the lock
	}
	c.mu.Lock()
	q := c.queueLocked()
	busy := q.len() > 0 && (q.writing || c.ws == nil)
	if open := c.state == stateOpen; !open || busy || c.ws == nil && c.poll.get == nil {
		c.mu.Unlock()
		if open {
			c.svc.obs.dropped(c, 1, DropVolatile)
		}
		return false
	}
	q.append(&c.svc.backlogs, c.formLocked(m))
	c.svc.obs.queued(c.number, c.transportLocked(), m)
	over := c.noteQueueLocked(false)
	if flush {
		c.wakeWriterLocked()
		c.logOut(m)
	} else {
		c.holdLogLocked(m)
		c.mu.Unlock()
	}
	if over {
		c.svc.owner.relieve()
	}
	return true
}

// formLocked returns m in the form of the connection's transport.
func (c *Conn) formLocked(m *Message) *Message {
	if c.ws == nil {
		return m
	}
	return m.formFor(c.Revision(), c.ws.base64, c.ws.deflate)
}

// Cork delays messages sent from now on, so that a burst leaves in one write. Each Cork
// needs an Uncork. Messages delayed for long are sent at the next tick of the clock.
func (c *Conn) Cork() {
	c.mu.Lock()
	c.corks++
	c.mu.Unlock()
}

// Uncork ends a Cork. Delayed messages are sent with the next one, or by Flush.
func (c *Conn) Uncork() {
	c.mu.Lock()
	c.corks--
	c.mu.Unlock()
}

// Flush sends delayed messages, even if the connection is corked.
func (c *Conn) Flush() {
	c.logHeld()
	c.mu.Lock()
	c.flushLocked()
}

// Write sends what was enqueued, as Send would have: if the connection is corked, with the
// next Flush or at the next tick of the clock.
func (c *Conn) Write() {
	c.logHeld()
	c.mu.Lock()
	c.wakeWriterLocked()
}

// wakeWriterLocked writes the queue, or sets the deadline for writing it, and releases
// mu.
func (c *Conn) wakeWriterLocked() {
	if c.corks == 0 {
		c.flushLocked()
		return
	}
	if c.due.at[dueCork] == 0 && c.state == stateOpen {
		c.setDueLocked(dueCork, c.svc.now()+int64(c.svc.tick))
	}
	c.mu.Unlock()
}

// flushLocked writes the queue and releases mu.
func (c *Conn) flushLocked() {
	if c.state != stateOpen {
		c.mu.Unlock()
		return
	}
	t := c.ws
	if t == nil {
		if c.poll.q.len() > 0 {
			c.poll.wake()
		}
		c.mu.Unlock()
		return
	}
	rest := takeWriteLocked(c)
	c.mu.Unlock()
	rest.Write()
}

// takeWriteLocked takes the right to write to the WebSocket of a connection, if nobody has
// it and there is something to write.
func takeWriteLocked(c *Conn) (rest Unwritten) {
	t := c.ws
	if !t.q.takeWriting() {
		return rest
	}
	first := t.q.lone(netpoll.BatchBytes)
	if first != nil && t.waits {
		t.watchWriteLocked()
	}
	return Unwritten{t.nc, first}
}
