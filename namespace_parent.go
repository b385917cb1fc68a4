// SPDX-License-Identifier: MIT

// This file holds ParentNamespace, which creates namespaces when clients ask for them, by
// a pattern of their names or by a function. They end in internal/registry/dynamic.go.

package socketio

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"socketio/internal/call"
)

// A ParentNamespace creates namespaces for the names that it matches, each when the first
// client asks for it, and removes them when their last socket has left; see
// Options.Limits.KeepEmptyNamespaces. Middlewares and handlers registered with it apply
// to all its children, including existing ones, and run before those registered with a
// child. A broadcast goes to each child that exists on this server, and reaches its
// sockets on all servers of a cluster; children that exist only on other servers are not
// selected. All methods may be called from any goroutine.
type ParentNamespace struct {
	// Immutable after OfPattern and OfMatch.
	server  *Server
	pattern *regexp.Regexp // nil if match is not
	match   func(name string, h Handshake) bool

	hooks
	audience // all sockets of its children
}

// OfPattern returns the parent of the namespaces whose names, with their leading slash,
// match the pattern. A match of a part is sufficient: anchor the pattern with ^ and $.
//
//	io.OfPattern(regexp.MustCompile(`^/team-\d+$`)).OnConnection(func(s *socketio.Socket) {
//		log.Println(s.ID(), "is in", s.Namespace().Name())
//	})
//
// A namespace created by Of takes precedence over all parents; parents are tried in the
// order in which they were created. OfPattern panics if pattern is nil.
func (s *Server) OfPattern(pattern *regexp.Regexp) *ParentNamespace {
	if pattern == nil {
		panic("socketio: OfPattern: the pattern is nil")
	}
	p := &ParentNamespace{server: s, pattern: pattern}
	p.family = p
	s.registry.AddParent(p)
	return p
}

// OfMatch is OfPattern with a function. Each time the namespace does not exist, match is
// called with the name that a client wants to join and the handshake of the client,
// including its auth. It may take up to Options.Limits.MiddlewareTimeout; other clients
// do not wait for it. h.Context ends when the result is no longer needed: after that
// time, or when the client has disconnected. At most 8 calls run at once for one
// connection. A panic rejects the client. OfMatch panics if match is nil.
func (s *Server) OfMatch(match func(name string, h Handshake) bool) *ParentNamespace {
	if match == nil {
		panic("socketio: OfMatch: the function is nil")
	}
	p := &ParentNamespace{server: s, match: match}
	p.family = p
	s.registry.AddParent(p)
	return p
}

// Server is the server of the namespaces.
func (p *ParentNamespace) Server() *Server { return p.server }

// Children returns the namespaces that p has created and that exist now, sorted by name.
// The caller owns the result.
func (p *ParentNamespace) Children() []*Namespace {
	children := slices.DeleteFunc(p.server.registry.All(), func(ns *Namespace) bool { return ns.parent != &p.hooks })
	slices.SortFunc(children, func(a, b *Namespace) int { return strings.Compare(a.name, b.name) })
	return children
}

// Use adds a middleware to all children; see Namespace.Use.
func (p *ParentNamespace) Use(fn func(ctx context.Context, s *Socket) error) { p.use(fn) }

// OnConnection calls fn for each socket that joins a child; see
// Namespace.OnConnection.
func (p *ParentNamespace) OnConnection(fn func(*Socket)) (remove func()) { return p.onConnection(fn) }

// OnError calls fn for each error of a handler in a child; see Namespace.OnError.
func (p *ParentNamespace) OnError(fn func(*Socket, *HandlerError)) (remove func()) {
	return p.onError(fn)
}

// registered implements maker, as the methods below do.
func (p *ParentNamespace) registered() *hooks { return &p.hooks }

func (p *ParentNamespace) asks() bool { return p.match != nil }

func (p *ParentNamespace) matches(name string, h func() Handshake) (yes bool, err error) {
	if p.server.adapters.checkNamespace(name) != nil {
		return false, nil
	}
	if p.pattern != nil {
		return p.pattern.MatchString(name), nil
	}
	defer call.Barrier(&err, newPanicError)
	return p.match(name, h()), nil
}
