// SPDX-License-Identifier: MIT

// This file holds the Origins that a session has shown.

package engineio

import "slices"

const (
	maxPassed   = 4   // Origins that one session passes on
	maxPassable = 512 // bytes of one; no browser has a longer one
)

// A passedOn is what a session on polling passes on to an upgrade of its own, guarded
// by Server.mu. A session that was opened with neither Origin nor Sec-Fetch-Site has
// none: its requests come from no browser that can be told from another.
type passedOn struct {
	// any: the handshake carried Sec-Fetch-Site: same-origin, and no request for the
	// session, let in or not, has had an Origin.
	any     bool
	origins []passable // of the handshake and of POSTs that were let in
}

// A passable is an Origin. own tells that it was let in as the server's own, not by
// CORS.
type passable struct {
	origin string
	own    bool
}

func (p passable) is(origin string) bool { return p.origin == origin }

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
