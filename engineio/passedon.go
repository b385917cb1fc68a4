// SPDX-License-Identifier: MIT

// This file holds which Origins a session passes on to its upgrade: behind a proxy that
// changes Host a browser's polls pass the origin rule and its WebSocket does not.

package engineio

import (
	"net/http"
	"slices"
)

// newPassedOn is what the handshake of a session passes on.
func (s *Server) newPassedOn(r *http.Request) *passedOn {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	if origin == "" && site == "" {
		return nil
	}
	p := &passedOn{any: site == "same-origin"}
	p.see(origin, true, s.isOwn(r, origin))
	return p
}

// count counts what p passes on in Server.passing, which is kept for streams alone:
// they say which session they are for when they have been accepted.
func (s *Server) countPassedLocked(p *passedOn, n int) {
	if p == nil || s.passing == nil {
		return
	}
	add := func(origin string) {
		if s.passing[origin] += n; s.passing[origin] == 0 {
			delete(s.passing, origin)
		}
	}
	if p.any {
		add("")
	}
	for _, o := range p.origins {
		add(o.origin)
	}
}

// endPassingLocked is for a session that is not on polling any more.
func (s *Server) endPassingLocked(c *Conn) {
	s.countPassedLocked(c.passed, -1)
	c.passed = nil
}

func (s *Server) upgraded(c *Conn) {
	s.mu.Lock()
	s.endPassingLocked(c)
	s.mu.Unlock()
}

// noteOrigin notes the Origin of a request for c. keep is whether it is a POST that was
// let in.
func (s *Server) noteOrigin(c *Conn, r *http.Request, keep bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	s.mu.RLock()
	p := c.passed
	known := p == nil || !p.any && (!keep || len(p.origins) == maxPassed || p.has(origin))
	s.mu.RUnlock()
	if known {
		return
	}
	own := keep && s.isOwn(r, origin)
	s.mu.Lock()
	if p := c.passed; p != nil { // else the session has ended, or upgraded
		s.countPassedLocked(p, -1)
		p.see(origin, keep, own)
		s.countPassedLocked(p, 1)
	}
	s.mu.Unlock()
}

// passes reports whether the session passes this Origin on, and whether as the
// server's own.
func (s *Server) passes(sid, origin string) (ok, own bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.conns[sid]
	if c == nil || c.passed == nil {
		return false, false
	}
	if c.passed.any && origin != "null" {
		return true, true
	}
	i := slices.IndexFunc(c.passed.origins, func(o passable) bool { return o.is(origin) })
	return i >= 0, i >= 0 && c.passed.origins[i].own
}

// mayPass reports whether some session passes this Origin on.
func (s *Server) mayPass(origin string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.passing[origin] > 0 || s.passing[""] > 0 && origin != "null"
}

// admitStream is checkOrigin for a stream, whose first packet tells whether it is an
// upgrade. later tells that admitUpgrade must be asked then.
func (s *Server) admitStream(r *http.Request) (later bool, e *requestError) {
	origin := r.Header.Get("Origin")
	e = s.checkOrigin(r, origin)
	if e == nil || e.code != codeForbidden {
		return false, e
	}
	if s.mayPass(origin) {
		return true, nil
	}
	s.warnOrigin(r, origin)
	return false, e
}

// admitOrigin is checkOrigin for a request that may name a session. An upgrade may
// have an Origin that its session passes on.
func (s *Server) admitOrigin(r *http.Request, origin, sid string, upgrade bool) *requestError {
	e := s.checkOrigin(r, origin)
	if e == nil || e.code != codeForbidden {
		return e
	}
	if upgrade {
		return s.admitUpgrade(r, origin, sid)
	}
	s.noteForeign(r, sid)
	s.warnOrigin(r, origin)
	return e
}

// admitUpgrade is for an upgrade whose Origin does not pass the rule itself. sid may be
// "", for what should have been one.
func (s *Server) admitUpgrade(r *http.Request, origin, sid string) *requestError {
	if ok, _ := s.passes(sid, origin); ok {
		return nil
	}
	s.noteForeign(r, sid)
	s.warnOrigin(r, origin)
	return errOrigin()
}

// noteForeign notes the Origin of a request that is refused.
func (s *Server) noteForeign(r *http.Request, sid string) {
	if c := s.lookup(sid); c != nil {
		s.noteOrigin(c, r, false)
	}
}
