// SPDX-License-Identifier: MIT

// This file holds everything about a Conn that happens at a time. Deadlines are
// exact; one wheel timer per connection wakes it for the earliest.

package engineio

import (
	"fmt"
	"time"

	"socketio/internal/wheel"
)

// What can be due.
const (
	dueBeat    = iota // heartbeat.go
	dueWrite          // the peer takes nothing
	dueMessage        // a message that has begun must have arrived
	dueUpgrade        // a candidate must have completed
	dueNoop           // a parked poll is released during an upgrade
	dueClose          // closing must have come to its end
	dueCork           // what was held back leaves
	duePause          // the Handler must have resumed
	dueQueue          // the queue must have come below its bound
	dueUser           // Conn.SetTimer
	dueCount
)

const (
	// closeTimeout is how long a closing WebSocket may take to send what waits.
	closeTimeout = 10 * time.Second
	// pollCloseTimeout is how long a closed polling session waits for the
	// request that can carry the news.
	pollCloseTimeout = 30 * time.Second
	// shutdownPollTimeout is the same while the server shuts down: a client that
	// is there polls again at once.
	shutdownPollTimeout = time.Second
)

// deadlines are times by Server.now; 0 means none.
type deadlines struct {
	at     [dueCount]int64
	wakeAt int64 // when the wheel will wake us; 0 means not at all
	timer  wheel.Timer
}

// setDueLocked sets a deadline.
func (c *Conn) setDueLocked(what int, at int64) {
	c.due.at[what] = at
	if c.due.wakeAt == 0 || at < c.due.wakeAt {
		c.due.wakeAt = at
		c.wheel.Schedule(&c.due.timer, c, c.srv.base.Add(time.Duration(at)))
	}
}

// SetTimer calls Handler.HandleTimer once after d; 0 stops it. There is one such
// timer per connection and it ends with it.
func (c *Conn) SetTimer(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d == 0 {
		c.due.at[dueUser] = 0
	} else if c.state == stateOpen {
		c.setDueLocked(dueUser, c.srv.now()+int64(d))
	}
}

// Wake implements wheel.Task.
func (c *Conn) Wake(time.Time) {
	now := c.srv.now()
	var after []func()
	c.mu.Lock()
	c.due.wakeAt = 0
	for what := range dueCount {
		if at := c.due.at[what]; at != 0 && at <= now {
			c.due.at[what] = 0
			if f := c.dueLocked(what, now, at); f != nil {
				after = append(after, f)
			}
		}
	}
	next := int64(0)
	for _, at := range c.due.at {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	if next != 0 && (c.due.wakeAt == 0 || next < c.due.wakeAt) {
		c.due.wakeAt = next
		c.wheel.Schedule(&c.due.timer, c, c.srv.base.Add(time.Duration(next)))
	}
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// dueLocked acts on a deadline that has passed. It returns what is to be done
// without the lock.
func (c *Conn) dueLocked(what int, now, at int64) func() {
	switch what {
	case dueBeat:
		return c.beat.due(c, now, at)
	case dueWrite:
		return func() {
			timeout := c.srv.cfg.WriteTimeout
			c.closeSlow(slowness{option: "WriteTimeout", max: timeout, what: fmt.Sprintf("took no byte for %v", timeout)}, ending{})
		}
	case dueQueue:
		why := c.overBoundLocked(1, 0)
		return func() { c.closeSlow(why, ending{}) }
	case dueMessage:
		if !c.messageDueLocked(now) {
			return nil
		}
		return func() {
			c.finish(ReasonTransportError, errMessageSlow, ending{code: closePolicy, text: "message too slow"})
		}
	case dueUpgrade:
		if t := c.up.drop(); t != nil {
			return func() { t.abandon(closeProtocol) }
		}
	case dueNoop:
		if c.poll != nil {
			c.poll.release()
		}
	case dueClose:
		if t := c.ws; t != nil {
			return func() { t.nc.Close() }
		}
		return c.poll.dueCloseLocked()
	case duePause:
		return func() {
			c.finish(ReasonTransportError, ErrPaused, ending{code: closePolicy, text: "not read for too long"})
		}
	case dueCork:
		return c.Flush
	case dueUser:
		return c.handler.HandleTimer
	}
	return nil
}
