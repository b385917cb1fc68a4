// SPDX-License-Identifier: MIT

// This file holds Broadcast: a selection of sockets, and how events are sent to them.

package socketio

import (
	"context"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/internal/durations"
)

// A Broadcast selects sockets and how events are sent to them. It is a value: each method
// returns a modified copy, so a Broadcast can be stored and used again from any
// goroutine.
//
//	io.To("a", "b").Except("c").Volatile().Emit("headline", h)
//
// Server, Namespace and ParentNamespace have the same methods, for all sockets of the
// namespace "/", of the namespace, or of all children.
type Broadcast struct{ audience }

// defaultTimeout is how long the answers of several sockets are awaited if there is no
// deadline.
const defaultTimeout = 20 * time.Second

// To adds rooms. A socket that is in several of them receives the event once. Each socket
// is in a room named by its id until it leaves that room. Without To, the event is sent
// to the whole namespace. To() without arguments selects no sockets unless other rooms
// are added.
func (b audience) To(rooms ...string) Broadcast {
	b.target.Rooms = append(slices.Grow(slices.Clip(b.target.Rooms), len(rooms)), rooms...)
	if b.target.Rooms == nil {
		b.target.Rooms = []string{}
	}
	return Broadcast{b}
}

// In is the same as To.
func (b audience) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except excludes the sockets in rooms, even those selected by To.
func (b audience) Except(rooms ...string) Broadcast {
	b.target.Except = append(slices.Clip(b.target.Except), rooms...)
	return Broadcast{b}
}

// Local selects only sockets that are connected to this server of a cluster. It has no
// effect on a single server.
func (b audience) Local() Broadcast {
	b.target.Local = true
	return Broadcast{b}
}

// Volatile drops the event for a client that can't receive it immediately: something else
// is waiting to be sent to it or, on polling, no request of the client is pending.
func (b audience) Volatile() Broadcast {
	b.flags.Volatile = true
	return Broadcast{b}
}

// Compress sets whether the event may be compressed if Options.Engine.PerMessageDeflate
// or HTTPCompression is enabled. The default is true. A polling response is compressed as
// a whole if any of its events may be.
func (b audience) Compress(compress bool) Broadcast {
	b.flags.Uncompressed = !compress
	return Broadcast{b}
}

// Timeout limits how long EmitWithAck, Ask and FetchSockets wait. An earlier deadline of
// their context takes precedence. Without either they wait 20 s. Timeout panics if d is
// not positive, or looks like a number without a unit, such as 5000 for 5*time.Second.
func (b audience) Timeout(d time.Duration) Broadcast {
	checkTimeout(d)
	b.timeout = d
	return Broadcast{b}
}

// Overflow sets what happens to the event when a client's send queue is full. The default
// is Options.Overflow. It also applies on other servers of a cluster.
func (b audience) Overflow(o Overflow) Broadcast {
	b.flags.Overflow = adapter.OverflowPolicy(o) + 1
	return Broadcast{b}
}

// Conflate marks the event as the latest value of a key, such as a price or a position:
// earlier events with the same key that are still waiting to be sent to a client are
// dropped, whatever their names. The new event is added to the end of the queue. Keys
// belong to a namespace. An empty key disables Conflate. It also applies on other servers
// of a cluster. A client that accepts no data for Options.Engine.WriteTimeout is still
// disconnected.
func (b audience) Conflate(key string) Broadcast {
	b.flags.Conflate = key
	return Broadcast{b}
}

// deadline returns a context with the deadline for the answers of several sockets.
func (b *audience) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if b.timeout > 0 {
		return context.WithTimeout(ctx, b.timeout)
	}
	return withDefaultDeadline(ctx)
}

func withDefaultDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultTimeout)
}

// Emit encodes the event and its arguments once and sends it to the sockets that are
// selected at one instant during the call. A []byte, at any depth, is sent as binary; all
// else is encoded as by encoding/json. Emit does not wait for clients: when it returns,
// the event is in the queue of each, and the arguments may be changed. It returns an
// error if the event can't be sent at all (ErrClosed after Server.Close,
// ErrReservedEvent, or an error from encoding an argument, such as ErrTooManyAttachments,
// which is also logged) or if other servers of a cluster could not be reached; with
// Options.Recovery also ErrNotStored or ErrTooManyWaiting, see Recovery. If the queue of a
// client is full, Overflow applies to that client; the others are unaffected.
func (b audience) Emit(event string, args ...any) error {
	if b.server().closed.Load() {
		return ErrClosed
	}
	if b.family == nil {
		return b.emit(b.ns, event, args)
	}
	first := checkEvent(event) // even if there is no child yet
	for _, ns := range b.namespaces() {
		if err := b.emit(ns, event, args); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// EmitAt is Emit, and returns the position of the event: the text that clients see as its
// last argument. An application that stores the effect of an event together with the
// position can tell later which events a stored state contains; see Socket.JoinAt. The
// position is "" without Options.Recovery, for a volatile event, after an error, and for a
// ParentNamespace, whose children have positions of their own.
func (b audience) EmitAt(event string, args ...any) (position string, err error) {
	if b.family != nil || b.ns.keeper == nil {
		return "", b.Emit(event, args...)
	}
	if b.ns.server.closed.Load() {
		return "", ErrClosed
	}
	number, err := b.ns.keeper.emitAt(b.flags, b.target, event, slices.Clone(args))
	if number == 0 {
		return "", err
	}
	return b.ns.keeper.position(number), err
}

// namespaces returns the namespaces of the selected sockets: one, or the current children
// of a parent.
func (b *audience) namespaces() []*Namespace {
	if b.family != nil {
		return b.family.Children()
	}
	return []*Namespace{b.ns}
}

// each calls do for each namespace and returns the first error.
func (b *audience) each(do func(adapter.Adapter) error) (first error) {
	for _, ns := range b.namespaces() {
		if err := do(ns.adapter); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Send emits the event "message".
func (b audience) Send(args ...any) error { return b.Emit("message", args...) }

// SocketsJoin adds the selected sockets to rooms. Sockets of this server have joined when
// it returns, those of other servers join soon. It returns ErrRoomName or ErrSocketRoom,
// in which case no socket has joined; ErrTooManyRooms, or ErrSocketRoom for an id that a
// socket has just got, if a socket of this server can't join, though the others have; or
// the error of an adapter that could not reach other servers.
func (b audience) SocketsJoin(rooms ...string) error {
	if err := checkRoomNames(rooms); err != nil {
		return err
	}
	server := b.server()
	if err := server.checkReserved(rooms, ""); err != nil {
		return err
	}
	return b.each(func(a adapter.Adapter) error { return a.SocketsJoin(b.target, rooms) })
}

// SocketsLeave removes the selected sockets from rooms. Sockets of this server have left
// when it returns, those of other servers leave soon. It returns the error of an adapter
// that could not reach other servers.
func (b audience) SocketsLeave(rooms ...string) error {
	return b.each(func(a adapter.Adapter) error { return a.SocketsLeave(b.target, rooms) })
}

// DisconnectSockets disconnects the selected sockets from the namespace; see
// Socket.Disconnect. Events emitted before are sent first. It returns the error of an
// adapter that could not reach other servers.
func (b audience) DisconnectSockets() error {
	return b.each(func(a adapter.Adapter) error { return a.DisconnectSockets(b.target, false) })
}

// CloseConns closes the connections of the selected sockets, with all their namespaces;
// see Socket.CloseConn. Otherwise it is like DisconnectSockets.
func (b audience) CloseConns() error {
	return b.each(func(a adapter.Adapter) error { return a.DisconnectSockets(b.target, true) })
}

// checkTimeout panics if d can't be a timeout.
func checkTimeout(d time.Duration) {
	if d <= 0 {
		panic("socketio: Timeout: not a positive duration: " + d.String())
	}
	if d >= 10 { // a few nanoseconds mean at once, not milliseconds
		durations.Check("socketio: Timeout", d, time.Millisecond)
	}
}

// server returns the server of the namespaces. namespaceName returns the name of the
// namespace, or "" for a parent.
func (b *audience) server() *Server {
	if b.family != nil {
		return b.family.Server()
	}
	return b.ns.server
}

func (b *audience) namespaceName() string {
	if b.family != nil {
		return ""
	}
	return b.ns.name
}
