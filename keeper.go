// SPDX-License-Identifier: MIT

// This file holds keeper, which keeps the sessions of sockets whose clients may return.

package socketio

import "context"

// A session is what is kept of a socket.
type session struct {
	ID    string
	Rooms []string
	Data  []byte // a JSON object
}

// A keeper keeps the sessions of sockets, for clients that return over another
// connection. A server without recovery has none. It is called without locks.
type keeper interface {
	// Restore returns the session of the client that asks to join a namespace with auth.
	// It is called by the goroutine of the socket's handlers, before the middlewares, and
	// may block; ctx is that of the connection. Each session is returned once.
	Restore(ctx context.Context, namespace string, auth []byte) (s session, ok bool)
	// Changed is called when a socket has joined its namespace, and after each change of
	// its rooms or data, by the goroutine that makes the change. now returns the session
	// as it is then: a keeper that calls it under its own lock saves the states in order.
	Changed(namespace, id string, now func() session)
	// Ended is called when a socket has ended, between the handlers of OnDisconnecting
	// and those of OnDisconnect. last has its rooms and data.
	Ended(namespace, id string, reason DisconnectReason, last session)
}
