// SPDX-License-Identifier: MIT

// This file holds everything that a Conn does at a deadline.

package engineio

import (
	"fmt"
	"time"

	"socketio/internal/wheel"
)

// setDueLocked sets a deadline, to a time by services.now.
func (c *Conn) setDueLocked(what int, at int64) { setMomentLocked(c, what, c.svc.momentOf(at)) }

func setMomentLocked(c *Conn, what int, at moment) {
	if c.due.set(what, at) {
		c.svc.wake(c, at)
	}
}

// wake sets the timer of a connection.
func (s *shared) wake(c *Conn, at moment) {
	s.wheel(c.number).Schedule((*waker)(c), s.base.Add(time.Duration(s.timeOf(at, s.now()))))
}

// stopTimer removes the timer of a connection.
func (s *shared) stopTimer(c *Conn) { s.wheel(c.number).Stop((*waker)(c)) }

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

// A waker is a Conn as the wheel sees it, a wheel.Task. It is the same memory.
type waker Conn

func (w *waker) Timer() *wheel.Timer[*waker] { return &w.timer }

// Wake acts on the deadlines that have passed.
func (w *waker) Wake(time.Time) (unfinished bool) {
	c := (*Conn)(w)
	now := c.svc.now()
	nowTick := moment(now / int64(c.svc.tick))
	var room [dueCount]func()
	after := room[:0]
	c.mu.Lock()
	c.due.wakeAt = 0
	for what := range dueCount {
		if at := c.due.at[what]; at.passed(nowTick) {
			c.due.at[what] = 0
			if what == dueBeat {
				var lapsed func()
				if unfinished, lapsed = beatDueLocked(c, now, at); lapsed != nil {
					after = append(after, lapsed)
				}
			} else if f := c.dueLocked(what, now); f != nil {
				after = append(after, f)
			}
		}
	}
	if next := c.due.next(); next != 0 && (c.due.wakeAt == 0 || next.before(c.due.wakeAt)) {
		c.due.wakeAt = next
		c.svc.wake(c, next)
	}
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
	return unfinished
}

// Finish writes the ping that Wake has queued.
func (w *waker) Finish() {
	c := (*Conn)(w)
	c.logOut(c.svc.pingMessage)
	c.mu.Lock()
	c.flushLocked()
}

// dueLocked handles a deadline that has passed. It returns the part that must run without
// the lock.
func (c *Conn) dueLocked(what int, now int64) func() {
	switch what {
	case dueWrite:
		lost := c.ws == nil // a POST of a client hangs: no other may be sent
		return func() {
			timeout := limitsOf(c).writeTimeout
			closeSlow(c, slowness{option: "WriteTimeout", max: timeout, what: fmt.Sprintf("took no byte for %v", timeout)}, ending{lost: lost})
		}
	case dueQueue:
		why := c.queueLocked().overBound(limitsOf(c), 1, 0)
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
	if next := c.beat.resumed(c.svc.now(), limitsOf(c)); next != 0 {
		c.setDueLocked(dueBeat, next)
	}
}

// beatDueLocked acts when the heartbeat is due. It reports whether it has queued a ping,
// which Finish writes. lapsed, if not nil, ends the connection, without the lock.
func beatDueLocked(c *Conn, now int64, at moment) (pings bool, lapsed func()) {
	do, next := c.beat.due(now, c.svc.timeOf(at, now), int64(c.svc.tick), c.flags.has(isPaused), limitsOf(c))
	if next != 0 {
		c.setDueLocked(dueBeat, next)
	}
	switch do {
	case beatPing:
		c.queueLocked().append(&c.svc.backlogs, c.svc.pingMessage)
		return true, nil
	case beatLapsed:
		err := errNoPong
		if c.beat.awaits {
			err = errNoPing
		}
		return false, func() {
			c.finish(ReasonPingTimeout, err, ending{code: closeGoingAway, text: "ping timeout"})
		}
	}
	return false, nil
}
