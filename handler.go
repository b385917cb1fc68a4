// SPDX-License-Identifier: MIT

// This file holds the handlers of a socket's events: their registration, the one
// place where they are called, and the answer to who asked for one.

package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/call"
	"socketio/internal/jsontext"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// Ack answers an event by hand: a handler that takes one as its last parameter
// decides when. The first call sends its arguments; further calls, and calls for
// an event that asked for no answer, do nothing. It may be called from any
// goroutine, also after the handler has returned. It returns the errors of Emit.
type Ack func(args ...any) error

// An event is one event on its way through its handlers. It is pooled: a handler
// that may keep arguments gets a copy.
type event struct {
	socket *Socket
	name   []byte
	args   Args
	reply  *reply          // nil if no answer was asked for
	ctx    context.Context // of a middleware, an observer, or an event of another server; nil means that of the socket
	worker *worker         // what runs the inbox; nil for an event of another server
	spans  [8][]byte
	text   string // where a string argument is decoded
}

// Context implements call.Event, as the methods below do.
func (ev *event) Context() context.Context {
	if ev.ctx != nil {
		return ev.ctx
	}
	return ev.socket.Context()
}

func (ev *event) Socket() *Socket { return ev.socket }

func (ev *event) Args() Args { return ev.args.clone() }

func (ev *event) Len() int { return ev.args.Len() }

func (ev *event) Decode(i int, dst any) error {
	if i >= ev.args.Len() {
		return &HandlerError{ArgIndex: i, Err: ErrMissingArgument}
	}
	if err := ev.args.codec.Decode(ev.args.raw[i], ev.args.attachments, dst); err != nil {
		return &HandlerError{ArgIndex: i, Err: err}
	}
	return nil
}

func (ev *event) Text() (string, error) {
	err := ev.Decode(0, &ev.text)
	return ev.text, err
}

func (ev *event) Answer(args ...any) error { return ev.reply.send(args...) }

func (ev *event) AnswerFunc() func(args ...any) error { return ev.reply.send }

// A reply is the one answer to an event, of a client or of another server.
type reply struct {
	socket *Socket
	id     int64
	sent   atomic.Bool
	failed atomic.Bool // what was sent, or can't be, is an error

	server *Server               // instead of socket, with
	answer func(adapter.Payload) // what takes the answer to another server
}

func (r *reply) send(args ...any) error {
	if r == nil || r.sent.Load() {
		return nil
	}
	if r.answer != nil {
		return r.sendToServer(args)
	}
	s := r.socket
	m, err := s.ns.server.format.Ack(s.ns.name, r.id, args)
	if err != nil {
		r.fail(err)
		return err
	}
	if r.sent.Swap(true) {
		return nil
	}
	return r.write(m)
}

// fail answers with an error object, unless there was an answer. Only what is
// marked public is told.
func (r *reply) fail(err error) {
	if r == nil || r.sent.Swap(true) {
		return
	}
	r.failed.Store(true)
	data := publicError(err).json()
	if r.answer != nil {
		r.answer(adapter.Payload{JSON: append(append([]byte{'['}, data...), ']')})
		return
	}
	m, err := r.socket.ns.server.format.Ack(r.socket.ns.name, r.id, []any{json.RawMessage(data)})
	if err == nil { // a codec that knows no raw JSON has no answer
		_ = r.write(m) // a closed connection needs none
	}
}

func (r *reply) sendToServer(args []any) error {
	p, err := r.server.payload(nil, args)
	if err != nil {
		err = fmt.Errorf("socketio: acknowledge: %w", err)
		r.fail(err)
		return err
	}
	if !r.sent.Swap(true) {
		r.answer(p)
	}
	return nil
}

func publicError(err error) (public *PublicError) {
	defer func() {
		if recover() != nil || public == nil { // err has methods of the application
			public = &PublicError{Message: "internal error"}
		}
	}()
	if n := invalidArgument(err); n > 0 {
		return &PublicError{Message: "invalid argument " + strconv.Itoa(n), Code: "invalid_argument"}
	}
	errors.As(err, &public)
	return public
}

// invalidArgument returns which argument, from 1, a client has sent wrong, or 0.
func invalidArgument(err error) int {
	var he *HandlerError
	if errors.As(err, &he) && he != nil {
		return he.ArgIndex + 1
	}
	return 0
}

// json is what a client is told.
func (e *PublicError) json() []byte {
	b := jsontext.AppendString([]byte(`{"error":{"message":`), e.Message)
	b = jsontext.AppendString(append(b, `,"code":`...), e.Code)
	if e.Data != nil {
		if data := errorData(e.Data); data != nil {
			b = append(append(b, `,"data":`...), data...)
		}
	}
	return append(b, "}}"...)
}

// errorData encodes data of the application, or returns nil.
func errorData(v any) (data []byte) {
	defer func() {
		if recover() != nil {
			data = nil
		}
	}()
	data, _ = json.Marshal(v)
	return data
}

func (r *reply) write(m *engineio.Message) error {
	if r.socket.state.Load() == stateGone {
		return ErrClosed
	}
	return r.socket.conn.send(m)
}

// A listener is a registered handler of an event.
type listener struct {
	event string
	call  handlerFunc // nil with a lane
	lane  *lane       // of a handler of Parallel; else nil
	once  bool
	fired atomic.Bool
}

// On calls fn for each event of that name which the client sends. fn is a
// function; its parameters are, each optional and in this order: a
// context.Context (that of the socket), the *Socket, and one parameter per
// argument of the event, of any type that JSON can fill; []byte takes a binary
// attachment, a last ...T takes the rest, and Args alone takes all of them raw. A
// last parameter of type Ack answers by hand. Results before an optional error
// are the acknowledgement. Parallel makes a handler that the next event does not wait
// for. On panics if fn is none of that and says what is wrong: a parameter that no
// client can fill (a channel, a struct without exported fields, an *http.Request), a
// result that JSON can't carry. It panics on a name that no client can send, such as
// "connect" and "disconnect": use OnConnection and OnDisconnect.
//
// Arguments beyond the parameters are ignored. A missing one is nil for a
// pointer and an any, nothing for a ...T, and an error otherwise. An error, of
// decoding or of fn, goes to OnError, and the client, if it asked for an
// acknowledgement, gets {"error":{"message","code"}}; see PublicError. Of several
// handlers the first that has results, or fails, answers; those without results do,
// without arguments, when all have run and none of them takes an Ack.
//
// remove takes fn off again.
func (s *Socket) On(event string, fn any) (remove func()) { return s.listen(event, fn, false) }

// Once is On for the first such event only.
func (s *Socket) Once(event string, fn any) (remove func()) { return s.listen(event, fn, true) }

func (s *Socket) listen(event string, fn any, once bool) (remove func()) {
	if parser.IsReserved(event) {
		panic("socketio: On: no client can send an event named " + event + "; " + insteadOf(event))
	}
	if event == "connection" || event == "error" {
		s.ns.server.sampled.Warn("On: the handler runs only if a client emits an event of that name; "+insteadOf(event), "nsp", s.ns.name, "event", event)
	}
	l := &listener{event: event, once: once}
	handlers := s.ns.server.handlers
	switch p, is := fn.(parallel); {
	case !is:
		l.call = handlers.Compile(event, fn)
	case once:
		handlers.Bad(event, parallelMisplaced)
	default:
		l.lane = p.newLane(handlers, event)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// A dispatch that runs meanwhile sees its own length: appending is safe.
	s.events = append(s.events, l)
	return func() { s.unlisten(l) }
}

// insteadOf is what to use in place of On for what a name stands for in Node.
func insteadOf(event string) string {
	switch event {
	case "connect_error":
		return "a middleware of Use refuses a socket, Server.Engine().OnConnectionError hears of refused requests, OnDisconnect of the end"
	case "error":
		return "for errors of handlers use OnError of the Server or the Namespace"
	}
	return "for new sockets use OnConnection of the Server or the Namespace, for the end of one OnDisconnect or OnDisconnecting"
}

func (s *Socket) unlisten(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = without(s.events, l)
}

// OnAny calls fn for each event the client sends, before its handlers. remove
// takes fn off again.
func (s *Socket) OnAny(fn func(event string, args Args)) (remove func()) {
	if fn == nil {
		panic("socketio: OnAny: the handler is nil")
	}
	return s.any.add(&s.mu, fn)
}

// handleEvent takes an event from the read side. It reports false if the socket
// has not joined yet.
func (s *Socket) handleEvent(p parser.Packet) bool {
	switch s.settledState() {
	case stateJoining:
		return false
	case stateConnected:
		it := eventItem(p)
		s.tellIn(it.size)
		s.pushEvent(it)
	}
	return true
}

// dispatch runs the handlers of an event.
func (s *Socket) dispatch(it item, w *worker) {
	pool := &s.ns.server.events
	ev, _ := pool.Get().(*event)
	if ev == nil {
		ev = new(event)
	}
	defer func() {
		*ev = event{}
		pool.Put(ev)
	}()
	ev.socket, ev.worker = s, w
	codec := s.ns.server.format.Codec()
	ev.name = codec.EventName(it.data)
	ev.args = Args{raw: codec.SplitArray(ev.spans[:0], it.data), attachments: it.attachments, codec: codec}
	if len(ev.args.raw) > 0 { // the decoder saw the name
		ev.args.raw = ev.args.raw[1:]
	}
	if it.id != noAck {
		ev.reply = &reply{socket: s, id: it.id}
	}
	s.mu.Lock()
	h := handlers{s.events, s.any.list, s.uses}
	s.mu.Unlock()
	s.observed(ev, h)
}

// handlers are what an event of a socket meets.
type handlers struct {
	events []*listener
	any    []*func(string, Args)
	uses   []EventMiddleware
}

// runAll runs what an event meets. It returns the first error of a middleware or a
// handler, which has been reported.
func (s *Socket) runAll(ev *event, h handlers) error {
	for _, fn := range h.any {
		s.report(string(ev.name), s.guard(func() error { (*fn)(string(ev.name), ev.args.clone()); return nil }))
	}
	if len(h.uses) > 0 {
		return s.passThrough(h.uses, h.events, ev)
	}
	return s.runHandlers(h.events, ev)
}

// runHandlers runs the handlers of an event and returns the first of their errors. An
// answer without arguments waits until all have run: another may have something to say,
// or say it later by hand.
func (s *Socket) runHandlers(list []*listener, ev *event) (first error) {
	known, lanes := false, false
	var said call.Answers
	for _, l := range list { // a socket has few: a map costs more
		if l.event != string(ev.name) {
			continue
		}
		known = true
		if l.lane != nil {
			lanes = true
			continue
		}
		if l.once {
			if l.fired.Swap(true) {
				continue
			}
			s.unlisten(l)
		}
		how, err := s.handle(l.call, ev)
		if err != nil && first == nil {
			first = err
		}
		said.Add(how)
	}
	if lanes {
		if err := s.runLanes(list, ev, &said); first == nil {
			first = err
		}
	}
	if !known {
		s.noHandler(ev)
	}
	if said.EmptyDue() {
		s.report(string(ev.name), ev.reply.send())
	}
	return first
}

// noHandler logs an event that has no handler, not even of OnAny: a name that is
// spelled in two ways is found so.
func (s *Socket) noHandler(ev *event) {
	log := s.ns.server.opts.Logger
	if !log.Enabled(context.Background(), slog.LevelDebug) || len(s.any.all(&s.mu)) > 0 {
		return
	}
	log.Debug("no handler", "nsp", s.ns.name, "sid", s.publicID(), "event", telemetry.Text(string(ev.name[:min(len(ev.name), 256)])))
}

// handle runs one handler and answers.
func (s *Socket) handle(fn handlerFunc, ev *event) (call.Answer, error) {
	how, err := call.Run(fn, ev, newPanicError)
	if err != nil {
		s.fail(ev, err)
	}
	return how, err
}

// fail reports an error of a handler and answers with it.
func (s *Socket) fail(ev *event, err error) {
	s.report(string(ev.name), err)
	ev.reply.fail(err)
	if ev.reply == nil || !ev.reply.failed.Load() {
		s.warnUntold(string(ev.name), err)
	}
}

// warnUntold warns of an error of a handler of which neither the client nor the
// application hears.
func (s *Socket) warnUntold(event string, err error) {
	if s.isNoNews(err) || len(s.ns.errorHandlers()) > 0 {
		return
	}
	name := telemetry.Text(event)
	var he *HandlerError
	if n := invalidArgument(err); n > 0 && errors.As(err, &he) {
		s.ns.server.sampled.Warn("the arguments of an event do not fit its handler, and it asked for no acknowledgement that could say so: "+
			"compare what the client emits, or use emitWithAck there",
			"nsp", s.ns.name, "sid", s.publicID(), "event", name, "argument", n, "error", telemetry.Error(he.Err))
		return
	}
	s.ns.server.sampled.Warn("a handler failed, and its event asked for no acknowledgement that could say so: "+
		"use emitWithAck in the client, or take errors in OnError",
		"nsp", s.ns.name, "sid", s.publicID(), "event", name, "error", telemetry.Error(err))
}

// isNoNews reports whether err says no more than that the socket has gone.
func (s *Socket) isNoNews(err error) bool { return errors.Is(err, ErrClosed) && s.isGone() }

// guard calls an application's function and turns a panic into an error.
func (s *Socket) guard(fn func() error) (err error) {
	defer call.Barrier(&err, newPanicError)
	return fn()
}

// report tells the application of an error that has no caller to go to.
func (s *Socket) report(event string, err error) {
	defer func() {
		if v := recover(); v != nil { // err has methods of the application
			s.ns.server.opts.Logger.Error("the error of a handler panicked", "nsp", s.ns.name, "event", telemetry.Text(event))
		}
	}()
	if err == nil || s.isNoNews(err) || isReported(err) {
		return
	}
	var he *HandlerError
	if !errors.As(err, &he) || he == nil {
		he = &HandlerError{Event: event, ArgIndex: -1, Err: err}
	}
	he.Event = event
	s.tellFailed(he)
	handlers := s.ns.errorHandlers()
	for _, fn := range handlers {
		if crash := s.guard(func() error { fn(s, he); return nil }); crash != nil {
			s.ns.server.opts.Logger.Error("an OnError handler panicked", "nsp", s.ns.name, "error", telemetry.Error(crash))
		}
	}
	if len(handlers) > 0 {
		return
	}
	log := s.ns.server.opts.Logger.With("nsp", s.ns.name, "sid", s.publicID(), "event", telemetry.Text(event))
	if he.ArgIndex >= 0 {
		log = log.With("argument", he.ArgIndex+1)
	}
	log = log.With("error", telemetry.Error(he.Err))
	var crashed *PanicError
	if errors.As(err, &crashed) {
		log = log.With("stack", string(crashed.Stack))
	}
	if clientsFault(err) {
		log.Debug("an event was refused")
	} else {
		log.Error("a handler failed")
	}
}

// clientsFault reports whether an error is the client's: a wrong argument, or what the
// application itself made public.
func clientsFault(err error) bool {
	var public *PublicError
	return invalidArgument(err) > 0 || errors.As(err, &public)
}
