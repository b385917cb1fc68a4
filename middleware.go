// SPDX-License-Identifier: MIT

// This file holds the registration of middleware of a socket's events. How an event
// passes it is in internal/call.

package socketio

// Use adds a middleware for the events of the socket. The first added is the
// outermost. Functions of OnAny run before all of them. A middleware runs on the
// goroutine of the socket's handlers, so while it waits, only the events of this socket
// wait. For an event with a handler of Parallel, the part of it after next runs at the
// same time as later events.
func (s *Socket) Use(fn EventMiddleware) {
	if fn == nil {
		panic("socketio: Socket.Use: the middleware is nil")
	}
	s.on.uses.Add(&fn)
}
