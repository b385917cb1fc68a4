// SPDX-License-Identifier: MIT

// This file holds Namespace: its middlewares, its handlers, and its sockets by id.

package socketio

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"socketio/adapter"
	"socketio/internal/ack"
	"socketio/internal/registry"
	"socketio/internal/telemetry"
)

const maxNamespaceName = 255

// A Namespace is a communication channel that clients join by name, over a connection
// that may carry several. Each has its own sockets, rooms, middleware and handlers. All
// methods may be called from any goroutine.
type Namespace struct {
	// Immutable after newNamespace.
	server  *Server
	name    string
	adapter adapter.Adapter
	keeper  keeper // nil without recovery
	shared  bool   // other servers may have this namespace

	parent *hooks // of the parent; nil if it has none

	serverSide []*listener // guarded by mu; see OnServerSideEmit

	// Atomic; safe from anywhere.
	ackIDs ack.IDs

	hooks
	audience // all of its sockets

	entry *entry // immutable after owner.Make
}

// The registry of a server, and the place of a namespace in it.
type (
	spaces = registry.Registry[*Namespace, maker]
	entry  = registry.Entry[*Namespace, maker]
)

// An audience is a selection of sockets and the way to send to them. Its methods are
// those that Server, Namespace, ParentNamespace and Broadcast have in common.
type audience struct {
	ns      *Namespace
	family  family // instead of ns: all its children
	target  adapter.Target
	flags   adapter.Flags
	timeout time.Duration // 0: the default
}

// An adapterMaker makes the adapter of a namespace.
type adapterMaker interface {
	makeAdapter(ns *Namespace) adapter.Adapter
	// checkNamespace returns an error for a namespace that can't have one.
	checkNamespace(name string) error
}

// waitJoined waits until other servers know of the rooms of this one.
func (ns *Namespace) waitJoined(rooms []string) error {
	if w, ok := ns.adapter.(adapter.JoinWaiter); ok {
		return w.WaitJoined(rooms)
	}
	return nil
}

// A keeperMaker makes the keeper of a namespace, or returns nil.
type keeperMaker interface {
	makeKeeper(ns *Namespace) keeper
	// closeStore is called once, after all keepers were closed.
	closeStore(ctx context.Context)
}

// A family is the children of a parent, for events sent to all of them.
type family interface {
	Server() *Server
	Children() []*Namespace
}

// A maker makes namespaces for clients: a ParentNamespace.
type maker interface {
	// registered returns what applies to all namespaces that it makes.
	registered() *hooks
	// asks reports whether matches calls a function of the application.
	asks() bool
	// matches reports whether the maker makes a namespace of that name. The error is a
	// panic of the application.
	matches(name string, h func() Handshake) (yes bool, err error)
}

func newNamespace(s *Server, name string) *Namespace {
	ns := &Namespace{server: s, name: name}
	ns.audience = audience{ns: ns}
	if s.keepers != nil {
		ns.keeper = s.keepers.makeKeeper(ns) // before the adapter, which may deliver at once
	}
	ns.adapter = s.adapters.makeAdapter(ns)
	_, alone := ns.adapter.(*adapter.Memory)
	ns.shared = !alone
	return ns
}

// closeAdapter closes the adapter when the server ends or the namespace is removed.
func (ns *Namespace) closeAdapter() {
	ns.server.guard("Adapter.Close", func() {
		if err := ns.adapter.Close(); err != nil {
			ns.server.opts.Logger.Error("the adapter of a namespace did not close", "nsp", ns.name, "error", err)
		}
	})
	if ns.keeper != nil {
		ns.keeper.close()
	}
}

// namespaceName returns a name in the form it has on the wire.
func namespaceName(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	bad := len(name) > maxNamespaceName || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
		return r == ',' || r < 0x20 || r == 0x7f
	})
	if bad {
		panic("socketio: Of: no client can join a namespace named " + telemetry.Text(name) +
			": at most 255 bytes of UTF-8 without commas and control characters")
	}
	return name
}

// Name is the name of the namespace, with its leading slash.
func (ns *Namespace) Name() string { return ns.name }

// Server is the server of the namespace.
func (ns *Namespace) Server() *Server { return ns.server }

// Use adds a middleware. Middlewares run for each socket that asks to join, one after the
// other, before OnConnection. The first error rejects the socket: its client gets a
// connect_error event with the text of the error, or with the Message and Data of a
// *ConnectError. A middleware may join rooms and emit. It may take long; other sockets do
// not wait for it. It must not wait for an acknowledgement of its client, which answers
// nothing before it has joined. A middleware that panics rejects its socket with
// "internal error", one that takes longer than Options.Limits.MiddlewareTimeout with
// "timeout".
//
// ctx ends when the result is no longer needed or the middlewares have returned. Its
// cause is ErrMiddlewareTimeout after the time limit, ErrClosed when the client
// disconnects, and also ErrShutdown when the server is closed. Its values are those of
// Socket.Context. Pass ctx to all calls that block: while 4096 middlewares of a server
// run although their ctx has ended, further sockets of namespaces with middlewares are
// rejected with "server busy".
func (ns *Namespace) Use(fn func(ctx context.Context, s *Socket) error) {
	ns.use(fn)
}

// middlewareChain returns the middlewares that a socket must pass.
func (ns *Namespace) middlewareChain() []func(context.Context, *Socket) error {
	ns.mu.RLock()
	own := ns.middlewares
	ns.mu.RUnlock()
	if ns.parent == nil {
		return own
	}
	ns.parent.mu.RLock()
	defer ns.parent.mu.RUnlock()
	return slices.Concat(ns.parent.middlewares, own)
}

// connectionHandlers returns the functions of OnConnection, those of the parent first.
func (ns *Namespace) connectionHandlers() []*func(*Socket) {
	own := ns.connection.All()
	if ns.parent == nil {
		return own
	}
	return slices.Concat(ns.parent.connection.All(), own)
}

// errorHandlers returns the functions of OnError, those of the parent first.
func (ns *Namespace) errorHandlers() []*func(*Socket, *HandlerError) {
	own := ns.errors.All()
	if ns.parent == nil {
		return own
	}
	return slices.Concat(ns.parent.errors.All(), own)
}

// OnConnection calls fn for each socket that has joined, before any of its events are
// handled, so handlers that fn registers miss nothing. If fn blocks, only its own socket
// waits. Broadcasts already reach the socket, possibly ahead of what fn emits. To send a
// state and then its changes, hold one lock both around the change with its Emit and
// around the snapshot; Emit does not wait. remove unregisters fn.
func (ns *Namespace) OnConnection(fn func(*Socket)) (remove func()) {
	return ns.onConnection(fn)
}

// OnError calls fn for each event of a socket of the namespace whose handling failed: an
// argument did not decode, or a handler returned an error or panicked. fn is called by
// the goroutine that runs the socket's handlers or, for a listener of OnAnyOutgoing, by
// the one that sends. Without such a function errors go to Options.Logger.
func (ns *Namespace) OnError(fn func(*Socket, *HandlerError)) (remove func()) {
	return ns.onError(fn)
}

// Socket returns the socket with this id if it is in the namespace and connected to this
// server.
func (ns *Namespace) Socket(id string) (s *Socket, ok bool) {
	m, ok := ns.adapter.Member(id)
	if !ok {
		return nil, false
	}
	s = socketOf(m)
	if s.settledState() != stateConnected {
		return nil, false
	}
	return s, true
}

// Sockets returns the sockets of the namespace that are connected to this server, in no
// particular order. The caller owns the result.
func (ns *Namespace) Sockets() []*Socket {
	members := ns.adapter.Members(adapter.Target{})
	sockets := make([]*Socket, 0, len(members))
	for _, m := range members {
		if s := socketOf(m); s.settledState() == stateConnected {
			sockets = append(sockets, s)
		}
	}
	return sockets
}
