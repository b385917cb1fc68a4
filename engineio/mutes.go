// SPDX-License-Identifier: MIT

// This file holds the warning about clients whose polls arrive and whose POSTs do not:
// something before the Server accepts only GET.

package engineio

import (
	"errors"
	"sync/atomic"

	"socketio/internal/telemetry"
)

// mutes watches for sessions that are polled and send nothing.
type mutes struct {
	sampled *telemetry.Sampled

	// Atomic; safe from anywhere.
	heard atomic.Bool  // a POST of some session has arrived
	inRow atomic.Int32 // sessions that ended without one, since the last that arrived
}

// hear records that a POST of a session has arrived, whether or not it is accepted.
func (m *mutes) hear() {
	m.heard.Store(true)
	if m.inRow.Load() != 0 {
		m.inRow.Store(0)
	}
}

// unheard is called when a session has ended that was polled and sent nothing. It warns if
// that means something. A client that has polled until its time was up would have sent
// something. One that has left at once may have had no time for it, so a server that gets
// POSTs of others needs to see that twice in a row.
func (m *mutes) unheard(reason CloseReason, err error, flush bool) {
	mute := false
	switch {
	case reason == ReasonPingTimeout:
		mute = true
	case reason == ReasonForcedClose: // ours, or that of the layer above, which waits for a message
		mute = !flush && !errors.Is(err, ErrShutdown)
	case errors.Is(err, errPollAborted), errors.Is(err, errPollOverlap): // a POST that is redirected becomes a GET
		mute = m.inRow.Add(1) > 1 || !m.heard.Load()
	}
	if mute {
		m.sampled.Warn(`polls of a client arrived, and none of its POSTs; let POST through to this handler, without a redirect: in the pattern of the mux ("/socket.io/", not "GET /socket.io/"), in middlewares and in proxies`)
	}
}
