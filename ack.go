// SPDX-License-Identifier: MIT

// This file holds the acknowledgements that are awaited from the client of a socket, on
// top of package ack. Who waits for them is in ask.go and broadcast_ack.go.

package socketio

import (
	"bytes"

	"socketio/internal/ack"
	"socketio/parser"
)

// An ackTable holds the acknowledgements awaited from one socket.
type ackTable = ack.Table[*Socket, Args]

// An ackWaiter waits for acknowledgements. Its methods may be called with a Socket.mu or
// a conn.mu held.
type ackWaiter = ack.Waiter[*Socket, Args]

// await registers a wait. While there are any on a connection, it is read beyond the
// bound of its inboxes.
func (s *Socket) await(id int64, w ackWaiter) error {
	changed, ok := s.acks.Await(&s.conn.awaited, id, w, s.ns.server.opts.MaxPendingAcks)
	if !ok {
		return ErrTooManyPendingAcks
	}
	if changed {
		s.conn.checkInboxes()
	}
	return nil
}

// giveUp removes a wait whose answer is not wanted any longer. It reports whether the
// wait was there.
func (s *Socket) giveUp(id int64) (taken bool) {
	taken, changed := s.acks.GiveUp(&s.conn.awaited, id)
	if changed {
		s.conn.checkInboxes()
	}
	return taken
}

// failAcks ends all waits with err. The caller may hold locks, and must call
// checkInboxes when it has released them.
func (s *Socket) failAcks(err error) { s.acks.Fail(&s.conn.awaited, s, err) }

// handleAck ends a wait. It does not go through the inbox: a handler may be
// waiting for it. An id that nobody awaits is ignored; handleAck reports false for
// one that nobody gave out.
func (s *Socket) handleAck(p parser.Packet) (asked bool) {
	w, asked, changed := s.acks.Take(&s.conn.awaited, p.ID)
	if w == nil {
		return asked
	}
	data := p.Data
	if !p.Type.Binary() {
		data = bytes.Clone(data)
	}
	args := Args{codec: s.ns.server.format.Codec(), attachments: p.Attachments}
	args.raw = args.codec.SplitArray(nil, data)
	w.Answered(s, args)
	if changed {
		s.conn.checkInboxes()
	}
	return true
}
