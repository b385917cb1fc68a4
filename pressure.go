// SPDX-License-Identifier: MIT

// This file holds what an application can do about clients that do not keep up: what
// becomes of an event that finds a queue full, and how long a queue is.

package socketio

import (
	"context"
	"errors"

	"socketio/engineio"
)

// An Overflow says what becomes of an event for which the outbound queue of a client
// has no room; see Options.MaxQueueBytes, Options.Overflow and Broadcast.Overflow.
type Overflow = engineio.Overflow

const (
	// OverflowClose takes the event all the same. The client's connection closes with
	// ErrSlowConsumer if its queue stays over the bound for 10 s, or reaches 16 times the
	// bound. It is the default: what a client receives has no holes.
	OverflowClose = engineio.OverflowClose
	// OverflowFail does not take the event: Socket.Emit, and Emit of what Socket
	// methods return, give ErrQueueFull. A broadcast to others does not tell.
	OverflowFail = engineio.OverflowFail
	// OverflowDropNewest drops the event.
	OverflowDropNewest = engineio.OverflowDropNewest
	// OverflowDropOldest drops the oldest waiting events that are OverflowDropOldest
	// too, until there is room; without enough of them the event itself.
	OverflowDropOldest = engineio.OverflowDropOldest
)

// Overflow says what becomes of the event for a client whose outbound queue is full.
// Without it Options.Overflow holds. Other servers of a cluster are told.
func (b Broadcast) Overflow(o Overflow) Broadcast {
	b.flags.Overflow = 1 + uint8(o)
	return b
}

// Conflate marks the event as one value of many under a key, such as a price or a
// position: where an earlier one with the same key still waits to be sent to a client,
// it is dropped, whatever its event. The new one goes to the end of the queue, so it
// overtakes nothing. Keys are those of a namespace. An empty key is none. Other servers
// of a cluster are told. A client that takes no byte for Options.WriteTimeout is
// disconnected all the same.
func (b Broadcast) Conflate(key string) Broadcast {
	b.flags.Conflate = key
	return b
}

// Overflow chooses for the event that follows what becomes of it if this socket's
// queue is full; see Broadcast.Overflow.
func (s *Socket) Overflow(o Overflow) Broadcast { return s.alone().Overflow(o) }

// Conflate marks the event that follows as one value of many under a key; see
// Broadcast.Conflate.
func (s *Socket) Conflate(key string) Broadcast { return s.alone().Conflate(key) }

// Buffered returns how many packets and bytes wait to be sent to the client. They are
// those of its connection, whatever namespaces it has joined.
func (s *Socket) Buffered() (packets, bytes int) { return s.conn.eio.Buffered() }

// WaitDrained waits until nothing waits to be sent to the client, or the error of ctx, or
// ErrClosed when the connection closes. A loop that produces faster than a client
// takes calls it now and then:
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

// Overflow starts a broadcast; see Broadcast.Overflow.
func (ns *Namespace) Overflow(o Overflow) Broadcast { return ns.all().Overflow(o) }

// Conflate starts a broadcast; see Broadcast.Conflate.
func (ns *Namespace) Conflate(key string) Broadcast { return ns.all().Conflate(key) }

// Overflow starts a broadcast to the namespace "/"; see Broadcast.Overflow.
func (s *Server) Overflow(o Overflow) Broadcast { return s.root.all().Overflow(o) }

// Conflate starts a broadcast to the namespace "/"; see Broadcast.Conflate.
func (s *Server) Conflate(key string) Broadcast { return s.root.all().Conflate(key) }

// Overflow starts a broadcast to all children; see Broadcast.Overflow.
func (p *ParentNamespace) Overflow(o Overflow) Broadcast { return p.all().Overflow(o) }

// Conflate starts a broadcast to all children; see Broadcast.Conflate.
func (p *ParentNamespace) Conflate(key string) Broadcast { return p.all().Conflate(key) }
