// SPDX-License-Identifier: MIT

// This file holds Broadcast: which sockets something goes to, and how.

package socketio

import (
	"context"
	"fmt"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/durations"
)

// A Broadcast is a choice of sockets and of how to send to them. It is a value:
// each method returns a changed copy, so a Broadcast can be stored and used again
// from any goroutine.
//
//	io.To("a", "b").Except("c").Volatile().Emit("headline", h)
type Broadcast struct {
	ns      *Namespace
	parent  *ParentNamespace // instead of ns: all its children
	self    *Socket          // this one alone, until others are chosen
	target  adapter.Target
	flags   adapter.Flags
	timeout time.Duration // 0: the default
}

// defaultTimeout is how long answers of many are awaited without a deadline.
const defaultTimeout = 20 * time.Second

// To adds rooms. A socket in any of them gets the event, once. A socket's id is
// a room with that socket in it, until the socket leaves it. Without any room
// named by To, the event goes to the whole namespace; To() without arguments
// names none but makes the choice: nobody, unless rooms are added.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.choose()
	b.target.Rooms = append(slices.Grow(slices.Clip(b.target.Rooms), len(rooms)), rooms...)
	if b.target.Rooms == nil {
		b.target.Rooms = []string{}
	}
	return b
}

// choose turns from one socket to the others in its namespace.
func (b *Broadcast) choose() {
	if b.self != nil {
		b.target.Sender, b.self = b.self.id, nil
	}
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except takes the sockets of rooms out, whatever To says.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.choose()
	b.target.Except = append(slices.Clip(b.target.Except), rooms...)
	return b
}

// Local keeps to the sockets that are connected to this server, where an adapter
// joins several. It has no meaning for a single server.
func (b Broadcast) Local() Broadcast {
	b.choose()
	b.target.Local = true
	return b
}

// Volatile lets the event be dropped for a client that can't take it at this
// moment: something waits to be sent to it already or, on polling, it has no
// request open.
func (b Broadcast) Volatile() Broadcast {
	b.flags.Volatile = true
	return b
}

// Compress says whether the event may be compressed on its way, where
// Options.PerMessageDeflate or HTTPCompression asks for that. It may, unless
// Compress(false) says otherwise. A polling response in which another event may be
// compressed is compressed as a whole.
func (b Broadcast) Compress(compress bool) Broadcast {
	b.flags.Uncompressed = !compress
	return b
}

// Timeout bounds how long EmitWithAck and FetchSockets wait. A deadline of their
// context that is earlier counts. Without either they wait 20 s. It panics if d is
// not positive, and if it looks like a number without its unit: 5000 for 5*time.Second.
func (b Broadcast) Timeout(d time.Duration) Broadcast {
	if d <= 0 {
		panic("socketio: Timeout: not a positive duration: " + d.String())
	}
	if d >= 10 { // a nanosecond is at once, and nobody's milliseconds
		durations.Check("socketio: Timeout", d, time.Millisecond)
	}
	b.timeout = d
	return b
}

// deadline gives a context the deadline that every wait for many has.
func (b *Broadcast) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
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

// Emit sends the event with its arguments, encoded once, to the sockets that are
// chosen at one instant inside the call. A []byte, at any depth, travels as
// binary; everything else as encoding/json would write it. Emit does not wait for
// any client: when it returns, the event is in the queue of each, and the arguments may
// be changed. It returns an error if the event can't be sent at all: ErrClosed after
// Server.Close, ErrReservedEvent, or an argument that can't be encoded; and what an
// adapter says that could not reach other servers.
// For a client whose queue is full Overflow holds; the others do not notice.
func (b Broadcast) Emit(event string, args ...any) error {
	if b.self != nil {
		return b.self.emit(&b.flags, event, args)
	}
	if b.server().closed.Load() {
		return ErrClosed
	}
	if b.parent == nil {
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

func (b *Broadcast) emit(ns *Namespace, event string, args []any) error {
	m, err := b.encode(ns, noAck, event, args)
	if err != nil {
		return err
	}
	p := &adapter.Packet{Message: m, Flags: b.flags}
	ns.keep(p, event, args)
	n, err := ns.adapter.Broadcast(p, b.target)
	ns.tellOut(event, m, n)
	return err
}

// keep gives a packet its event and arguments, for other servers. The list of arguments
// escapes to the heap only if there may be some.
func (ns *Namespace) keep(p *adapter.Packet, event string, args []any) {
	if _, alone := ns.adapter.(*adapter.Memory); !alone {
		p.Event, p.Args = event, slices.Clone(args)
	}
}

// namespaces are those whose sockets are chosen from: one, or the children of a
// parent at this instant.
func (b *Broadcast) namespaces() []*Namespace {
	if b.parent != nil {
		return b.parent.Children()
	}
	return []*Namespace{b.ns}
}

// each does something in each namespace and returns the first error.
func (b *Broadcast) each(do func(adapter.Adapter) error) (first error) {
	for _, ns := range b.namespaces() {
		if err := do(ns.adapter); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// encode encodes an event for all who are chosen in a namespace.
func (b *Broadcast) encode(ns *Namespace, id int64, event string, args []any) (*engineio.Message, error) {
	m, err := ns.server.encodeEvent(ns.name, id, event, args)
	if err != nil {
		return nil, err
	}
	return ns.applyFlags(m, &b.flags), nil
}

// applyFlags gives a message of an event what was asked for.
func (ns *Namespace) applyFlags(m *engineio.Message, f *adapter.Flags) *engineio.Message {
	if f.Uncompressed {
		m.Uncompressed()
	}
	if f.Conflate != "" {
		m.Conflate(ns.name + "," + f.Conflate) // no name has a comma
	}
	if f.Overflow != 0 {
		return m.Overflow(Overflow(f.Overflow - 1))
	}
	return m.Overflow(ns.server.opts.Overflow)
}

// Send is Emit of the event "message".
func (b Broadcast) Send(args ...any) error { return b.Emit("message", args...) }

// SocketsJoin puts the chosen sockets into rooms. Those of this server are in
// when it returns; on others it happens soon. Errors: ErrRoomName and ErrSocketRoom,
// then nothing was done; ErrTooManyRooms for a socket of this server, then the others joined
// all the same; and what an adapter says that could not reach other servers.
func (b Broadcast) SocketsJoin(rooms ...string) error {
	if err := checkRoomNames(rooms); err != nil {
		return err
	}
	if b.self != nil {
		return b.self.Join(rooms...)
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
func (b Broadcast) SocketsLeave(rooms ...string) error {
	if b.self != nil {
		b.self.Leave(rooms...)
		return nil
	}
	return b.each(func(a adapter.Adapter) error { return a.SocketsLeave(b.target, rooms) })
}

// DisconnectSockets makes the chosen sockets leave the namespace; see Socket.Disconnect.
// Events emitted before are sent first. The error is that of an adapter that could not
// reach other servers.
func (b Broadcast) DisconnectSockets() error {
	if b.self != nil {
		b.self.Disconnect()
		return nil
	}
	return b.each(func(a adapter.Adapter) error { return a.DisconnectSockets(b.target, false) })
}

// CloseConns closes the connections of the chosen sockets, with all their namespaces; see
// Socket.CloseConn. Otherwise it is like DisconnectSockets.
func (b Broadcast) CloseConns() error {
	if b.self != nil {
		b.self.CloseConn()
		return nil
	}
	return b.each(func(a adapter.Adapter) error { return a.DisconnectSockets(b.target, true) })
}

func checkRoomNames(rooms []string) error {
	for _, name := range rooms {
		if len(name) > maxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrRoomName, len(name), maxRoomName)
		}
	}
	return nil
}
