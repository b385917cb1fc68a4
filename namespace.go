// SPDX-License-Identifier: MIT

// This file holds Namespace: middleware, the admission of sockets, and what can
// be sent to all of them.

package socketio

import (
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"socketio/adapter"
)

const maxNamespaceName = 255

// A Namespace is a communication channel that clients join by name, over a
// connection they may share with others. Each has its own sockets, rooms,
// middleware and handlers. All methods may be called from any goroutine.
type Namespace struct {
	// Immutable after newNamespace.
	server  *Server
	name    string
	adapter adapter.Adapter

	// Atomic; safe from anywhere.
	lastAck atomic.Int64

	mu          sync.RWMutex // guards the fields below
	middlewares []func(*Socket) error
	connection  listeners[func(*Socket)]
	errors      listeners[func(*Socket, *HandlerError)]
}

func newNamespace(s *Server, name string) *Namespace {
	ns := &Namespace{server: s, name: name, adapter: s.opts.Adapter(name)}
	ns.lastAck.Store(-1)
	return ns
}

// namespaceName brings a name into the form it has on the wire.
func namespaceName(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	bad := len(name) > maxNamespaceName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
		return r == ',' || r < 0x20 || r == 0x7f
	})
	if bad {
		panic("socketio: Of: no client can join a namespace named " + clip(name) +
			": at most 255 bytes of UTF-8 without commas and control characters")
	}
	return name
}

// Name is the name of the namespace, with its leading slash.
func (ns *Namespace) Name() string { return ns.name }

// Server is the server of the namespace.
func (ns *Namespace) Server() *Server { return ns.server }

// Use adds a middleware. Middlewares run for each socket that asks to join, one
// after the other, before OnConnection. The first error refuses the socket: its
// client gets a connect_error event with the text of the error, or with what a
// *ConnectError says. A middleware may join rooms and emit; it may take its time,
// other sockets do not wait for it. One that panics refuses its socket with
// "internal error".
func (ns *Namespace) Use(fn func(*Socket) error) {
	if fn == nil {
		panic("socketio: Use: the middleware is nil")
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.middlewares = append(ns.middlewares[:len(ns.middlewares):len(ns.middlewares)], fn)
}

// OnConnection calls fn for each socket that has joined, before any of its
// events are handled: what fn registers misses nothing. fn may block its own
// socket only. remove takes fn off again.
func (ns *Namespace) OnConnection(fn func(*Socket)) (remove func()) {
	if fn == nil {
		panic("socketio: OnConnection: the handler is nil")
	}
	return ns.connection.add(&ns.mu, fn)
}

// OnError calls fn for each event of a socket of the namespace that was not
// handled as it should: an argument did not decode, a handler returned an error
// or panicked. It is called by the goroutine that runs the socket's handlers.
// Without such a listener errors go to Options.Logger.
func (ns *Namespace) OnError(fn func(*Socket, *HandlerError)) (remove func()) {
	if fn == nil {
		panic("socketio: OnError: the handler is nil")
	}
	return ns.errors.add(&ns.mu, fn)
}

// Sockets returns the sockets of the namespace that are connected to this
// server, in no order. The caller owns the result.
func (ns *Namespace) Sockets() []*Socket {
	members := ns.adapter.Members(adapter.Target{})
	sockets := make([]*Socket, 0, len(members))
	for _, m := range members {
		if s := m.(*Socket); s.settledState() == stateConnected {
			sockets = append(sockets, s)
		}
	}
	return sockets
}

// Emit sends an event to every socket of the namespace; see Broadcast.Emit.
func (ns *Namespace) Emit(event string, args ...any) error {
	return Broadcast{ns: ns}.Emit(event, args...)
}

// Send is Emit of the event "message".
func (ns *Namespace) Send(args ...any) error { return ns.Emit("message", args...) }

// To starts a broadcast to rooms; see Broadcast.To.
func (ns *Namespace) To(rooms ...string) Broadcast { return Broadcast{ns: ns}.To(rooms...) }

// In is To.
func (ns *Namespace) In(rooms ...string) Broadcast { return ns.To(rooms...) }

// Except starts a broadcast without the sockets of rooms; see Broadcast.Except.
func (ns *Namespace) Except(rooms ...string) Broadcast { return Broadcast{ns: ns}.Except(rooms...) }

// Volatile starts a broadcast that may be dropped; see Broadcast.Volatile.
func (ns *Namespace) Volatile() Broadcast { return Broadcast{ns: ns}.Volatile() }

// Compress starts a broadcast; see Broadcast.Compress.
func (ns *Namespace) Compress(compress bool) Broadcast { return Broadcast{ns: ns}.Compress(compress) }

// clip cuts a peer's text for a message or a log.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128] + "..."
	}
	return s
}
