// SPDX-License-Identifier: MIT

// This file holds Broadcast: which sockets something goes to, and how.

package socketio

import (
	"context"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/internal/durations"
)

// A Broadcast is a choice of sockets and of how to send to them. It is a value: each
// method returns a changed copy, so a Broadcast can be stored and used again from any
// goroutine.
//
//	io.To("a", "b").Except("c").Volatile().Emit("headline", h)
//
// A Server, a Namespace and a ParentNamespace have the same methods: for all sockets of
// the namespace "/", of the namespace, or of all children.
type Broadcast struct{ audience }

// defaultTimeout is how long the answers of several sockets are awaited if there is no
// deadline.
const defaultTimeout = 20 * time.Second

// To adds rooms. A socket that is in any of them gets the event once. The id of a socket
// is a room with that socket in it, until the socket leaves it. Unless To names rooms, the
// event goes to the whole namespace. To() without arguments selects no sockets at all,
// unless other rooms are added.
func (b audience) To(rooms ...string) Broadcast {
	b.target.Rooms = append(slices.Grow(slices.Clip(b.target.Rooms), len(rooms)), rooms...)
	if b.target.Rooms == nil {
		b.target.Rooms = []string{}
	}
	return Broadcast{b}
}

// In is To.
func (b audience) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except leaves out the sockets of rooms, whatever To selects.
func (b audience) Except(rooms ...string) Broadcast {
	b.target.Except = append(slices.Clip(b.target.Except), rooms...)
	return Broadcast{b}
}

// Local selects only sockets that are connected to this server, where servers form a
// cluster. It has no effect on a single server.
func (b audience) Local() Broadcast {
	b.target.Local = true
	return Broadcast{b}
}

// Volatile drops the event for a client that can't take it at this moment: something
// else is waiting to be sent to it or, on polling, no request of the client is pending.
func (b audience) Volatile() Broadcast {
	b.flags.Volatile = true
	return Broadcast{b}
}

// Compress says whether the event may be compressed, where Options.Engine.PerMessageDeflate or
// HTTPCompression enables that. The default is true. A polling response with another
// event that may be compressed is compressed as a whole.
func (b audience) Compress(compress bool) Broadcast {
	b.flags.Uncompressed = !compress
	return Broadcast{b}
}

// Timeout limits how long EmitWithAck, Ask and FetchSockets wait. If their context has an
// earlier deadline, that holds. Without either they wait 20 s. It panics if d is not
// positive, or looks like a number without a unit: 5000 for 5*time.Second.
func (b audience) Timeout(d time.Duration) Broadcast {
	checkTimeout(d)
	b.timeout = d
	return Broadcast{b}
}

// Overflow sets what happens to the event when a client's send queue is full. Without it
// Options.Overflow holds. It holds on other servers of a cluster too.
func (b audience) Overflow(o Overflow) Broadcast {
	b.flags.Overflow = adapter.OverflowPolicy(o) + 1
	return Broadcast{b}
}

// Conflate marks the event as one value of many under a key, such as a price or a
// position: an earlier one with the same key that is still waiting to be sent to a client
// is dropped, whatever its event. The new one goes to the end of the queue, so it
// overtakes nothing. Keys belong to a namespace. An empty key means none. It holds on
// other servers of a cluster too. A client that takes no byte for Options.Engine.WriteTimeout is
// disconnected all the same.
func (b audience) Conflate(key string) Broadcast {
	b.flags.Conflate = key
	return Broadcast{b}
}

// deadline returns a context with the deadline of waiting for several sockets.
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

// Emit sends the event with its arguments, encoded once, to the sockets that are selected
// at one instant during the call. A []byte, at any depth, is sent as binary, everything
// else as encoding/json writes it. Emit does not wait for clients: when it returns, the
// event is in the queue of each, and the arguments may be changed. It returns an error if
// the event can't be sent at all: ErrClosed after Server.Close, ErrReservedEvent, or an
// argument that can't be encoded, which is logged too; or that of a cluster whose other
// servers could not be reached. For a client whose queue is full Overflow holds; the
// others are not affected.
func (b audience) Emit(event string, args ...any) error {
	if b.server().closed.Load() {
		return ErrClosed
	}
	if b.family == nil {
		return b.emit(b.ns, event, args)
	}
	first := checkEvent(event) // also when there is no child yet
	for _, ns := range b.namespaces() {
		if err := b.emit(ns, event, args); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// namespaces are those whose sockets are chosen from: one, or the children of a
// parent at this instant.
func (b *audience) namespaces() []*Namespace {
	if b.family != nil {
		return b.family.Children()
	}
	return []*Namespace{b.ns}
}

// each does something in each namespace and returns the first error.
func (b *audience) each(do func(adapter.Adapter) error) (first error) {
	for _, ns := range b.namespaces() {
		if err := do(ns.adapter); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Send is Emit of the event "message".
func (b audience) Send(args ...any) error { return b.Emit("message", args...) }

// SocketsJoin puts the chosen sockets into rooms. Those of this server are in
// when it returns; on others it happens soon. Errors: ErrRoomName and ErrSocketRoom,
// then nothing was done; ErrTooManyRooms for a socket of this server, then the others joined
// all the same; and what an adapter says that could not reach other servers.
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

// SocketsLeave takes the chosen sockets out of rooms. Those of this server are out
// when it returns; on others it happens soon. The error is what an adapter says
// that could not reach other servers.
func (b audience) SocketsLeave(rooms ...string) error {
	return b.each(func(a adapter.Adapter) error { return a.SocketsLeave(b.target, rooms) })
}

// DisconnectSockets makes the chosen sockets leave the namespace; see Socket.Disconnect.
// Events emitted before are sent first. The error is that of an adapter that could not
// reach other servers.
func (b audience) DisconnectSockets() error {
	return b.each(func(a adapter.Adapter) error { return a.DisconnectSockets(b.target, false) })
}

// CloseConns closes the connections of the chosen sockets, with all their namespaces; see
// Socket.CloseConn. Otherwise it is like DisconnectSockets.
func (b audience) CloseConns() error {
	return b.each(func(a adapter.Adapter) error { return a.DisconnectSockets(b.target, true) })
}

// checkTimeout panics if d can't be a timeout.
func checkTimeout(d time.Duration) {
	if d <= 0 {
		panic("socketio: Timeout: not a positive duration: " + d.String())
	}
	if d >= 10 { // a nanosecond is at once, and nobody's milliseconds
		durations.Check("socketio: Timeout", d, time.Millisecond)
	}
}

// server is the server of the chosen namespaces; namespaceName is the name of the one,
// "" for those of a parent.
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
