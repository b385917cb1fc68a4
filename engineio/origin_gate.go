// SPDX-License-Identifier: MIT

// This file holds the exceptions to the origin rule that sessions make: behind a proxy that
// changes Host a browser's polls pass the rule and its WebSocket does not.

package engineio

import (
	"log/slog"
	"net/http"

	"socketio/internal/telemetry"
)

// A gate applies the origin rule to requests, with the exceptions of sessions.
type gate struct {
	rule     originRule
	sessions *sessions
	log      *slog.Logger
	forward  bool // other servers forward requests to this one
}

// noteOrigin notes the Origin of a request for c. keep is whether it is an accepted POST.
func (g *gate) noteOrigin(c *Conn, r *http.Request, keep bool) {
	origin, p := r.Header.Get("Origin"), c.passed.Load()
	if g.sessions.passing.knows(p, origin, keep) {
		return
	}
	g.sessions.passing.note(p, origin, keep, keep && g.rule.isOwn(r, origin))
}

// passes reports whether the session passes this Origin on, and whether as the server's
// own.
func (g *gate) passes(sid, origin string) (ok, own bool) {
	c := g.sessions.lookup(sid)
	if c == nil {
		return false, false
	}
	return g.sessions.passing.passes(c.passed.Load(), origin)
}

// hideCookie returns r, or, if a page of another origin makes it, a copy without the
// Cookie header, unless CORS.AllowCredentials is set. Browsers enforce that only for
// polling: with a WebSocket they send the cookies of the server whichever page opens it.
func (g *gate) hideCookie(r *http.Request) *http.Request {
	origin := r.Header.Get("Origin")
	if origin == "" || len(r.Header["Cookie"]) == 0 || g.rule.cors != nil && g.rule.cors.AllowCredentials || g.rule.isOwn(r, origin) {
		return r
	}
	if sid := query(r.URL.RawQuery).last("sid"); sid != "" && asksUpgrade(r) {
		if _, own := g.passes(sid, origin); own {
			return r
		}
	}
	g.log.Debug("the Cookie header of a page of another origin is hidden; to see it set CORS.AllowCredentials", "origin", telemetry.Text(origin))
	return hide(r)
}

// admitStream applies the rule to a stream, whose first packet shows whether it is an
// upgrade. If later is true, admitUpgrade decides then.
func (g *gate) admitStream(r *http.Request) (later bool, e *requestError) {
	origin := r.Header.Get("Origin")
	e = g.rule.check(r, origin)
	if e == nil || e.code != codeForbidden {
		return false, e
	}
	if g.sessions.passing.may(origin) {
		return true, nil
	}
	g.rule.warn(r, origin)
	return false, e
}

// admit applies the rule to a request that may name a session. An upgrade may have an
// Origin that its session passes on.
func (g *gate) admit(r *http.Request, origin, sid string, upgrade bool) *requestError {
	e := g.rule.check(r, origin)
	if e == nil && g.forward {
		if a := arrivalOf(r); a != nil && !a.admitted {
			e = errOrigin() // the server that the client has reached does not admit it
		}
	}
	if e == nil || e.code != codeForbidden {
		return e
	}
	if upgrade {
		return g.admitUpgrade(r, origin, sid)
	}
	g.reject(r, origin, sid)
	return e
}

// admitUpgrade is for an upgrade whose Origin does not pass the rule itself. sid may be
// "", for a request that should have named a session.
func (g *gate) admitUpgrade(r *http.Request, origin, sid string) *requestError {
	if ok, _ := g.passes(sid, origin); ok {
		return nil
	}
	g.reject(r, origin, sid)
	return errOrigin()
}

// reject notes the Origin of a request that is rejected, and warns.
func (g *gate) reject(r *http.Request, origin, sid string) {
	if c := g.sessions.lookup(sid); c != nil {
		g.noteOrigin(c, r, false)
	}
	g.rule.warn(r, origin)
}
