// SPDX-License-Identifier: MIT

// This file begins and gives up waits for acknowledgements of the client of a socket, on top
// of package ack. ask.go and broadcast_ack.go wait, handleAck in inbox.go takes the answers,
// late.go of package ack knows which of them are late.

package socketio

// await registers a wait. While a connection has waits, it is read beyond the bound of
// its inboxes.
func await(s *Socket, id int64, w ackWaiter) error {
	changed, ok := rareOf(s).acks.Await(&s.conn.awaited, id, w, s.ns.server.opts.MaxPendingAcks)
	if !ok {
		return ErrTooManyPendingAcks
	}
	if changed {
		s.conn.checkInboxes()
	}
	return nil
}

// giveUp removes a wait whose answer is no longer needed. It reports whether the wait was
// registered.
func giveUp(s *Socket, id int64) (taken bool) {
	taken, changed := rareOf(s).acks.GiveUp(&s.conn.awaited, id)
	if changed {
		s.conn.checkInboxes()
	}
	return taken
}
