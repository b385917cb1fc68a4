// SPDX-License-Identifier: MIT

// This file holds the registration of middleware for a socket's events. How events pass
// it is in handler.go.

package socketio

// Use adds a middleware for the events of the socket. The first one added is the
// outermost. Functions of OnAny run before all of them. A middleware runs on the
// goroutine of the socket's handlers, so while it waits, only the events of this socket
// wait. For an event with a handler of Parallel, the part after next runs at the same
// time as later events.
func (s *Socket) Use(fn EventMiddleware) {
	if fn == nil {
		panic("socketio: Socket.Use: the middleware is nil")
	}
	s.on.others().uses.Add(&fn)
}
