// SPDX-License-Identifier: MIT

// This file holds the functions that an application registers with a namespace, its
// parent, and a socket. handler.go calls them.

package socketio

import (
	"context"
	"sync/atomic"

	"socketio/internal/call"
	"socketio/internal/lock"
	"socketio/internal/serial"
)

// A listener is a registered handler of an event.
type listener struct {
	event    string
	call     handlerFunc // of a handler of Parallel, Fn is a *parallelCalls and Run is nil
	over     atomic.Bool // of a socket and once: it has fired; shared: it was removed
	once     bool
	shared   bool // registered with a namespace or a parent
	parallel bool // a handler of Parallel
}

// calls returns the calls of a handler of Parallel.
func (l *listener) calls() *parallelCalls { return l.call.Fn.(*parallelCalls) }

// parallelCalls are the calls of a handler of Parallel.
type parallelCalls struct {
	bind call.Binder[incoming]
	n    int          // calls that may run at once for one socket
	lane *serial.Lane // if it is registered with a socket
}

// An incoming is an event as its handlers see it.
type incoming interface{ call.Event[*Socket, Args] }

// A handlerFunc is a compiled handler.
type handlerFunc = call.Handler[incoming]

// A compiler makes handlers for events of sockets.
type compiler = call.Compiler[incoming, *Socket, Args, Ack]

// A handling handles the events that arrive at the sockets of a server.
type handling interface {
	// runEvent runs the handlers of an event. w is the worker that runs the inbox.
	runEvent(s *Socket, it item, w *worker)
	// report passes an error that has no caller to the application. where is the name of
	// the event, or of the other kind of handler that failed. A nil error is not
	// reported.
	report(s *Socket, where string, err error)
	// attempt calls a function of the application, and reports its panic, or that it has
	// ended the goroutine.
	attempt(s *Socket, where string, fn func())
}

// anyFunc is a handler of OnAny.
type anyFunc func(s *Socket, event string, args Args)

// An Event is an event of a client, as a middleware of its socket sees it.
type Event struct {
	Socket *Socket
	Name   string
	Args   Args
	// WantsAck reports whether the client waits for an acknowledgement.
	WantsAck bool
}

// An EventMiddleware is a function around the handlers of events. It calls next once to
// continue, with ctx or a context derived from it, which the handlers receive, and with e
// or another Event: its Name selects the handlers and its Args are their arguments. next
// returns when the handlers have run, with the first of their errors, which has already
// been reported. If an EventMiddleware does not call next, the handlers do not receive
// the event. Its own error is passed to OnError and to a client that waits for an
// acknowledgement, like an error of a handler; see PublicError. If it panics, the event
// fails with "internal error".
//
// To limit the time, it may call next on another goroutine and return before next does:
// the client is answered then, but the next event waits until the handlers have ended.
type EventMiddleware func(ctx context.Context, e Event, next func(context.Context, Event) error) error

// spaceHandlers are the functions registered with a namespace or a parent, for all its
// sockets.
type spaceHandlers struct {
	events call.Table[listener]
	any    call.List[anyFunc]
}

// socketHandlers are the functions registered with a socket. The zero value is ready for
// use.
type socketHandlers struct {
	events call.Few[listener]
	left   call.List[func(DisconnectReason)] // of OnDisconnect
	rare   atomic.Pointer[rareHandlers]      // nil until it is needed
}

// rareHandlers are the handlers that few sockets have, and what a socket keeps for those of
// its namespace.
type rareHandlers struct {
	any      call.List[anyFunc]
	uses     call.List[EventMiddleware]
	outgoing call.List[func(event string, args Args)]
	upgraded call.List[func(transport string)]
	leaving  call.List[func(DisconnectReason)] // of OnDisconnecting

	kept *kept // guarded by Socket.mu; nil until it is needed
}

// others returns the rare handlers, to register one.
func (h *socketHandlers) others() *rareHandlers {
	if r := h.rare.Load(); r != nil {
		return r
	}
	h.rare.CompareAndSwap(nil, new(rareHandlers))
	return h.rare.Load()
}

// kept is the state that a socket keeps for handlers of its namespace. It is empty until
// a handler of Once has run or one of Parallel is called.
type kept struct {
	fired map[*listener]struct{}     // of Once
	lanes map[*listener]*serial.Lane // of Parallel
}

// keptLocked returns the state that the socket keeps, without that of handlers removed
// meanwhile.
func (h *socketHandlers) keptLocked() *kept {
	r := h.others()
	if r.kept == nil {
		r.kept = &kept{fired: make(map[*listener]struct{}), lanes: make(map[*listener]*serial.Lane)}
	}
	for l := range r.kept.fired {
		if l.over.Load() {
			delete(r.kept.fired, l)
		}
	}
	for l := range r.kept.lanes {
		if l.over.Load() {
			delete(r.kept.lanes, l)
		}
	}
	return r.kept
}

// take reports whether a handler of Once must run for s now.
func (h *socketHandlers) take(s *Socket, l *listener) bool {
	if !l.shared {
		if l.over.Swap(true) {
			return false
		}
		h.events.Remove(l)
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := h.rare.Load(); r != nil && r.kept != nil {
		if _, fired := r.kept.fired[l]; fired {
			return false
		}
	}
	h.keptLocked().fired[l] = struct{}{}
	return true
}

// lane returns the lane for the calls of a handler of Parallel for s.
func (h *socketHandlers) lane(s *Socket, l *listener) *serial.Lane {
	if l.calls().lane != nil {
		return l.calls().lane
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := h.rare.Load(); r != nil && r.kept != nil {
		if lane := r.kept.lanes[l]; lane != nil {
			return lane
		}
	}
	lane := serial.NewLane(l.calls().n)
	h.keptLocked().lanes[l] = lane
	return lane
}

// hooks are the functions that an application has registered with a namespace, except
// handlers of events.
type hooks struct {
	mu          lock.RWMutex // guards the fields below
	middlewares []func(context.Context, *Socket) error

	// Safe from anywhere.
	on         spaceHandlers
	connection call.List[func(*Socket)]
	errors     call.List[func(*Socket, *HandlerError)]
	dedup      atomic.Pointer[deduplication] // nil: none
}

// A deduplication is the replies of a namespace by keys of the application; see
// Namespace.Deduplicate.
type deduplication struct {
	key    func(s *Socket, event string, args Args) string
	window *replies
}

func (h *hooks) use(fn func(context.Context, *Socket) error) {
	if fn == nil {
		panic("socketio: Use: the middleware is nil")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.middlewares = append(h.middlewares[:len(h.middlewares):len(h.middlewares)], fn)
}

func (h *hooks) onConnection(fn func(*Socket)) (remove func()) {
	if fn == nil {
		panic("socketio: OnConnection: the handler is nil")
	}
	return h.connection.Add(&fn)
}

func (h *hooks) onError(fn func(*Socket, *HandlerError)) (remove func()) {
	if fn == nil {
		panic("socketio: OnError: the handler is nil")
	}
	return h.errors.Add(&fn)
}
