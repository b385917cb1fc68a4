// SPDX-License-Identifier: MIT

// This file holds the middleware of a socket's events: functions around the handlers.

package socketio

import (
	"context"
	"errors"
	"sync"

	"socketio/internal/lock"
)

var (
	errTwice = errors.New("socketio: a middleware called next twice")
	errOver  = errors.New("socketio: next was called when the event was over")
)

// An Event is an event that a client has sent, as a middleware of its socket sees it.
type Event struct {
	Socket *Socket
	Name   string
	Args   Args
	// WantsAck tells that the client waits for an acknowledgement.
	WantsAck bool
}

// An EventMiddleware is a function around the handlers of events. It calls next once
// to go on, with ctx or one made of it, which is what the handlers get, and with e or
// another: its Name chooses the handlers and its Args are theirs. next returns when
// they have run, with the first of their errors, which has been dealt with. An
// EventMiddleware that does not call next keeps the event from its handlers. Its own
// error goes to OnError and to the client that waits for an acknowledgement, as that
// of a handler does; see PublicError. One that panics fails its event with "internal
// error".
//
// It may call next on another goroutine and return before that does, for a time limit:
// the client is answered then, but the next event waits until the handlers have ended.
type EventMiddleware func(ctx context.Context, e Event, next func(context.Context, Event) error) error

// Use adds a middleware for the events of the socket. The first added is the
// outermost. Handlers of OnAny run before all of them. It runs on the goroutine of
// the socket's handlers, so what it waits for delays the events of this socket only.
// For an event with a handler of Parallel, what comes after next runs at once with
// later events.
func (s *Socket) Use(fn EventMiddleware) {
	if fn == nil {
		panic("socketio: Socket.Use: the middleware is nil")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = append(s.uses[:len(s.uses):len(s.uses)], fn)
}

// A passage is one event on its way through the middlewares. It is not pooled: a
// middleware may keep next.
type passage struct {
	socket *Socket
	uses   []EventMiddleware
	list   []*listener
	event  *event // a copy; the handlers may still run when the middlewares have ended

	handlers sync.WaitGroup // at most one: they run once
	failed   error          // of a handler; may be read when handlers has ended

	mu   lock.Mutex // guards the fields below
	ran  bool
	over bool
}

// A handledError is what next returns for an error of a handler, which was reported.
type handledError struct{ err error }

func (e *handledError) Error() string { return e.err.Error() }

func (e *handledError) Unwrap() error { return e.err }

// passThrough runs an event through the middlewares, then its handlers. It returns
// what went wrong first, which was reported.
func (s *Socket) passThrough(uses []EventMiddleware, list []*listener, ev *event) error {
	name := string(ev.name)
	p := &passage{socket: s, uses: uses, list: list, event: &event{
		socket: s, name: []byte(name), args: ev.args.clone(), reply: ev.reply, ctx: ev.ctx, worker: ev.worker,
	}}
	defer p.handlers.Wait() // an event is over when its handlers are, also after a Goexit
	defer p.end()
	e := Event{Socket: s, Name: name, Args: p.event.args, WantsAck: ev.reply != nil}
	reported := false
	err := s.guard(func() error {
		err := p.step(0)(ev.Context(), e)
		var handled *handledError
		reported = errors.As(err, &handled)
		return err
	})
	p.end()
	if err != nil && !reported {
		s.fail(ev, err)
	}
	if p.handlers.Wait(); p.failed != nil {
		return p.failed
	}
	return err
}

// step is the way on from the i-th middleware.
func (p *passage) step(i int) func(context.Context, Event) error {
	if i < len(p.uses) {
		return func(ctx context.Context, e Event) error {
			p.mu.Lock()
			over := p.over
			p.mu.Unlock()
			if over {
				return errOver
			}
			return p.socket.guard(func() error { return p.uses[i](ctx, e, p.step(i+1)) })
		}
	}
	return p.handle
}

// handle runs the handlers.
func (p *passage) handle(ctx context.Context, e Event) error {
	p.mu.Lock()
	switch {
	case p.ran:
		p.mu.Unlock()
		return errTwice
	case p.over:
		p.mu.Unlock()
		return errOver
	}
	p.ran = true
	p.handlers.Add(1)
	p.mu.Unlock()
	defer p.handlers.Done()
	p.event.ctx, p.event.name, p.event.args = ctx, []byte(e.Name), e.Args
	if p.failed = p.socket.runHandlers(p.list, p.event); p.failed != nil {
		return &handledError{p.failed}
	}
	return nil
}

// end keeps the handlers from running from now on.
func (p *passage) end() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
}
