// SPDX-License-Identifier: MIT

// This file holds the deadlines of a Conn. They are exact; one wheel timer per
// connection wakes it for the earliest.

package engineio

import (
	"time"

	"socketio/internal/wheel"
)

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
	// closeTimeout is how long a closing WebSocket may take to send its queue.
	closeTimeout = 10 * time.Second
	// pollCloseTimeout is how long a closed polling session waits for a request whose
	// response can tell the client.
	pollCloseTimeout = 30 * time.Second
	// shutdownPollTimeout is pollCloseTimeout while the server shuts down: a client that is
	// alive polls again at once.
	shutdownPollTimeout = time.Second
)

// deadlines are times by services.now; 0 means none.
type deadlines struct {
	at     [dueCount]int64
	wakeAt int64 // when the wheel will wake us; 0 means not at all
	timer  wheel.Timer
}

// set sets a deadline. It reports whether the wheel must wake us for it.
func (d *deadlines) set(what int, at int64) bool {
	d.at[what] = at
	if d.wakeAt != 0 && at >= d.wakeAt {
		return false
	}
	d.wakeAt = at
	return true
}

// next returns the earliest deadline, or 0 if there is none.
func (d *deadlines) next() int64 {
	next := int64(0)
	for _, at := range d.at {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}
