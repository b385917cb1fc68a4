// SPDX-License-Identifier: MIT

// This file holds the search for a namespace that does not exist and that a client wants
// to join.

package socketio

import (
	"bytes"
	"context"
	"slices"
	"time"

	"socketio/internal/call"
	"socketio/internal/registry"
	"socketio/internal/telemetry"
)

// maxSearches is the number of searches of a connection that may call functions of the
// application at the same time. Patterns need no time.
const maxSearches = 8

// A search is a CONNECT for a namespace that does not exist, while the makers are asked
// for it. It ends once: its namespace is found or not, its time is up, or its client
// revokes the CONNECT or disconnects. Calls of the makers may still run then; they count
// until they return, even if the connection has ended.
type search struct {
	*admission
	name    string
	auth    []byte
	parents []maker
	asks    bool            // one of the parents has a function
	ctx     context.Context // ends with the search
	cancel  context.CancelFunc
	timer   *time.Timer
	quota   *registry.Quota
}

// searches are the searches of a connection. conn.mu guards them. By namespace they are
// in its slots.
type searches struct {
	waiting []*search      // not started, the oldest first
	asking  int            // running searches that call functions
	made    registry.Quota // of the connection
}

// clear drops the waiting searches. q may be nil.
func (q *searches) clear() {
	if q != nil {
		q.waiting = nil
	}
}

// end stops the timer and the context of a search.
func (sr *search) end() {
	sr.timer.Stop()
	sr.cancel()
}

// endSearchLocked ends a search that has been removed from its slot.
func (c *conn) endSearchLocked(sr *search) {
	q := c.have().searches
	if i := slices.Index(q.waiting, sr); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	sr.end()
}

// newSearchLocked creates a search, which startSearch starts in its turn.
func (c *conn) newSearchLocked(name string, auth []byte, parents []maker) *search {
	sr := &search{admission: new(admission), name: name, auth: bytes.Clone(auth), parents: parents}
	sr.asks = slices.ContainsFunc(parents, maker.asks)
	sr.ctx, sr.cancel = context.WithCancel(c.eio.Context())
	sr.timer = time.AfterFunc(c.server.opts.MiddlewareTimeout, func() { c.notFound(sr, timedOut) })
	spare := c.have()
	if spare.searches == nil {
		spare.searches = new(searches)
	}
	sr.quota = &spare.searches.made
	c.slots.Search(name, sr)
	spare.searches.waiting = append(spare.searches.waiting, sr)
	return sr
}

// startSearch starts the oldest waiting search that may run.
func (c *conn) startSearch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.have().searches
	if q == nil {
		return
	}
	i := slices.IndexFunc(q.waiting, func(sr *search) bool { return !sr.asks || q.asking < maxSearches })
	if i < 0 {
		return
	}
	sr := q.waiting[i]
	q.waiting = slices.Delete(q.waiting, i, i+1)
	if sr.asks {
		q.asking++
	}
	c.work++
	c.server.workers.Begin()
	// One per CONNECT that asks for a namespace which does not exist; of those that call
	// functions, at most maxSearches per connection, even after it has ended; ends when
	// the parents have answered; counted by Server.workers.
	go func() {
		defer c.server.workers.End()
		defer func() {
			c.mu.Lock()
			if sr.asks {
				q.asking--
			}
			c.doneLocked()
			c.mu.Unlock()
			c.startSearch()
		}()
		c.search(sr)
	}()
}

// search asks the parents and ends sr.
func (c *conn) search(sr *search) {
	answered := false
	defer func() {
		if !answered { // the application's function ended the goroutine
			c.notFound(sr, oursFault)
		}
	}()
	ns, message := c.ask(sr)
	answered = true
	if ns == nil {
		c.notFound(sr, message)
		return
	}
	if c.endSearch(sr, ns) {
		c.HandleReadEnd()
	} else {
		c.server.registry.Release(ns.entry)
	}
}

const (
	timedOut  = "timeout"
	noSuch    = "Invalid namespace"
	tooMany   = "Too many namespaces"
	oursFault = "internal error"
)

// ask finds or creates the namespace and counts a user of it. If there is none, message
// is the answer to the client.
func (c *conn) ask(sr *search) (ns *Namespace, message string) {
	handshake := func() Handshake {
		h := c.handshake(sr.auth)
		h.ctx = sr.ctx
		return h
	}
	for _, p := range sr.parents {
		if p.asks() {
			c.mayWait(sr.admission, c.server.waits.decide)
		}
		yes, err := p.matches(sr.name, handshake)
		if err != nil {
			c.server.opts.Logger.Error("the function of OfMatch panicked", "nsp", telemetry.Text(sr.name), "error", telemetry.Error(err), "stack", stackOf(err))
			return nil, oursFault
		}
		if !yes {
			continue
		}
		c.mayWait(sr.admission, c.server.waits.make)
		ns, err = c.server.adopt(sr.name, p, sr.quota)
		switch err {
		case nil:
			return ns, ""
		case registry.ErrQuota:
			return nil, tooMany
		case registry.ErrFull:
			c.server.sampled.Warn("a dynamic namespace was rejected: there are Options.Limits.MaxDynamicNamespaces of them; raise that, or reject names in OfMatch",
				"nsp", telemetry.Text(sr.name), "max", c.server.opts.MaxDynamicNamespaces)
			return nil, noSuch
		default:
			c.server.opts.Logger.Error("a namespace could not be created", "nsp", telemetry.Text(sr.name), "error", telemetry.Error(err))
			return nil, oursFault
		}
	}
	return nil, noSuch
}

// adopt finds or creates a child of p. An adapter, or a function that the application has
// registered with OnNewNamespace, may panic.
func (s *Server) adopt(name string, p maker, quota *registry.Quota) (ns *Namespace, err error) {
	defer call.Barrier(&err, newPanicError)
	return s.registry.Adopt(name, p, quota)
}

// endSearch turns a search into a socket. It reports false if the search had ended.
func (c *conn) endSearch(sr *search, ns *Namespace) bool {
	c.mu.Lock()
	if c.closed || c.slots.Searcher(sr.name) != sr {
		c.mu.Unlock()
		return false
	}
	c.endSearchLocked(sr)
	c.mayWait(sr.admission, c.server.waits.turn) // the namespace exists now
	s := c.addSocketLocked(ns, sr.auth, sr.admission)
	c.mu.Unlock()
	s.runner().join()
	return true
}

// notFound rejects a search, unless it has ended.
func (c *conn) notFound(sr *search, message string) {
	c.mu.Lock()
	ours := c.slots.Free(sr.name, sr)
	if ours {
		c.endSearchLocked(sr)
	}
	c.mu.Unlock()
	if !ours {
		return
	}
	defer c.endTurn(sr.admission)
	c.server.watch.connectRefused(c.eio, "", message)
	c.logRefused(sr.name, message, mostCreated)
	if c.countRefusal() {
		c.awaitTurn(sr.admission)
		c.sendRefusal(sr.name, message)
	}
}

// takeBack ends a search because its client has left the namespace before it was found.
// It reports whether there was a search.
func (c *conn) takeBack(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	sr := c.slots.Searcher(namespace)
	if sr == nil {
		return false
	}
	c.slots.Free(namespace, sr)
	c.endSearchLocked(sr)
	c.endTurn(sr.admission)
	return true
}
