// SPDX-License-Identifier: MIT

// This file holds the registration of handlers: with a server, a namespace, a parent, a
// socket. internal/call/check.go refuses functions that can't be handlers.

package socketio

import (
	"log/slog"

	"socketio/internal/serial"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// On calls fn for each event of that name which a client sends in the namespace:
//
//	ns.On("chat message", func(s *socketio.Socket, text string) {
//		s.To("lobby").Emit("chat message", text)
//	})
//
// fn is a function. Its parameters are, each optional and in this order: a
// context.Context, which ends with the socket; the *Socket; and one parameter for each
// argument of the event, of any type that encoding/json can decode into. A []byte
// receives a binary attachment, a final ...T the remaining arguments, and Args alone all
// arguments undecoded. A last parameter of type Ack sends the acknowledgement itself.
// Results before an optional error are the acknowledgement. Parallel returns a handler
// that the next event does not wait for. No handler runs before the functions of
// OnConnection have returned.
//
// On panics if fn is not such a function, and says what is wrong: a parameter that no
// client can fill (a channel, a struct without exported fields, an *http.Request), a
// result that JSON can't carry. It panics on a name that no client can send, such as
// "connect" and "disconnect": use OnConnection and Socket.OnDisconnect.
//
// Arguments beyond the parameters are ignored. A missing argument is nil for a pointer
// and an any, and nothing for a ...T; otherwise it is an error. An error, of decoding or
// of fn, goes to OnError, and a client that wants an acknowledgement receives
// {"error":{"message","code"}}; see PublicError.
//
// An event may have several handlers. Those of the parent (see Server.OfPattern) run
// first, then those of the namespace, then those of Socket.On, each in the order of
// registration. The first to return results or an error sends the acknowledgement. If
// none does and none takes an Ack, an empty one is sent after all have run.
//
// The handlers may change while the server runs: a change takes effect with the next
// event. remove unregisters fn.
func (ns *Namespace) On(event string, fn any) (remove func()) {
	return ns.on.add(ns.server, ns.name, event, fn, false)
}

// Once is like On but calls fn only for the first such event of each socket. If a socket
// has sent the event before fn was registered, fn runs for its next one.
func (ns *Namespace) Once(event string, fn any) (remove func()) {
	return ns.on.add(ns.server, ns.name, event, fn, true)
}

// OnAny calls fn for each event that a client sends in the namespace, before the
// middlewares of its socket and its handlers. remove unregisters fn.
func (ns *Namespace) OnAny(fn func(s *Socket, event string, args Args)) (remove func()) {
	return ns.on.addAny(fn)
}

// On calls fn for each event of that name which a client sends in a child of p, including
// existing children; see Namespace.On.
func (p *ParentNamespace) On(event string, fn any) (remove func()) {
	return p.on.add(p.server, "", event, fn, false)
}

// Once is like On but only for the first such event of each socket; see Namespace.Once.
func (p *ParentNamespace) Once(event string, fn any) (remove func()) {
	return p.on.add(p.server, "", event, fn, true)
}

// OnAny calls fn for each event that a client sends in a child of p; see
// Namespace.OnAny.
func (p *ParentNamespace) OnAny(fn func(s *Socket, event string, args Args)) (remove func()) {
	return p.on.addAny(fn)
}

// On calls fn for each event of that name which a client sends in the namespace "/":
//
//	io.On("chat message", func(s *socketio.Socket, text string) {
//		io.Emit("chat message", text)
//	})
//
// See Namespace.On for the functions that fn can be, for acknowledgements and for the
// order of several handlers. Events of other servers, for which Node has io.on, are
// handled by OnServerSideEmit.
func (s *Server) On(event string, fn any) (remove func()) { return s.root.On(event, fn) }

// Once is like On but only for the first such event of each socket; see Namespace.Once.
func (s *Server) Once(event string, fn any) (remove func()) { return s.root.Once(event, fn) }

// OnAny calls fn for each event that a client sends in the namespace "/"; see
// Namespace.OnAny.
func (s *Server) OnAny(fn func(s *Socket, event string, args Args)) (remove func()) {
	return s.root.OnAny(fn)
}

// On calls fn for each event of that name which the client of this socket sends. It runs
// after the handlers of the namespace. Prefer Namespace.On: its handlers are checked when
// the program starts and need no memory per socket. fn is a function as for Namespace.On,
// which has the details. remove unregisters fn.
func (s *Socket) On(event string, fn any) (remove func()) { return s.listen(event, fn, false) }

// Once is like On but calls fn only for the first such event.
func (s *Socket) Once(event string, fn any) (remove func()) { return s.listen(event, fn, true) }

func (s *Socket) listen(event string, fn any, once bool) (remove func()) {
	l := newListener(s.ns.server, s.ns.name, event, fn, once)
	if l.parallel {
		l.calls().lane = serial.NewLane(l.calls().n)
	}
	return s.on.events.Add(event, l)
}

// OnAny calls fn for each event that the client sends, before the middlewares and the
// handlers, after the functions of Namespace.OnAny. remove unregisters fn.
func (s *Socket) OnAny(fn func(event string, args Args)) (remove func()) {
	if fn == nil {
		panic("socketio: OnAny: the handler is nil")
	}
	any := anyFunc(func(_ *Socket, event string, args Args) { fn(event, args) })
	return s.on.others().any.Add(&any)
}

// add registers a handler of all sockets.
func (h *spaceHandlers) add(s *Server, namespace, event string, fn any, once bool) (remove func()) {
	l := newListener(s, namespace, event, fn, once)
	l.shared = true
	removeFrom := h.events.Add(event, l)
	return func() {
		l.over.Store(true)
		removeFrom()
	}
}

func (h *spaceHandlers) addAny(fn func(s *Socket, event string, args Args)) (remove func()) {
	if fn == nil {
		panic("socketio: OnAny: the handler is nil")
	}
	any := anyFunc(fn)
	return h.any.Add(&any)
}

// newListener checks a handler and compiles it. The namespace is "" for a parent.
func newListener(s *Server, namespace, event string, fn any, once bool) *listener {
	if parser.IsReserved(event) {
		panic("socketio: On: no client can send an event named " + event + "; " + insteadOf(event))
	}
	if event == "connection" || event == "error" {
		attrs := []any{slog.String("event", event)}
		if namespace != "" {
			attrs = append(attrs, slog.String("nsp", telemetry.Text(namespace)))
		}
		s.sampled.Warn("On: the handler runs only if a client emits an event of that name; "+insteadOf(event), attrs...)
	}
	l := &listener{event: event, once: once}
	switch p, is := fn.(parallel); {
	case !is:
		l.call = s.compiler.Compile(event, fn)
	case once:
		s.compiler.Bad(event, parallelMisplaced)
	default:
		l.parallel, l.call.Fn = true, &parallelCalls{bind: s.compiler.Bind(event, p.fn), n: p.n}
	}
	return l
}

// insteadOf returns the alternative to On for a name that has a meaning in Node.
func insteadOf(event string) string {
	switch event {
	case "connect_error":
		return "a middleware of Use rejects a socket, Server.Engine().OnConnectionError is called for rejected requests, OnDisconnect at the end"
	case "error":
		return "for errors of handlers use OnError of the Server or the Namespace"
	}
	return "for new sockets use OnConnection of the Server or the Namespace, for the end of one OnDisconnect or OnDisconnecting"
}
