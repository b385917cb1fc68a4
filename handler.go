// SPDX-License-Identifier: MIT

// This file holds the path of an event to its handlers, and the only place that calls
// them. How they are registered is in on.go.

package socketio

import (
	"context"
	"slices"
	"sync"

	"socketio/internal/call"
	"socketio/internal/jsontext"
	"socketio/internal/once"
	"socketio/internal/telemetry"
)

// An event is an event on its path through its handlers. It is pooled, so a handler that
// may keep arguments receives a copy.
type event struct {
	socket *Socket
	name   []byte
	args   Args
	reply  *reply          // nil if no acknowledgement is wanted
	ctx    context.Context // of a middleware, an observer, or an event of another server; nil for the context of the socket
	worker *worker         // runs the inbox; nil for an event of another server
	size   int             // of the packet that args are parts of, if they are JSON that nobody changes; else 0
	found  found           // the registered functions
	spans  [8][]byte
	text   string // a string argument is decoded here
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

// maxWaste is how many bytes of a packet a string argument may keep from being collected,
// besides those of its own, if they are more than those.
const maxWaste = 64

func (ev *event) Text() (string, error) {
	if ev.size > 0 && ev.args.Len() > 0 {
		// The packet is a copy that nobody changes: the string can be a part of it.
		if raw := ev.args.raw[0]; len(raw) >= ev.size/2 || ev.size <= maxWaste {
			if s, ok := jsontext.Inside(raw); ok {
				return s, nil
			}
		}
	}
	err := ev.Decode(0, &ev.text)
	return ev.text, err
}

func (ev *event) Answer(args ...any) error { return ev.reply.send(args...) }

func (ev *event) AnswerFunc() func(args ...any) error { return ev.reply.send }

// handlers implements handling.
type handlers struct {
	chain  link      // from an event to its handlers
	events sync.Pool // *event
}

// A surrounding watcher is called around the handlers of events.
type surrounding interface {
	// around returns the path of an event to its handlers, which ends with next.
	around(next link) link
}

// newHandlers builds the chain: the watcher, if it is a surrounding one, then the
// handlers.
func newHandlers(w watcher) *handlers {
	h := &handlers{chain: last{}}
	if w, ok := w.(surrounding); ok {
		h.chain = w.around(h.chain)
	}
	return h
}

func (h *handlers) runEvent(s *Socket, it item, w *worker) {
	ev, _ := h.events.Get().(*event)
	if ev == nil {
		ev = new(event)
	}
	defer func() {
		*ev = event{}
		h.events.Put(ev)
	}()
	ev.socket, ev.worker = s, w
	f := s.ns.server.format
	ev.args = Args{attachments: it.attachments, codec: f.Codec()}
	ev.name, ev.args.raw = f.SplitEvent(ev.spans[:0], it.data)
	if f.Default() {
		ev.size = len(it.data)
	}
	if it.id != noAck {
		ev.reply = &reply{socket: s, id: it.id}
	}
	ev.found.find(s)
	_ = h.chain.pass(ev) // errors have been reported
}

func (h *handlers) report(s *Socket, where string, err error) { report(s, where, err) }

func (h *handlers) attempt(s *Socket, where string, fn func()) { attempt(s, where, fn) }

// A link is one step of the path of an event to its handlers.
type link interface {
	// pass returns the first error of a middleware or a handler, which has been reported.
	pass(ev *event) error
}

// The last link: OnAny, the middlewares of the socket, the handlers.
type last struct{}

func (last) pass(ev *event) error {
	if ev.reply != nil && ev.repeats() {
		return nil
	}
	for _, list := range ev.found.any {
		for _, fn := range list {
			attempt(ev.socket, string(ev.name), func() { (*fn)(ev.socket, string(ev.name), ev.args.clone()) })
		}
	}
	if len(ev.found.uses) > 0 {
		return passMiddlewares(ev)
	}
	return runHandlers(ev)
}

// passMiddlewares runs an event through the middlewares of its socket. They receive a
// copy, because handlers may still run when the middlewares have returned.
func passMiddlewares(ev *event) error {
	own := *ev
	own.name, own.args = slices.Clone(ev.name), ev.args.clone()
	e := Event{Socket: ev.socket, Name: string(ev.name), Args: own.args, WantsAck: ev.reply != nil}
	passed, returned := false, false
	defer func() {
		if passed {
			return
		}
		if !returned {
			ev.fail(errGoexit)
		}
		ev.reply.leave()
	}()
	err := call.Pass(ev.Context(), e, ev.found.uses, func(ctx context.Context, e Event) error {
		passed = true
		own.ctx, own.name, own.args, own.size = ctx, []byte(e.Name), e.Args, 0
		return runHandlers(&own)
	}, ev.fail, newPanicError)
	if returned = true; !passed && err == nil {
		logEvent(ev, "a middleware did not pass an event on")
	}
	return err
}

// runHandlers runs the handlers of an event and returns the first of their errors. An
// empty acknowledgement is sent only after all have run, because a later one may have
// results or take an Ack.
func runHandlers(ev *event) (first error) {
	known, parallel := false, false
	var said call.Answers
	for _, list := range ev.found.handlers(ev.name) {
		for _, l := range list {
			if l.event != string(ev.name) {
				continue
			}
			known = true
			if l.parallel {
				parallel = true
				continue
			}
			if l.once && !ev.socket.on.take(ev.socket, l) {
				continue
			}
			how, err := ev.run(l.call)
			if err != nil && first == nil {
				first = err
			}
			said.Add(how)
		}
	}
	if parallel {
		if err := runLanes(ev, &said); first == nil {
			first = err
		}
	}
	if !known && !ev.found.hasAny() {
		logEvent(ev, "no handler")
	}
	if said.EmptyDue() && !ev.reply.left() {
		report(ev.socket, string(ev.name), ev.reply.send())
	}
	if !said.ByHand() {
		ev.reply.leave() // nobody has acknowledged it, or will
	}
	return first
}

// repeats reports whether the client, or another one, has sent the event before and is
// sent the reply to that, now or later. Otherwise the event is handled, and its reply kept
// if the client may send it again.
func (ev *event) repeats() bool {
	r, s := ev.reply, ev.socket
	window, key := (*replies)(nil), callKey{id: r.id}
	d := s.ns.dedup.Load()
	if d == nil && s.ns.parent != nil {
		d = s.ns.parent.dedup.Load()
	}
	if d != nil {
		report(s, string(ev.name), guard(func() error { key.text = d.key(s, string(ev.name), ev.args.clone()); return nil }))
	}
	switch {
	case key.text != "":
		window, key = d.window, keyedCall(s.ns.name, key.text)
	case repeatsOf(s) != nil:
		window = repeatsOf(s).window
	default:
		return false
	}
	c, how, m := window.Begin(key, r)
	if r.call = c; how == once.New {
		return false
	}
	name, known := ev.found.name(ev.name)
	if !known {
		name = telemetry.Text(string(ev.name[:min(len(ev.name), 256)]))
	}
	s.ns.server.opts.Logger.Debug("an event was sent again", "nsp", s.ns.name, "sid", s.publicID(), "event", telemetry.Text(name), "outcome", how.String())
	s.watch().eventRepeated(s, name, known, how.String())
	if how == once.Answered {
		r.Resend(m)
	}
	return how != once.Again
}

// run runs one handler and sends its acknowledgement.
func (ev *event) run(fn handlerFunc) (call.Answer, error) {
	returned := false
	defer func() {
		if !returned {
			ev.fail(errGoexit)
		}
	}()
	how, err := call.Run(fn, incoming(ev), newPanicError)
	returned = true
	if err != nil {
		ev.fail(err)
	}
	return how, err
}

// found holds the functions registered for the events of a socket at one moment: a change
// during an event takes effect with the next one.
type found struct {
	parent, space map[string][]*listener
	own           *call.Some[listener]
	any           [3][]*anyFunc
	uses          []*EventMiddleware
	first         [2]*listener // memory for handlers
}

// find finds the functions registered for a socket. It takes no lock.
func (f *found) find(s *Socket) {
	if p := s.ns.parent; p != nil {
		f.parent, f.any[0] = p.on.events.All(), p.on.any.All()
	}
	f.space, f.any[1] = s.ns.on.events.All(), s.ns.on.any.All()
	f.own = s.on.events.Now()
	if rare := s.on.rare.Load(); rare != nil {
		f.any[2], f.uses = rare.any.All(), rare.uses.All()
	}
}

// handlers returns the handlers of an event, in the order in which they run. The last
// list may have some of other events.
func (f *found) handlers(event []byte) [3][]*listener {
	return [3][]*listener{f.parent[string(event)], f.space[string(event)], f.own.AppendTo(f.first[:0], event)}
}

// name returns the name of an event as its first handler stores it, if there is one.
func (f *found) name(event []byte) (name string, known bool) {
	for _, list := range f.handlers(event) {
		for _, l := range list {
			if l.event == string(event) {
				return l.event, true
			}
		}
	}
	return "", false
}

func (f *found) hasAny() bool { return len(f.any[0])+len(f.any[1])+len(f.any[2]) > 0 }
