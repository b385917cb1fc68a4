// SPDX-License-Identifier: MIT

// This file holds parkedGET: a GET of polling while it waits and while it is answered.

package engineio

import (
	"time"

	"socketio/internal/lock"
)

// A deadliner is a response whose writes can be given a deadline.
type deadliner interface{ SetWriteDeadline(time.Time) error }

// A parkedGET is a GET that waits for output.
type parkedGET struct {
	noop  bool       // answer with a noop if there is nothing else
	final packetType // respond with this and the queue
	size  int        // of the response being written

	mu   lock.Mutex // guards the fields below
	host deadliner  // while the answer is written, else nil
	cut  bool       // the answer must not go on
}

// extend gives the peer time for the next part of its response. It reports false if the
// response was cut off. g may be nil: then it never is.
func (g *parkedGET) extend(h deadliner, timeout time.Duration) bool {
	if g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.cut {
			return false
		}
		g.host = h
	}
	_ = h.SetWriteDeadline(time.Now().Add(timeout)) // not every writer can
	return true
}

// answered reports that the response is written: it belongs to its handler again.
func (g *parkedGET) answered() {
	if g != nil {
		g.mu.Lock()
		g.host = nil
		g.mu.Unlock()
	}
}

// cutOff ends the response being written. g may be nil.
func (g *parkedGET) cutOff() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = true
	if g.host != nil {
		_ = g.host.SetWriteDeadline(time.Unix(1, 0)) // else it ends at the deadline it has
	}
}
