// SPDX-License-Identifier: MIT

// This file holds the sockets of a connection: one slot for each namespace that its client
// has asked for. The state machine of a slot is in internal/slots.

package socketio

import (
	"fmt"
	"slices"
)

// authTooLargeLocked says what is wrong with an auth of n bytes, which is kept for the
// life of its socket; "" if nothing is.
func (c *conn) authTooLargeLocked(n int) string {
	o := &c.server.opts
	if n > o.MaxAuthBytes {
		return fmt.Sprintf("auth too large: %d bytes, at most %d", n, o.MaxAuthBytes)
	}
	if n == 0 {
		return ""
	}
	for s := range c.slots.Members() {
		n += len(s.auth)
	}
	for s := range c.slots.Leavers() {
		n += len(s.auth)
	}
	for sr := range c.slots.Searchers() {
		n += len(sr.auth)
	}
	if n > o.MaxConnAuthBytes {
		return fmt.Sprintf("auth too large: %d bytes with that of the client's other namespaces, at most %d", n, o.MaxConnAuthBytes)
	}
	return ""
}

// addSocketLocked begins the life of a socket.
func (c *conn) addSocketLocked(ns *Namespace, auth []byte, a *admission) *Socket {
	s := newSocket(ns, c, auth)
	s.joining, a.socket = a, s
	c.slots.Join(ns.name, s)
	c.work++
	return s
}

// mayStartLocked reports whether the worker of a new socket may start. A socket of a legacy
// client that joins again has the id of the one before, which must have run its last
// handler and left its rooms.
func (c *conn) mayStartLocked(s *Socket) bool {
	if !c.legacy() || c.slots.Quiet(s.ns.name) {
		return true
	}
	member, _ := c.slots.Member(s.ns.name)
	return member != s // it has left already: it will not join
}

// socketJoined stops the clock that runs until the first namespace is joined, and puts
// the socket behind those that joined before: that is the order in which they end.
func (c *conn) socketJoined(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots.Connect(s.ns.name, s)
	if !c.joined && !c.pending {
		c.eio.SetTimer(0)
	}
	if !c.joined {
		c.joined = true
		c.eio.Established()
	}
}

// forget takes a socket off the connection. late tells that the client may not
// know yet and still send packets for it. Until settled is called, what waits in
// its inbox counts: leaving and joining again is no way around the bound.
func (c *conn) forget(s *Socket, late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	remembered := 0
	if late {
		// A client that knows can't be told from one that does not, so names stay until
		// there are too many: the oldest are of long ago.
		remembered = 2 * c.server.opts.MaxNamespaces
	}
	c.slots.Leave(s.ns.name, s, remembered)
}

// settled tells that no handler of a departed socket will run any more.
func (c *conn) settled(s *Socket) {
	c.mu.Lock()
	c.slots.Done(s.ns.name, s)
	c.doneLocked()
	paused, held := c.paused.Load(), len(c.starting) > 0
	c.mu.Unlock()
	if paused {
		c.checkInboxes()
	}
	if held && c.legacy() {
		c.HandleReadEnd()
	}
}

// doneLocked tells that of one socket, or search, nothing runs any more. Until then a
// connection that has ended counts as one.
func (c *conn) doneLocked() {
	if c.work--; c.work == 0 && c.closed {
		c.eio.Settled()
	}
}

// allSockets returns the sockets of the connection: those that have joined in the order
// in which they did.
func (c *conn) allSockets() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(c.slots.Members())
}
