// SPDX-License-Identifier: MIT

// This file holds the warning about clients whose polls arrive and whose POSTs do not:
// something before the Server lets only GET through.

package engineio

import (
	"errors"
	"sync/atomic"
)

// mutes is what a Server knows of such sessions.
type mutes struct {
	heard atomic.Bool  // a POST of some session has arrived
	inRow atomic.Int32 // sessions that ended without one, since the last that arrived
}

// notePOST tells that a POST of a session has arrived, whatever becomes of it.
func (s *Server) notePOST(sid string) {
	c := s.lookup(sid)
	if c == nil {
		return
	}
	c.hadPOST.Store(true)
	s.mutes.heard.Store(true)
	if s.mutes.inRow.Load() != 0 {
		s.mutes.inRow.Store(0)
	}
}

// unheard implements owner: a session has ended that was polled and never heard of. It
// warns if that says something. A client that has polled until its time was up would
// have sent something. One that has left at once may have had no time for it, so a server
// that gets POSTs of others needs to see that twice in a row.
func (s *Server) unheard(reason CloseReason, err error, flush bool) {
	mute := false
	switch {
	case reason == ReasonPingTimeout:
		mute = true
	case reason == ReasonForcedClose: // ours, or that of the layer above, which waits for a message
		mute = !flush && !errors.Is(err, ErrShutdown)
	case errors.Is(err, errPollAborted), errors.Is(err, errPollOverlap): // a POST that is redirected becomes a GET
		mute = s.mutes.inRow.Add(1) > 1 || !s.mutes.heard.Load()
	}
	if mute {
		s.warnMute()
	}
}

// warnMute says what to do about such sessions.
func (s *Server) warnMute() {
	s.sampled.Warn(`polls of a client arrived, and none of its POSTs; let POST through to this handler, without a redirect: in the pattern of the mux ("/socket.io/", not "GET /socket.io/"), in middlewares and in proxies`)
}
