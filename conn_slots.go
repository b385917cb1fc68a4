// SPDX-License-Identifier: MIT

// This file holds the sockets of a connection: one slot for each namespace that its client
// has asked for. The state machine of a slot is in internal/slots.

package socketio

import (
	"fmt"
	"slices"
)

// authTooLargeLocked returns the message that rejects an auth of n bytes, or "" if it is
// accepted. An auth is kept for the life of its socket.
func (c *conn) authTooLargeLocked(n int) string {
	o := &c.server.opts
	if n > o.MaxAuthBytes {
		return fmt.Sprintf("auth too large: %d bytes, at most %d", n, o.MaxAuthBytes)
	}
	if n == 0 {
		return ""
	}
	for s := range c.slots.Members() {
		n += len(authOf(s))
	}
	for s := range c.slots.Leavers() {
		n += len(authOf(s))
	}
	for sr := range c.slots.Searchers() {
		n += len(sr.auth)
	}
	if n > o.MaxConnAuthBytes {
		return fmt.Sprintf("auth too large: %d bytes with that of the client's other namespaces, at most %d", n, o.MaxConnAuthBytes)
	}
	return ""
}

// addSocketLocked creates a socket and its slot.
func (c *conn) addSocketLocked(ns *Namespace, auth []byte, a *admission) *Socket {
	s := newSocket(ns, c, auth)
	s.joining, a.socket = a, s
	c.slots.Join(ns.name, s)
	c.work++
	return s
}

// mayStartLocked reports whether the worker of a new socket may start. A socket of a
// legacy client that joins again has the id of its predecessor, which must first have run
// its last handler and left its rooms.
func (c *conn) mayStartLocked(s *Socket) bool {
	if !c.legacy() || c.slots.Quiet(s.ns.name) {
		return true
	}
	member, _ := c.slots.Member(s.ns.name)
	return member != s // it has already left, so it will not join
}

// socketJoined stops the timer that runs until the first namespace is joined. It orders
// the sockets by when they joined, which is the order in which they end.
func (c *conn) socketJoined(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots.Connect(s.ns.name, s)
	if c.joined.Swap(true) {
		return
	}
	if !c.pending {
		c.eio.SetTimer(0)
	}
	c.eio.Established()
}

// forget removes a socket from the connection. late means that the client may not know
// yet and may still send packets for it. Until settled is called, the items in its inbox
// count, so that a client can't evade the bound by leaving and joining again.
func (c *conn) forget(s *Socket, late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	remembered := 0
	if late {
		// The server can't see whether a client knows, so names are kept until there are
		// too many; then the oldest are dropped.
		remembered = 2 * c.server.opts.MaxNamespaces
	}
	c.slots.Leave(s.ns.name, s, remembered)
}

// settled records that the last handler of a departed socket has run.
func (c *conn) settled(s *Socket) {
	c.mu.Lock()
	c.slots.Done(s.ns.name, s)
	c.doneLocked()
	paused, held := c.paused.Load(), c.heldLocked()
	c.mu.Unlock()
	if paused {
		c.checkInboxes()
	}
	if held && c.legacy() {
		c.HandleReadEnd()
	}
}

// doneLocked records that a socket or a search has ended completely. A closed connection
// counts as one until all of them have.
func (c *conn) doneLocked() {
	if c.work--; c.work == 0 && c.closed {
		c.eio.Settled()
	}
}

// allSockets returns the sockets of the connection, in the order in which they joined.
func (c *conn) allSockets() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(c.slots.Members())
}
