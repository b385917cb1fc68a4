// SPDX-License-Identifier: MIT

// This file holds Parallel: handlers of which several calls run at once for one
// socket, and how the inbox goes to another worker meanwhile.

package socketio

import (
	"socketio/internal/call"
	"socketio/internal/serial"
)

// Parallel makes a handler for Socket.On of which up to n calls run at once for one
// socket, next to what else the socket's handlers do: the next event does not wait
// until the call has returned. fn is a function as for Socket.On.
//
//	s.On("resize", socketio.Parallel(4, func(ctx context.Context, img []byte) ([]byte, error) {
//		return resize(ctx, img)
//	}))
//
// Calls begin in the order in which the events arrived, their arguments decoded by
// then; they end, and acknowledge, in any order. What the calls of a socket share needs
// a lock. While n run, the next event of that name waits, and what comes after it waits
// too; see Options.Limits.MaxInboxPackets. What running calls hold does not count there. With n
// of 1 the calls come one after the other, as those of a usual handler, but other events
// do not wait for them. The limit is that of one On: the value may be given to several
// sockets and events, and each has n of its own.
//
// Errors, panics and acknowledgements are those of any handler. When the client goes,
// the context of the calls ends; OnDisconnecting and OnDisconnect run when the last
// call has returned. After Socket.Disconnect no further call begins. Server.Shutdown
// waits for calls. Where an event has usual handlers too, those run first. A middleware
// (Socket.Use) runs in order as far as its next; next returns when the call does, so
// what comes after it runs at once with later events, and counts as part of the call.
//
// Parallel panics if n is less than 1. Socket.On panics if fn is no handler;
// Socket.Once and OnServerSideEmit panic, since they have no use for it.
func Parallel(n int, fn any) any {
	if n < 1 {
		panic("socketio: Parallel: n must be at least 1")
	}
	if _, is := fn.(parallel); is {
		panic("socketio: Parallel: the handler is one of Parallel already")
	}
	return parallel{n: n, fn: fn}
}

// parallel is what Parallel returns.
type parallel struct {
	n  int
	fn any
}

// parallelMisplaced is the mistake of using Parallel elsewhere.
const parallelMisplaced = "Parallel is for On"

// A laneCall is a call of a parallel handler that is ready to begin.
type laneCall struct {
	lane *serial.Lane
	call handlerFunc
}

// runLanes runs the parallel handlers of an event, after the usual ones, and returns
// the first of their errors. The goroutine keeps the event until it is over; another
// worker goes on with the inbox. How they answer is added to said.
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
// calls that can begin, and the first error, which was reported.
func bindLanes(ev *event) (calls []laneCall, first error) {
	for _, list := range ev.found.handlers(ev.name) {
		for _, l := range list {
			if l.bind == nil || l.event != string(ev.name) {
				continue
			}
			var bound handlerFunc
			err := guard(func() (err error) { bound, err = l.bind(ev); return err })
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

// wasDropped reports whether events of the socket that wait are dropped.
func (s *Socket) wasDropped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Load() == stateGone && s.reason == ReasonServerDisconnect
}
