// SPDX-License-Identifier: MIT

// This file holds the end of a Conn, and its reasons.

package engineio

import (
	"errors"
	"fmt"

	"socketio/internal/ws"
)

// WebSocket close codes that we send.
const (
	closeNormal    uint16 = 1000
	closeGoingAway uint16 = 1001
	closeProtocol  uint16 = 1002
	closePolicy    uint16 = 1008
)

// An ending says how a connection is closed.
type ending struct {
	lost  bool       // the transport is gone: nothing can be sent
	flush bool       // send the queue first; otherwise it is dropped
	cut   bool       // also drop a long message whose sending has begun
	code  uint16     // WebSocket close code
	text  string     // WebSocket close reason
	reply packetType // what a parked poll gets; 0 means the close packet
	held  bool       // a POST is answered with an error: the poll is answered once the client has had time to see it
}

// finish ends the open state, once, and calls HandleClose.
func (c *Conn) finish(reason CloseReason, err error, e ending) {
	rest, _ := c.end(reason, err, e)
	rest()
}

// end is finish without writing and without calls to the Handler, which rest does. It
// reports whether the connection was open.
func (c *Conn) end(reason CloseReason, err error, e ending) (rest func(), ended bool) {
	c.mu.Lock()
	if c.state != stateOpen {
		t := c.ws
		c.mu.Unlock()
		return func() {
			if e.lost && t != nil {
				t.nc.Close()
			}
		}, false
	}
	c.state = stateClosing
	c.flags.set(hasEnded, true)
	probeBy := c.due.at[dueUpgrade]
	c.due.at = [dueCount]moment{}
	t, flush := c.ws, false
	gone := true
	// An upgrade under way proves nothing: its handshake is a GET, and the first POST is
	// sent before the answer to the probe arrives.
	unheard := c.poll != nil && t == nil && c.poll.polled && !c.flags.has(hadPOST)
	switch {
	case t == nil && c.poll == nil: // the handshake has not got that far
	case t == nil:
		gone = c.poll.finish(c, e)
	case e.cut && t.q.begun() > cutOver:
		e.lost = true
		t.q.drop()
	case !e.lost:
		if !e.flush {
			t.q.discard()
		}
		flush = t.sayCloseLocked(e.code, e.text)
		c.setDueLocked(dueClose, c.svc.now()+int64(closeTimeout))
	}
	if c.poll != nil {
		c.poll.resume()
	}
	var candidate *wsTransport
	if gone {
		candidate = c.dropCandidateLocked()
	} else if c.poll.candidate() != nil { // a client that has stopped polling receives the rest there
		c.poll.up.code, c.poll.up.text = e.code, e.text
		setMomentLocked(c, dueUpgrade, probeBy)
	}
	var cut *parkedGET
	if e.cut && c.poll != nil {
		cut = c.poll.cutWriting()
	}
	h := c.handler
	c.noteQueueLocked(false)
	c.mu.Unlock()
	return func() {
		if gone {
			if t != nil && !e.lost {
				c.svc.owner.retire(c)
			} else {
				c.svc.owner.forget(c)
			}
			if t == nil {
				c.svc.stopTimer(c)
			}
		}
		cut.cutOff()
		if candidate != nil {
			candidate.abandon(closeNormal)
		}
		if flush {
			t.nc.Flush(nil)
		} else if t != nil && e.lost {
			t.nc.Close()
		}
		if unheard { // before the Handler learns of the end: then it has been counted
			c.svc.owner.unheard(reason, err, e.flush)
		}
		if h != nil {
			h.HandleClose(reason, err)
			c.noteClosed(reason, err)
		}
	}, true
}

// cutOver bounds the rest of a partly written message that is still sent when the queue is
// cut off: the client can read the close code only behind a whole message.
const cutOver = 64 << 10

// cut drops the remaining output of a closing connection. rest completes it.
func (c *Conn) cut() (rest func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws != nil {
		c.ws.q.drop()
	}
	var cut *parkedGET
	if p := c.poll; p != nil {
		p.q.drop()
		cut = p.cutWriting()
		if p.get != nil {
			p.get.final = p.final
			p.wake()
		}
	}
	c.noteQueueLocked(false)
	t := c.ws
	return func() {
		cut.cutOff()
		if t != nil {
			t.nc.Close()
		} else {
			c.closed()
		}
	}
}

// closed ends the closing state: the transport is gone.
func (c *Conn) closed() {
	c.mu.Lock()
	c.state = stateClosed
	if c.poll != nil { // a handler may hold the connection for long
		c.poll.q.drop()
	}
	c.noteQueueLocked(false)
	c.due.at = [dueCount]moment{}
	candidate := c.dropCandidateLocked()
	if c.poll != nil {
		c.poll.endLocked()
	}
	c.mu.Unlock()
	c.svc.stopTimer(c)
	c.svc.owner.forget(c)
	if candidate != nil {
		candidate.abandon(closeNormal)
	}
}

// tooLarge logs a warning about input over MaxPayload, whose limit an operator may want to
// raise. It returns the text of the close frame and the error.
func tooLarge(c *Conn, cause error) (text string, err error) {
	names := c.svc.names()
	what, log := "a message", names.sends
	if errors.Is(cause, errBodyTooLarge) {
		what = "the body of a POST"
		log = what
	}
	limit := limitsOf(c).maxPayload
	warning := "closed: " + log + " is too large; to allow it raise " + names.payload
	sizes := fmt.Sprintf("more than %d bytes", limit)
	var found oversize
	if errors.As(cause, &found) {
		sizes = fmt.Sprintf("%d bytes, at most %d", found.size, limit)
		c.svc.sampled.Warn(warning, "conn", c.number, "transport", c.Transport(), "max", limit, "size", found.size)
	} else {
		c.svc.sampled.Warn(warning, "conn", c.number, "transport", c.Transport(), "max", limit)
	}
	return "message too big: " + sizes, fmt.Errorf("%w: %s: %s", ErrTooLarge, what, sizes)
}

// parseError closes the connection because of invalid input.
func (c *Conn) parseError(err error) {
	reason, e := ReasonParseError, ending{code: closeProtocol}
	var ce *ws.CloseError
	if asCloseError(err, &ce) {
		reason, e = ReasonTransportError, ending{code: ce.Code, text: ce.Reason}
		if ce.Code == ws.CodeTooBig {
			e.text, err = tooLarge(c, err)
		}
	} else if errors.Is(err, ErrTooLarge) {
		_, err = tooLarge(c, err)
	}
	c.finish(reason, err, e)
}
