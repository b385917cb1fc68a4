// SPDX-License-Identifier: MIT

// This file holds events to one socket: methods of Socket, and Unicast.

package socketio

import (
	"context"
	"errors"
	"time"

	"socketio/adapter"
	"socketio/engineio"
)

// A Unicast sends events to one socket with modifiers. Socket.Volatile and similar
// methods return one. It is a value: each method returns a modified copy, which can be
// stored and used again from any goroutine.
//
//	s.Volatile().Emit("position", x, y)
//	answer, err := s.Compress(false).EmitWithAck(ctx, "image", data)
//
// To, In, Except and Local select other sockets of the namespace instead, without this
// one.
type Unicast struct {
	socket  *Socket
	flags   adapter.Flags
	timeout time.Duration // 0: none
}

// Volatile drops the event if the client can't receive it immediately; see
// Broadcast.Volatile.
func (u Unicast) Volatile() Unicast {
	u.flags.Volatile = true
	return u
}

// Compress sets whether the event may be compressed; see Broadcast.Compress.
func (u Unicast) Compress(compress bool) Unicast {
	u.flags.Uncompressed = !compress
	return u
}

// Overflow sets what happens to the event if the client's send queue is full; see
// Broadcast.Overflow.
func (u Unicast) Overflow(o Overflow) Unicast {
	u.flags.Overflow = adapter.OverflowPolicy(o) + 1
	return u
}

// Conflate marks the event as the latest value of a key; see Broadcast.Conflate.
func (u Unicast) Conflate(key string) Unicast {
	u.flags.Conflate = key
	return u
}

// Timeout limits how long EmitWithAck and Ask wait; see Broadcast.Timeout.
func (u Unicast) Timeout(d time.Duration) Unicast {
	checkTimeout(d)
	u.timeout = d
	return u
}

// Emit sends an event; see Socket.Emit.
func (u Unicast) Emit(event string, args ...any) error { return u.socket.emit(&u.flags, event, args) }

// Send is Emit of the event "message".
func (u Unicast) Send(args ...any) error { return u.Emit("message", args...) }

// EmitWithAck sends an event and waits for the client's acknowledgement; see
// Socket.EmitWithAck.
func (u Unicast) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	ctx, cancel := u.deadline(ctx)
	defer cancel()
	return u.socket.question(ctx, &u.flags, event, args).One()
}

// Ask sends an event without waiting for the client's acknowledgement; see Socket.Ask.
func (u Unicast) Ask(ctx context.Context, event string, args ...any) *Answers {
	ctx, cancel := u.deadline(ctx)
	return u.socket.question(ctx, &u.flags, event, args).detach(cancel)
}

func (u *Unicast) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if u.timeout > 0 {
		return context.WithTimeout(ctx, u.timeout)
	}
	return ctx, func() {}
}

// others selects the sockets of the namespace without this one, keeping the flags.
func (u *Unicast) others() audience {
	return audience{ns: u.socket.ns, target: adapter.Target{Sender: u.socket.ID()}, flags: u.flags, timeout: u.timeout}
}

// To selects the sockets in rooms, without this one; see Broadcast.To.
func (u Unicast) To(rooms ...string) Broadcast { return u.others().To(rooms...) }

// In is To.
func (u Unicast) In(rooms ...string) Broadcast { return u.To(rooms...) }

// Except selects the sockets that are not in rooms, without this one.
func (u Unicast) Except(rooms ...string) Broadcast { return u.others().Except(rooms...) }

// Local selects the sockets of this server, without this one; see Broadcast.Local.
func (u Unicast) Local() Broadcast { return u.others().Local() }

func (s *Socket) unicast() Unicast { return Unicast{socket: s} }

// Emit sends an event to this socket only. It does not wait: when it returns, the event
// is in the queue and the arguments may be changed. A []byte, at any depth, is sent as
// binary; all else is encoded as by encoding/json. It returns ErrClosed, ErrSlowConsumer,
// ErrQueueFull, ErrReservedEvent, or an error from encoding an argument, such as
// ErrTooManyAttachments, which is also passed to OnError. With Options.Recovery it may
// also return ErrNotStored or ErrTooManyWaiting; see Recovery.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(new(adapter.Flags), event, args)
}

// Send is Emit of the event "message".
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

// EmitWithAck sends an event, waits for the client's acknowledgement and returns its
// arguments. It returns the error of ctx; ErrClosed when the client disconnects;
// ErrInboxFull when handlers are so far behind that the acknowledgement can't be read;
// ErrDropped if the event was dropped by Volatile or Overflow; or an error of Emit. A
// handler may call it: acknowledgements are processed ahead of waiting events. Without a
// deadline it waits until the client disconnects.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return s.question(ctx, new(adapter.Flags), event, args).One()
}

// Ask is like EmitWithAck but returns at once: the event is in the queue when it returns,
// ahead of later events. The result waits for the acknowledgement until ctx ends.
func (s *Socket) Ask(ctx context.Context, event string, args ...any) *Answers {
	return s.question(ctx, new(adapter.Flags), event, args).detach(nil)
}

// Volatile drops the following event if the client can't receive it immediately; see
// Broadcast.Volatile.
func (s *Socket) Volatile() Unicast { return s.unicast().Volatile() }

// Compress sets whether the following event may be compressed; see Broadcast.Compress.
func (s *Socket) Compress(compress bool) Unicast { return s.unicast().Compress(compress) }

// Overflow sets what happens to the following event if this socket's send queue is full;
// see Broadcast.Overflow.
func (s *Socket) Overflow(o Overflow) Unicast { return s.unicast().Overflow(o) }

// Conflate marks the following event as the latest value of a key; see
// Broadcast.Conflate.
func (s *Socket) Conflate(key string) Unicast { return s.unicast().Conflate(key) }

// Broadcast starts a broadcast to the namespace without this socket.
func (s *Socket) Broadcast() Broadcast {
	return Broadcast{audience{ns: s.ns, target: adapter.Target{Sender: s.ID()}}}
}

// To starts a broadcast to rooms without this socket; see Broadcast.To.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except starts a broadcast without the sockets of rooms, and without this one.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Local starts a broadcast to the sockets of this server without this one; see
// Broadcast.Local.
func (s *Socket) Local() Broadcast { return s.Broadcast().Local() }

// Buffered returns the number of packets and bytes that are waiting to be sent to the
// client. They include those of the other namespaces on its connection.
func (s *Socket) Buffered() (packets, bytes int) { return s.conn.eio.Buffered() }

// WaitDrained waits until nothing is waiting to be sent to the client. It returns the
// error of ctx, or ErrClosed when the connection closes. Call it in loops that may
// produce faster than the client receives:
//
//	for rows.Next() {
//		if _, n := s.Buffered(); n > 1<<20 {
//			if err := s.WaitDrained(ctx); err != nil {
//				return err
//			}
//		}
//		s.Emit("row", row)
//	}
func (s *Socket) WaitDrained(ctx context.Context) error {
	err := s.conn.eio.WaitDrained(ctx)
	if errors.Is(err, engineio.ErrClosed) {
		return ErrClosed
	}
	return err
}
