// SPDX-License-Identifier: MIT

// This file holds the deadlines of a Conn. They are in ticks, each at the first one not
// before its time; one wheel timer per connection wakes it for the earliest.

package engineio

import "time"

// The deadlines of a Conn.
const (
	dueBeat    = iota // heartbeat.go
	dueWrite          // the peer must have accepted something
	dueMessage        // a message that has begun must have arrived; not on polling
	dueUpgrade        // a candidate must have completed
	dueClose          // closing must have come to its end
	dueCork           // messages that were held back are sent
	duePause          // the Handler must have resumed
	dueQueue          // the queue must have come below its bound
	dueUser           // Conn.SetTimer
	dueCount

	// dueNoop has the place of dueMessage: a parked poll is released during an upgrade.
	dueNoop = dueMessage
)

const (
	// closeTimeout is how long a closing WebSocket may take to send its queue, and how long
	// a polling session with a queue waits for a poll while the server shuts down.
	closeTimeout = 10 * time.Second
	// pollCloseTimeout is how long a closed polling session waits for a request whose
	// response can tell the client.
	pollCloseTimeout = 30 * time.Second
	// shutdownPollTimeout is pollCloseTimeout while the server shuts down and nothing is
	// queued but the news of the end.
	shutdownPollTimeout = time.Second
)

// A moment is a time in ticks since services.base; 0 means none. It wraps, so only moments
// near each other can be compared: see maxAhead.
type moment uint32

// maxAhead is how many ticks a deadline may be away; a later one has passed then. With the
// usual tick of 50 ms it is 20 months.
const maxAhead = 1 << 30

// passed reports whether a deadline has passed now.
func (m moment) passed(now moment) bool { return m != 0 && int32(now-m) >= 0 }

// before reports whether m is before another moment. Neither is 0.
func (m moment) before(other moment) bool { return int32(m-other) < 0 }

// momentOf returns the first moment that is not before a time by now.
func (s *services) momentOf(at int64) moment {
	tick := int64(s.tick)
	now := s.now() / tick
	m := moment(now + min(max((at+tick-1)/tick-now, -maxAhead), maxAhead))
	return max(m, 1) // wrapped to 0: a tick later
}

// timeOf returns the time of a moment near now.
func (s *services) timeOf(m moment, now int64) int64 {
	tick := int64(s.tick)
	return (now/tick + int64(int32(m-moment(now/tick)))) * tick
}

// deadlines are the moments at which a Conn must act.
type deadlines struct {
	wakeAt moment // when the wheel will wake us; 0 means not at all
	at     [dueCount]moment
}

// set sets a deadline. It reports whether the wheel must wake us for it.
func (d *deadlines) set(what int, at moment) bool {
	d.at[what] = at
	if d.wakeAt != 0 && !at.before(d.wakeAt) {
		return false
	}
	d.wakeAt = at
	return true
}

// next returns the earliest deadline, or 0 without one.
func (d *deadlines) next() (next moment) {
	for _, at := range d.at {
		if at != 0 && (next == 0 || at.before(next)) {
			next = at
		}
	}
	return next
}
