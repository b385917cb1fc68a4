// SPDX-License-Identifier: MIT

// This file holds Broadcast: whom an event goes to, and how.

package socketio

import (
	"slices"

	"socketio/adapter"
)

// A Broadcast is a choice of sockets and of how to send to them. It is a value:
// each method returns a changed copy, so a Broadcast can be stored and used again
// from any goroutine.
//
//	io.To("a", "b").Except("c").Volatile().Emit("headline", h)
type Broadcast struct {
	ns       *Namespace
	target   adapter.Target
	volatile bool
	plain    bool // never compressed
}

// To adds rooms. A socket in any of them gets the event, once. A socket's id is
// a room with that socket in it, until the socket leaves it. Without any room
// named by To, the event goes to the whole namespace; To() without arguments
// names none but makes the choice: nobody, unless rooms are added.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.target.Rooms = append(slices.Grow(slices.Clip(b.target.Rooms), len(rooms)), rooms...)
	if b.target.Rooms == nil {
		b.target.Rooms = []string{}
	}
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except takes the sockets of rooms out, whatever To says.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.target.Except = append(slices.Clip(b.target.Except), rooms...)
	return b
}

// Volatile lets the event be dropped for a client that can't take it at this
// moment: something waits to be sent to it already or, on polling, it has no
// request open.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Compress says whether the event may be compressed on its way, where
// Options.PerMessageDeflate or HTTPCompression asks for that. It may, unless
// Compress(false) says otherwise. A polling response in which another event may be
// compressed is compressed as a whole.
func (b Broadcast) Compress(compress bool) Broadcast {
	b.plain = !compress
	return b
}

// Emit sends the event with its arguments, encoded once, to the sockets that are
// chosen at one instant inside the call. A []byte, at any depth, travels as
// binary; everything else as encoding/json would write it. Emit does not wait for
// any client: when it returns, the event is in the queue of each. It returns an
// error only if the event can't be sent at all: ErrReservedEvent, or an argument
// that can't be encoded. A client whose queue is full is disconnected; the others
// do not notice.
func (b Broadcast) Emit(event string, args ...any) error {
	m, err := b.ns.server.encodeEvent(b.ns.name, noAck, event, args)
	if err != nil {
		return err
	}
	if b.plain {
		m.Uncompressed()
	}
	n := b.ns.adapter.Broadcast(&adapter.Packet{Message: m, Volatile: b.volatile}, b.target)
	b.ns.tellOut(event, m, n)
	return nil
}

// Send is Emit of the event "message".
func (b Broadcast) Send(args ...any) error { return b.Emit("message", args...) }
