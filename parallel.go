// SPDX-License-Identifier: MIT

// This file holds Parallel: handlers of which several calls run at once for one socket
// while another worker continues with its inbox.

package socketio

import (
	"socketio/internal/call"
	"socketio/internal/serial"
)

// Parallel returns a handler for On of which up to n calls run at once for one socket,
// alongside the other handlers of the socket: the next event does not wait until the call
// has returned. fn is a function as for Namespace.On.
//
//	s.On("resize", socketio.Parallel(4, func(ctx context.Context, img []byte) ([]byte, error) {
//		return resize(ctx, img)
//	}))
//
// Calls begin in the order in which the events arrived, with their arguments decoded;
// they end, and acknowledge, in any order. Data shared by the calls of a socket needs a
// lock. While n calls run, the next event of that name waits, and so do all events behind
// it; see Options.Limits.MaxInboxPackets. Data held by running calls does not count
// there. If n is 1, the calls run one after the other, like those of an ordinary handler,
// but other events do not wait for them. The limit applies to one registration: the value
// may be registered with several sockets and events, and each has its own n.
//
// Errors, panics and acknowledgements are those of any handler. When the client
// disconnects, the context of the calls ends; OnDisconnecting and OnDisconnect run when
// the last call has returned. After Socket.Disconnect no further call begins.
// Server.Shutdown waits for calls. If an event has ordinary handlers too, they run first.
// A middleware (Socket.Use) runs in order up to its call of next; next returns when the
// call does, so the rest of the middleware runs at the same time as later events, and
// counts as part of the call.
//
// Parallel panics if n is less than 1. On panics if fn is not a handler; Socket.Once and
// OnServerSideEmit panic, since they have no use for Parallel.
func Parallel(n int, fn any) any {
	if n < 1 {
		panic("socketio: Parallel: n must be at least 1")
	}
	if _, is := fn.(parallel); is {
		panic("socketio: Parallel: the handler is one of Parallel already")
	}
	return parallel{n: n, fn: fn}
}

// parallel is the result of Parallel.
type parallel struct {
	n  int
	fn any
}

// parallelMisplaced is the panic for Parallel in the wrong place.
const parallelMisplaced = "Parallel is for On"

// A laneCall is a call of a parallel handler that is ready to begin.
type laneCall struct {
	lane *serial.Lane
	call handlerFunc
}

// runLanes runs the parallel handlers of an event, after the ordinary ones, and returns
// the first of their errors. The goroutine keeps the event until it is over; another
// worker continues with the inbox. Their answers are added to said.
func runLanes(ev *event, said *call.Answers) (first error) {
	s := ev.socket
	calls, first := bindLanes(ev)
	if len(calls) == 0 {
		return first
	}
	w := ev.worker
	for _, c := range calls {
		w.Enter(c.lane)
	}
	if s.wasDropped() {
		w.LeaveLanes()
		return ErrClosed
	}
	w.HandOn()
	for _, c := range calls {
		how, err := ev.run(c.call)
		said.Add(how)
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

// bindLanes decodes the arguments of the parallel handlers of an event. It returns the
// calls that can begin, and the first error, which has been reported.
func bindLanes(ev *event) (calls []laneCall, first error) {
	for _, list := range ev.found.handlers(ev.name) {
		for _, l := range list {
			if !l.parallel || l.event != string(ev.name) {
				continue
			}
			var bound handlerFunc
			err := guard(func() (err error) { bound, err = l.calls().bind(ev); return err })
			if err == nil {
				calls = append(calls, laneCall{ev.socket.on.lane(ev.socket, l), bound})
				continue
			}
			ev.fail(err)
			if first == nil {
				first = err
			}
		}
	}
	return calls, first
}

// wasDropped reports whether waiting events of the socket are dropped.
func (s *Socket) wasDropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Load() == stateGone && rareOf(s).reason == ReasonServerDisconnect
}
