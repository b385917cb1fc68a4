// SPDX-License-Identifier: MIT

// This file holds the middleware of a socket's events: functions around the handlers.

package socketio

import (
	"context"
	"errors"
)

var errTwice = errors.New("socketio: a middleware called next twice")

// An Event is an event that a client has sent, as a middleware of its socket sees it.
type Event struct {
	// Socket is whose client has sent it.
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
type EventMiddleware func(ctx context.Context, e Event, next func(context.Context, Event) error) error

// Use adds a middleware for the events of the socket. The first added is the
// outermost. Handlers of OnAny run before all of them. It runs on the goroutine of
// the socket's handlers, so what it waits for delays the events of this socket only.
func (s *Socket) Use(fn EventMiddleware) {
	if fn == nil {
		panic("socketio: Socket.Use: the middleware is nil")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses = append(s.uses[:len(s.uses):len(s.uses)], fn)
}

// passThrough runs an event through the middlewares, then its handlers. It returns the
// first error, which has been reported.
func (s *Socket) passThrough(uses []EventMiddleware, list []*listener, ev *event) error {
	var handled error // what a handler returned: it was reported there
	ran := false
	var step func(i int) func(context.Context, Event) error
	step = func(i int) func(context.Context, Event) error {
		return func(ctx context.Context, e Event) error {
			if i < len(uses) {
				return uses[i](ctx, e, step(i+1))
			}
			if ran {
				return errTwice
			}
			ran = true
			ev.ctx, ev.name, ev.args = ctx, []byte(e.Name), e.Args
			handled = s.runHandlers(list, ev)
			return handled
		}
	}
	name := string(ev.name)
	e := Event{Socket: s, Name: name, Args: ev.args.clone(), WantsAck: ev.reply != nil}
	err := s.guard(func() error { return step(0)(ev.context(), e) })
	if err != nil && !errors.Is(err, handled) {
		s.report(name, err)
		ev.reply.fail(err)
	}
	if handled != nil {
		return handled
	}
	return err
}
