// SPDX-License-Identifier: MIT

// This file holds the acknowledgements that are awaited from the client of a socket, on
// top of package ack. Who waits for them is in ask.go and broadcast_ack.go.

package socketio

// await registers a wait. While there are any on a connection, it is read beyond the
// bound of its inboxes.
func await(s *Socket, id int64, w ackWaiter) error {
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
func giveUp(s *Socket, id int64) (taken bool) {
	taken, changed := s.acks.GiveUp(&s.conn.awaited, id)
	if changed {
		s.conn.checkInboxes()
	}
	return taken
}
