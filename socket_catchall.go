// SPDX-License-Identifier: MIT

// This file holds the registration of functions that see the events sent to a socket.

package socketio

// OnAnyOutgoing calls fn for each event that is sent to this socket's client:
// directly, or by a broadcast that reaches it. It is not called for acknowledgements,
// nor for a volatile event that was dropped. The goroutine that sends calls it when the
// event is in the queue; several may do so at once. A broadcast waits for it, so it must
// not block. The arguments are those that the client will receive and must not be
// changed. remove unregisters fn.
func (s *Socket) OnAnyOutgoing(fn func(event string, args Args)) (remove func()) {
	if fn == nil {
		panic("socketio: OnAnyOutgoing: the handler is nil")
	}
	return s.on.others().outgoing.Add(&fn)
}
