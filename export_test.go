// SPDX-License-Identifier: MIT

// This file exports internals for the tests of this package.

package socketio

import (
	"time"

	"socketio/adapter"
	"socketio/engineio"
)

// EngineConn returns the connection of a socket with all its methods.
func EngineConn(s *Socket) *engineio.Conn { return s.conn.eio }

// NewID returns a new id of a socket.
func NewID() string { return newID() }

// Awaited returns how many acknowledgements are awaited from a socket, and on its
// connection.
func Awaited(s *Socket) (socket, conn int) {
	return rareOf(s).acks.Len(), s.conn.awaited.Len()
}

// Overdue counts n more sockets whose middlewares ignore that their contexts have ended. It
// returns how many there are, and how many are too many.
func Overdue(s *Server, n int64) (now, limit int64) {
	s.overdue.count(n)
	return s.overdue.n.Load(), maxOverdue
}

// Registered counts the namespaces of a server, those that are being made, and those
// that go when they are empty.
func Registered(s *Server) (all, making, dynamic int) {
	return s.registry.Counts()
}

// Waiting returns how many events wait for handlers of all sockets of the connection.
func (s *Socket) Waiting() int { return int(s.conn.inboxItems.Load()) }

// Idle reports whether no handler runs, and no worker has anything to do.
func Idle(s *Server) bool { return s.workers.Busy() == 0 }

// Kept counts what a socket keeps for handlers, its own and those of its namespace.
func Kept(s *Socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.on.events.Now().Len()
	if rare := s.on.rare.Load(); rare != nil && rare.kept != nil {
		n += len(rare.kept.fired) + len(rare.kept.lanes)
	}
	return n
}

// LogOf returns the log of a namespace.
func LogOf(ns *Namespace) adapter.Log { return ns.keeper.(*journal).events }

// SaveChanges saves what has changed of the session of a socket, if something has.
func SaveChanges(s *Socket) { s.ns.keeper.(*journal).saveChanges(s) }

// Unhurried makes each CONNECT to a server wait for those before it for an hour, however
// slow the machine is. It is called before the first client comes.
func Unhurried(s *Server) { s.waits = joinLimits{time.Hour, time.Hour, time.Hour} }

// PassOver ends the time for which others wait for a socket that is joining.
func PassOver(s *Socket) {
	s.mu.Lock()
	a := s.joining
	s.mu.Unlock()
	s.conn.mayWait(a, 0)
}

// SendAlone sends an encoded packet as the last step of Emit does, without those before it.
func SendAlone(s *Socket, packet string) error {
	if err := s.conn.eio.Enqueue(engineio.TextMessage(packet)); err != nil {
		return err
	}
	s.conn.eio.Write()
	return nil
}

// HoldBursts lets only workers write what bursts hold back, as if the goroutine that does it
// earlier did not get to run.
func HoldBursts(s *Server) {
	s.bursts.mu.Lock()
	defer s.bursts.mu.Unlock()
	s.bursts.coming = true
}

// HeldBytes returns how many bytes of bursts wait to be written.
func HeldBytes(s *Server) int {
	s.bursts.mu.Lock()
	defer s.bursts.mu.Unlock()
	return s.bursts.bytes
}

// Bursting returns how many workers are in a burst.
func Bursting(s *Server) int { return int(s.bursts.running.Load()) }
