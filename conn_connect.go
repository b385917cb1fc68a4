// SPDX-License-Identifier: MIT

// This file holds CONNECTs: how a connection begins to join a namespace, what it rejects,
// and the order of the answers.

package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"socketio/engineio"
	"socketio/internal/slots"
	"socketio/internal/telemetry"
	"socketio/internal/turns"
	"socketio/parser"
)

const (
	// Within rateWindow a client may be rejected this often, may send this many
	// acknowledgements that nothing awaits, and may ask this often to join a namespace.
	maxRefusals  = 20
	maxStrayAcks = 1000
	maxJoins     = 2000
	rateWindow   = 1000 // rateTicks
	rateTick     = 10e6 // ns
)

// A rate counts events within rateWindow.
type rate struct {
	count uint32
	since uint32 // in ticks, by Server.now; it wraps
}

// add counts an event. It reports whether there were more than limit.
func (r *rate) add(now int64, limit uint32) (over bool) {
	if tick := uint32(now / rateTick); tick-r.since > rateWindow {
		r.since, r.count = tick, 0
	}
	r.count++
	return r.count > limit
}

// takeTurn adds a CONNECT to the line of those without an answer. Later ones wait for it
// for at most limit. conn.mu may be held.
func (c *conn) takeTurn(a *admission, kind turns.Kind, limit time.Duration) {
	c.turns.Take(&a.turn, kind, c.server.now()+int64(limit))
}

// mayWait sets for how long, from now on, later CONNECTs wait for a: the application
// decides about it, or has decided.
func (c *conn) mayWait(a *admission, limit time.Duration) {
	c.turns.Limit(&a.turn, c.server.now(), limit)
}

// awaitTurn waits until the CONNECTs before a are answered, or need not be waited for.
// The application has already decided about a: its waiting time does not count against
// its own limit, or later CONNECTs would overtake it.
func (c *conn) awaitTurn(a *admission) {
	c.mayWait(a, c.server.waits.turn)
	c.turns.Wait(&a.turn, c.server.now)
}

// decides returns whether middlewares decide about a CONNECT to an existing namespace.
func (ns *Namespace) decides() turns.Kind {
	if len(ns.middlewareChain()) > 0 {
		return turns.Undecided
	}
	return turns.Granted
}

// endTurn records that a CONNECT was answered, or will not be.
func (c *conn) endTurn(a *admission) { c.turns.End(&a.turn) }

// joinRoot joins a legacy client to "/" as soon as the connection has opened.
func (c *conn) joinRoot() {
	s := c.addSocketLocked(c.server.root, nil, new(admission)) // c is not shared yet
	c.takeTurn(s.joining, s.ns.decides(), c.server.waits.turn)
	s.runner().join()
}

// handleConnect begins the life of a socket.
func (c *conn) handleConnect(p parser.Packet) {
	ns, _, parents := c.server.registry.Find(p.Namespace)
	if ns == nil && (len(parents) == 0 || len(p.Namespace) > maxNamespaceName) {
		c.server.watch.connectRefused(c.eio, "", noSuch)
		c.refuse(p.Namespace, noSuch)
		return
	}
	o := &c.server.opts
	if c.manyJoins() {
		c.release(ns)
		c.eio.Abort(engineio.ReasonForcedClose, errManyJoins, closePolicy, "")
		return
	}
	c.mu.Lock()
	twice := c.slots.State(p.Namespace) != slots.Free
	full := c.slots.Taken() >= o.MaxNamespaces
	large := c.authTooLargeLocked(len(p.Data))
	var s *Socket
	var sr *search
	switch {
	case twice, full, large != "", c.closed:
	case ns != nil:
		s = c.addSocketLocked(ns, p.Data, new(admission))
		limit := c.server.waits.turn
		if !c.mayStartLocked(s) {
			limit = 0 // no CONNECT waits for it
		}
		c.takeTurn(s.joining, ns.decides(), limit)
	default:
		sr = c.newSearchLocked(p.Namespace, p.Data, parents)
		limit := c.server.waits.turn
		if sr.asks && c.have().searches.asking+len(c.have().searches.waiting) > maxSearches {
			limit = 4 * c.server.waits.make // it waits for others
		}
		c.takeTurn(sr.admission, turns.Undecided, limit)
	}
	c.mu.Unlock()
	if s == nil {
		c.release(ns)
	}
	switch {
	case twice:
		c.abort(fmt.Errorf("%w: CONNECT to a namespace that was joined or is being joined", errProtocol))
	case full:
		c.server.watch.connectRefused(c.eio, nameOf(ns), tooMany)
		c.refuse(p.Namespace, tooMany)
	case large != "":
		c.server.watch.connectRefused(c.eio, nameOf(ns), large)
		c.refuse(p.Namespace, large)
	case s != nil:
		s.runner().join()
	case sr != nil:
		c.startSearch()
	}
}

// manyJoins counts a CONNECT to an existing namespace, or to one that is to be made. It
// reports whether there were too many.
func (c *conn) manyJoins() bool {
	if !c.asked {
		c.asked = true // most clients send no other, so it needs no memory
		return false
	}
	return c.have().joins.add(c.server.now(), maxJoins-1)
}

// nameOf returns the name of a namespace, or "" if ns is nil.
func nameOf(ns *Namespace) string {
	if ns == nil {
		return ""
	}
	return ns.name
}

// release ends the use of a namespace that registry.Find has counted.
func (c *conn) release(ns *Namespace) {
	if ns != nil {
		c.server.registry.Release(ns.entry)
	}
}

// The bounds on the namespaces of a client, for the log.
const (
	mostJoined  = "Options.Limits.MaxNamespaces for one client"
	mostCreated = "32 that one client has created, once half of Options.Limits.MaxDynamicNamespaces exist"
)

// logRefused logs a CONNECT that is rejected before there is a socket. If there are too
// many namespaces, most is the bound.
func (c *conn) logRefused(namespace, message, most string) {
	log := c.server.opts.Logger
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	switch message {
	case noSuch:
		message += ": no Of, OfPattern or OfMatch has that name"
	case tooMany:
		message += ": at most " + most
	}
	log.Debug("a namespace was rejected", "nsp", telemetry.Text(namespace), "conn", c.eio.Number(), "error", message)
}

// countRefusal counts a rejected CONNECT. It reports false if there were too many, which
// closes the connection.
func (c *conn) countRefusal() bool {
	now := c.server.now()
	c.mu.Lock()
	tooMany := c.have().refusals.add(now, maxRefusals)
	c.mu.Unlock()
	if tooMany {
		c.eio.Abort(engineio.ReasonForcedClose, errManyRefusals, closePolicy, "")
		return false
	}
	return true
}

// refuse rejects a CONNECT before there is a socket.
func (c *conn) refuse(namespace, message string) {
	c.logRefused(namespace, message, mostJoined)
	if !c.countRefusal() {
		return
	}
	if !c.turns.Ahead() {
		c.sendRefusal(namespace, message)
		return
	}
	a := new(admission)
	c.takeTurn(a, turns.Refused, c.server.waits.turn)
	c.server.workers.Begin()
	// One per rejection, whose number countRefusal bounds, behind CONNECTs without an
	// answer; ends within joinLimits.turn; counted by Server.workers.
	go func() {
		defer c.server.workers.End()
		defer c.endTurn(a)
		c.awaitTurn(a)
		c.sendRefusal(namespace, message)
	}()
}

func (c *conn) sendRefusal(namespace, message string) {
	_ = c.send(c.server.format.connectError(namespace, &ConnectError{Message: message})) // a closed connection needs no answer
}
