// SPDX-License-Identifier: MIT

// This file holds the binding of a session: the application authorizes each request that
// names one.

package engineio

import (
	"context"
	"errors"
	"net/http"
)

// A SessionRequest is a request that names an open session, as
// Options.SessionBinding sees it.
type SessionRequest struct {
	// Request is the request: a poll, a POST, the upgrade to a WebSocket, or that of
	// a WebTransport. Its body must not be read, and it must not be kept or changed.
	Request *http.Request
	// RemoteAddr is the address of its client, determined as Handshake.RemoteAddr is.
	RemoteAddr string
	// Handshake holds the request that opened the session. It must not be changed.
	Handshake *Handshake
}

var errBindingPanic = errors.New("engineio: Options.SessionBinding panicked")

// A binding finds the sessions that requests name. It is immutable.
type binding struct {
	svc      *services
	sessions *sessions
	proxies  *proxies
	bound    func(context.Context, *SessionRequest) error // Options.SessionBinding; may be nil
}

// find returns the session that a request names, if the request may speak for it. The
// client can't tell a session of another client from a session that does not exist.
func (b *binding) find(r *http.Request, sid string) (*Conn, *requestError) {
	c := b.sessions.lookup(sid)
	if c == nil {
		b.sessions.strays.note(b.svc.now(), b.svc.lastNumber.Load())
		return nil, noSession()
	}
	if b.bound == nil {
		return c, nil
	}
	err := errBindingPanic
	b.svc.guard("Options.SessionBinding", func() {
		err = b.bound(c.Context(), &SessionRequest{Request: r, RemoteAddr: b.proxies.clientAddr(r), Handshake: c.Handshake()})
	})
	if err != nil {
		e := refuseFor(CauseSessionBinding, codeUnknownSID, "the session is bound to another client")
		e.cause = err
		return nil, e
	}
	if b.sessions.lookup(sid) != c { // it has ended meanwhile
		return nil, noSession()
	}
	return c, nil
}
