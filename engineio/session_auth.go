// SPDX-License-Identifier: MIT

// This file holds the binding of a session: the application's say on each request
// that names one.

package engineio

import (
	"errors"
	"net/http"
)

// A SessionRequest is a request that names an open session, as
// Options.SessionBinding sees it.
type SessionRequest struct {
	// Request is the request: a poll, a POST, the upgrade to a WebSocket, or that of
	// a WebTransport. Its body must not be read, and it must not be kept or changed.
	Request *http.Request
	// RemoteAddr is where it comes from, found as Handshake.RemoteAddr is.
	RemoteAddr string
	// Handshake is what is kept of the request that opened the session. It must not
	// be changed.
	Handshake *Handshake
}

var errBindingPanic = errors.New("engineio: Options.SessionBinding panicked")

// session is the session that a request names, if it may speak for it. Who asks
// can't tell a session of somebody else from none.
func (s *Server) session(r *http.Request, sid string) (*Conn, *requestError) {
	c := s.lookup(sid)
	if c == nil {
		s.noteStray()
		return nil, noSession()
	}
	bound := s.cfg.SessionBinding
	if bound == nil {
		return c, nil
	}
	err := errBindingPanic
	s.guard("Options.SessionBinding", func() {
		err = bound(c.Context(), &SessionRequest{Request: r, RemoteAddr: s.clientAddr(r), Handshake: &c.handshake})
	})
	if err != nil {
		e := refuseFor(CauseSessionBinding, codeUnknownSID, "the session is bound to another client")
		e.cause = err
		return nil, e
	}
	if s.lookup(sid) != c { // it has ended while the application thought
		return nil, noSession()
	}
	return c, nil
}

func noSession() *requestError { return refuse(codeUnknownSID, "no such session") }
