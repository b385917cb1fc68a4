// SPDX-License-Identifier: MIT

// This file holds the Origins that sessions on polling have shown, and may show again when
// they upgrade.

package engineio

import (
	"net/http"
	"slices"

	"socketio/internal/lock"
)

const (
	maxPassed   = 4   // Origins that one session passes on
	maxPassable = 512 // bytes of one; no browser has a longer one
)

// A passedOn holds what a session on polling passes on to its own upgrade. A session that
// was opened with neither Origin nor Sec-Fetch-Site has none: its requests do not
// come from a browser that can be recognized.
type passedOn struct {
	// any: the handshake carried Sec-Fetch-Site: same-origin, and no request for the
	// session, accepted or not, has had an Origin.
	any     bool
	ended   bool       // the session is no longer on polling
	origins []passable // of the handshake and of accepted POSTs
}

// A passable is an Origin. own means that it was accepted as the server's own, not by
// CORS.
type passable struct {
	origin string
	own    bool
}

func (p passable) is(origin string) bool { return p.origin == origin }

// newPassedOn returns what the handshake of a session passes on.
func newPassedOn(r *http.Request, rule *originRule) *passedOn {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	if origin == "" && site == "" {
		return nil
	}
	p := &passedOn{any: site == "same-origin"}
	p.see(origin, true, rule.isOwn(r, origin))
	return p
}

// see notes the Origin of a request for the session. keep is whether to pass it on.
func (p *passedOn) see(origin string, keep, own bool) {
	if origin == "" {
		return
	}
	p.any = false
	if keep && len(origin) <= maxPassable && len(p.origins) < maxPassed && !p.has(origin) {
		p.origins = append(p.origins, passable{origin, own})
	}
}

func (p *passedOn) has(origin string) bool {
	return slices.ContainsFunc(p.origins, func(o passable) bool { return o.is(origin) })
}

// passing guards what the sessions of a server pass on. A nil *passedOn passes nothing on.
type passing struct {
	mu lock.RWMutex // guards the field below, and each passedOn that begin was called for
	// sessions counts them by the Origins that they pass on, "" for any. It is nil
	// without streams, which alone need it: they say which session they are for when they
	// have been accepted.
	sessions map[string]int
}

// begin counts what a new session passes on.
func (g *passing) begin(p *passedOn) {
	if p == nil {
		return
	}
	g.mu.Lock()
	g.countLocked(p, 1)
	g.mu.Unlock()
}

// end removes the state of a session that has left polling.
func (g *passing) end(p *passedOn) {
	if p == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !p.ended {
		g.countLocked(p, -1)
		*p = passedOn{ended: true}
	}
}

func (g *passing) countLocked(p *passedOn, n int) {
	if g.sessions == nil {
		return
	}
	add := func(origin string) {
		if g.sessions[origin] += n; g.sessions[origin] == 0 {
			delete(g.sessions, origin)
		}
	}
	if p.any {
		add("")
	}
	for _, o := range p.origins {
		add(o.origin)
	}
}

// knows reports whether note would change nothing.
func (g *passing) knows(p *passedOn, origin string, keep bool) bool {
	if p == nil || origin == "" {
		return true
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return !p.any && (!keep || len(p.origins) == maxPassed || p.has(origin))
}

// note notes the Origin of a request for a session. keep is whether to pass it on.
func (g *passing) note(p *passedOn, origin string, keep, own bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.ended {
		return
	}
	g.countLocked(p, -1)
	p.see(origin, keep, own)
	g.countLocked(p, 1)
}

// passes reports whether a session passes this Origin on, and whether as the server's
// own.
func (g *passing) passes(p *passedOn, origin string) (ok, own bool) {
	if p == nil {
		return false, false
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	if p.any && origin != "null" {
		return true, true
	}
	i := slices.IndexFunc(p.origins, func(o passable) bool { return o.is(origin) })
	return i >= 0, i >= 0 && p.origins[i].own
}

// may reports whether some session passes this Origin on.
func (g *passing) may(origin string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.sessions[origin] > 0 || g.sessions[""] > 0 && origin != "null"
}
