// SPDX-License-Identifier: MIT

// This file holds ParentNamespace: namespaces that are made when a client asks for
// them, by a pattern of their names or by a function.

package socketio

import (
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"socketio/internal/telemetry"
)

// A ParentNamespace makes namespaces for the names that it matches, each when the
// first client asks for it, and takes it away when the last socket has left; see
// Options.KeepEmptyNamespaces. What is registered with it holds for all its
// children, those that exist already too, and runs before what is registered with a
// child. All methods may be called from any goroutine.
type ParentNamespace struct {
	// Immutable after OfPattern and OfFunc.
	server  *Server
	pattern *regexp.Regexp // nil if match is not
	match   func(name string, h Handshake) bool

	hooks
}

// hooks are what an application has registered with a namespace.
type hooks struct {
	mu          sync.RWMutex // guards the fields below
	middlewares []func(*Socket) error
	connection  listeners[func(*Socket)]
	errors      listeners[func(*Socket, *HandlerError)]
}

// OfPattern returns the parent of the namespaces whose whole name, with its leading
// slash, the pattern matches wherever it does: anchor it with ^ and $.
//
//	io.OfPattern(regexp.MustCompile(`^/team-\d+$`)).OnConnection(func(s *socketio.Socket) {
//		log.Println(s.ID(), "is in", s.Namespace().Name())
//	})
//
// A namespace made by Of comes before all parents; parents are asked in the order in
// which they were made. It panics on nil.
func (s *Server) OfPattern(pattern *regexp.Regexp) *ParentNamespace {
	if pattern == nil {
		panic("socketio: OfPattern: the pattern is nil")
	}
	p := &ParentNamespace{server: s, pattern: pattern}
	s.registry.addParent(p)
	return p
}

// OfFunc is OfPattern with a function. It is asked with the name that a client wants
// to join and what is known of the client, its auth too, each time the namespace
// does not exist. It may take its time, up to Options.MiddlewareTimeout; other
// clients do not wait for it. One that panics refuses the client. It panics on nil.
func (s *Server) OfFunc(match func(name string, h Handshake) bool) *ParentNamespace {
	if match == nil {
		panic("socketio: OfFunc: the function is nil")
	}
	p := &ParentNamespace{server: s, match: match}
	s.registry.addParent(p)
	return p
}

// Server is the server of the namespaces.
func (p *ParentNamespace) Server() *Server { return p.server }

// Children returns the namespaces that p has made and that exist now, in the order of
// their names. The caller owns the result.
func (p *ParentNamespace) Children() []*Namespace {
	children := p.server.registry.all(func(ns *Namespace) bool { return ns.parent == p })
	slices.SortFunc(children, func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
	return children
}

// Use adds a middleware to all children; see Namespace.Use.
func (p *ParentNamespace) Use(fn func(*Socket) error) { p.use(fn) }

// OnConnection calls fn for each socket that joins a child; see
// Namespace.OnConnection.
func (p *ParentNamespace) OnConnection(fn func(*Socket)) (remove func()) { return p.onConnection(fn) }

// OnError calls fn for each error of a handler in a child; see Namespace.OnError.
func (p *ParentNamespace) OnError(fn func(*Socket, *HandlerError)) (remove func()) {
	return p.onError(fn)
}

func (h *hooks) use(fn func(*Socket) error) {
	if fn == nil {
		panic("socketio: Use: the middleware is nil")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.middlewares = append(h.middlewares[:len(h.middlewares):len(h.middlewares)], fn)
}

func (h *hooks) onConnection(fn func(*Socket)) (remove func()) {
	if fn == nil {
		panic("socketio: OnConnection: the handler is nil")
	}
	return h.connection.add(&h.mu, fn)
}

func (h *hooks) onError(fn func(*Socket, *HandlerError)) (remove func()) {
	if fn == nil {
		panic("socketio: OnError: the handler is nil")
	}
	return h.errors.add(&h.mu, fn)
}

// matches asks whether p makes a namespace.
func (p *ParentNamespace) matches(name string, h func() Handshake) (yes bool, err error) {
	if p.pattern != nil {
		return p.pattern.MatchString(name), nil
	}
	defer recoverTo(&err)
	return p.match(name, h()), nil
}

// A search is a CONNECT for a namespace that does not exist, while parents are asked
// for it. It ends once: its namespace is found or not, its time is up, or its client
// takes the CONNECT back or goes.
type search struct {
	name string
	auth []byte
}

// resolve asks parents for the namespace of a CONNECT.
func (c *conn) resolve(sr *search, parents []*ParentNamespace) {
	c.server.workers.begin()
	// One per CONNECT that asks for a namespace which does not exist, at most
	// MaxNamespaces per connection; ends when the parents have answered; counted by
	// Server.workers.
	go func() {
		defer c.server.workers.end()
		timer := time.AfterFunc(c.server.opts.MiddlewareTimeout, func() { c.notFound(sr, timedOut) })
		answered := false
		defer func() {
			if !answered { // the application's function ended the goroutine
				c.notFound(sr, oursFault)
			}
			timer.Stop()
		}()
		ns, message := c.ask(sr, parents)
		answered = true
		if ns == nil {
			c.notFound(sr, message)
			return
		}
		if c.endSearch(sr, ns) {
			c.HandleReadEnd()
		} else {
			c.server.registry.release(ns)
		}
	}()
}

const (
	timedOut  = "timeout"
	noSuch    = "Invalid namespace"
	tooMany   = "Too many namespaces"
	oursFault = "internal error"
)

// ask finds or makes the namespace, a user of it counted, or says why there is none.
func (c *conn) ask(sr *search, parents []*ParentNamespace) (ns *Namespace, message string) {
	handshake := func() Handshake { return c.handshake(sr.auth) }
	for _, p := range parents {
		if p.match != nil {
			c.mayWait(sr, decideLimit)
		}
		yes, err := p.matches(sr.name, handshake)
		if err != nil {
			c.server.opts.Logger.Error("the function of OfFunc panicked", "nsp", telemetry.Text(sr.name), "error", telemetry.Error(err), "stack", string(debug.Stack()))
			return nil, oursFault
		}
		if !yes {
			continue
		}
		c.mayWait(sr, makeLimit)
		ns, err = c.server.registry.adopt(sr.name, p)
		if err != nil {
			c.server.opts.Logger.Error("a namespace could not be made", "nsp", telemetry.Text(sr.name), "error", telemetry.Error(err))
			return nil, oursFault
		}
		if ns == nil {
			c.server.sampled.Warn("a dynamic namespace was refused: there are Options.MaxDynamicNamespaces of them; raise that, or refuse names in OfFunc",
				"nsp", telemetry.Text(sr.name), "max", c.server.opts.MaxDynamicNamespaces)
			return nil, noSuch
		}
		return ns, ""
	}
	return nil, noSuch
}

// endSearch makes a socket of a search. It reports false if the search had ended.
func (c *conn) endSearch(sr *search, ns *Namespace) bool {
	c.mu.Lock()
	if c.closed || c.searches[sr.name] != sr {
		c.mu.Unlock()
		return false
	}
	delete(c.searches, sr.name)
	s := c.addSocketLocked(ns, sr.auth)
	c.passTurnLocked(sr, s)
	c.mu.Unlock()
	s.start()
	return true
}

// notFound refuses a search, unless it has ended.
func (c *conn) notFound(sr *search, message string) {
	c.mu.Lock()
	ours := !c.closed && c.searches[sr.name] == sr
	if ours {
		delete(c.searches, sr.name)
	}
	c.mu.Unlock()
	if !ours {
		return
	}
	defer c.endTurn(sr)
	c.tellRefused(nil, message)
	c.logRefused(sr.name, message)
	if c.countRefusal() {
		c.awaitTurn(sr)
		c.sendRefusal(sr.name, message)
	}
}

// takeBack ends a search because its client does not want the namespace any more. It
// reports whether there was one.
func (c *conn) takeBack(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	sr, ok := c.searches[namespace]
	delete(c.searches, namespace)
	if ok {
		c.endTurnLocked(sr)
	}
	return ok
}
