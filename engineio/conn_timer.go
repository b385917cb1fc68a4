// SPDX-License-Identifier: MIT

// This file holds everything that a Conn does at a deadline.

package engineio

import (
	"fmt"
	"time"
)

// setDueLocked sets a deadline.
func (c *Conn) setDueLocked(what int, at int64) {
	if c.due.set(what, at) {
		c.svc.wheel(c.number).Schedule(&c.due.timer, c, c.svc.base.Add(time.Duration(at)))
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
		c.setDueLocked(dueUser, c.svc.now()+int64(d))
	}
}

// Wake implements wheel.Task.
func (c *Conn) Wake(time.Time) {
	now := c.svc.now()
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
	if next := c.due.next(); next != 0 && (c.due.wakeAt == 0 || next < c.due.wakeAt) {
		c.due.wakeAt = next
		c.svc.wheel(c.number).Schedule(&c.due.timer, c, c.svc.base.Add(time.Duration(next)))
	}
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// dueLocked handles a deadline that has passed. It returns the part that must run without
// the lock.
func (c *Conn) dueLocked(what int, now, at int64) func() {
	switch what {
	case dueBeat:
		return c.beatDueLocked(now, at)
	case dueWrite:
		lost := c.ws == nil // a POST of a client hangs: no other may be sent
		return func() {
			timeout := c.limits.writeTimeout
			closeSlow(c, slowness{option: "WriteTimeout", max: timeout, what: fmt.Sprintf("took no byte for %v", timeout)}, ending{lost: lost})
		}
	case dueQueue:
		why := c.queueLocked().overBound(c.limits, 1, 0)
		return func() { closeSlow(c, why, ending{}) }
	case dueMessage:
		if c.ws == nil { // dueNoop
			if c.poll != nil {
				c.poll.release()
			}
			return nil
		}
		if !c.ws.messageDueLocked(now) {
			return nil
		}
		return func() {
			c.finish(ReasonTransportError, errMessageSlow, ending{code: closePolicy, text: "message too slow"})
		}
	case dueUpgrade:
		if t := c.dropCandidateLocked(); t != nil {
			return func() { t.abandon(closeProtocol) }
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

// resumeBeatLocked restarts the deadline of the heartbeat after a pause.
func resumeBeatLocked(c *Conn) {
	if c.state != stateOpen {
		return
	}
	if next := c.beat.resumed(c.svc.now(), c.limits); next != 0 {
		c.setDueLocked(dueBeat, next)
	}
}

// beatDueLocked acts when the heartbeat is due.
func (c *Conn) beatDueLocked(now, at int64) func() {
	do, next := c.beat.due(now, at, int64(c.svc.tick), c.pausedAt != 0, c.limits)
	if next != 0 {
		c.setDueLocked(dueBeat, next)
	}
	switch do {
	case beatPing:
		return c.pingLocked()
	case beatLapsed:
		err := errNoPong
		if c.beat.awaits {
			err = errNoPing
		}
		return func() { c.finish(ReasonPingTimeout, err, ending{code: closeGoingAway, text: "ping timeout"}) }
	}
	return nil
}

// pingLocked queues a ping. The returned function writes it.
func (c *Conn) pingLocked() func() {
	c.queueLocked().append(c.svc.pingMessage)
	t := c.ws
	if t == nil {
		c.poll.wake()
	}
	flush := t != nil && t.q.takeWriting()
	return func() {
		c.logOut(c.svc.pingMessage)
		if flush {
			t.nc.Flush(nil)
		}
	}
}
