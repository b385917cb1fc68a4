// SPDX-License-Identifier: MIT

// This file holds the path of errors to the application: OnError, or the log.

package socketio

import (
	"context"
	"errors"
	"log/slog"

	"socketio/engineio"
	"socketio/internal/telemetry"
)

// logEvent logs the reason why nothing happens with an event: it has no handler, not even
// OnAny, because client and server spell its name differently, or a middleware keeps it.
func logEvent(ev *event, why string) {
	s := ev.socket
	log := s.ns.server.opts.Logger
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	log.Debug(why, "nsp", s.ns.name, "sid", s.publicID(), "event", telemetry.Text(string(ev.name[:min(len(ev.name), 256)])))
}

// fail reports an error of a handler and sends it as the acknowledgement, unless it is
// ErrRetry.
func (ev *event) fail(err error) {
	report(ev.socket, string(ev.name), err)
	if wantsRetry(err) {
		ev.reply.retry()
	} else {
		ev.reply.fail(err)
	}
	if ev.reply == nil || ev.reply.outcome.Load() == replyOpen {
		warnUnseen(ev.socket, string(ev.name), err)
	}
}

// wantsRetry reports whether a handler has returned ErrRetry.
func wantsRetry(err error) (yes bool) {
	_ = guard(func() error { yes = errors.Is(err, ErrRetry); return nil }) // err has methods of the application
	return yes
}

// warnUnseen logs a warning about an error of a handler that neither the client nor the
// application sees.
func warnUnseen(s *Socket, event string, err error) {
	if onlyGone(s, err) || len(s.ns.errorHandlers()) > 0 {
		return
	}
	name := telemetry.Text(event)
	var he *HandlerError
	if n := invalidArgument(err); n > 0 && errors.As(err, &he) {
		s.ns.server.sampled.Warn("the arguments of an event do not match its handler, and no acknowledgement was requested that could report it: "+
			"compare what the client emits, or use emitWithAck there",
			"nsp", s.ns.name, "sid", s.publicID(), "event", name, "argument", n, "error", telemetry.Error(he.Err))
		return
	}
	s.ns.server.sampled.Warn("a handler failed, and no acknowledgement was requested that could report it: "+
		"use emitWithAck in the client, or handle errors in OnError",
		"nsp", s.ns.name, "sid", s.publicID(), "event", name, "error", telemetry.Error(err))
}

// onlyGone reports whether err means only that the socket has ended.
func onlyGone(s *Socket, err error) bool { return errors.Is(err, ErrClosed) && s.isGone() }

// report passes an error that has no caller to the application: to OnError, or to the
// log.
func report(s *Socket, event string, err error) {
	if err == nil {
		return
	}
	if guard(func() error { reportError(s, event, err); return nil }) != nil { // err has methods of the application
		s.ns.server.opts.Logger.Error("the error of a handler panicked", "nsp", s.ns.name, "event", telemetry.Text(event))
	}
}

// attempt calls a function of the application, and reports its panic, or that it has ended
// the goroutine.
func attempt(s *Socket, where string, fn func()) {
	err := errGoexit
	defer func() { report(s, where, err) }()
	err = guard(func() error { fn(); return nil })
}

func reportError(s *Socket, event string, err error) {
	if onlyGone(s, err) || isReported(err) {
		return
	}
	var he *HandlerError
	if !errors.As(err, &he) || he == nil {
		he = &HandlerError{Event: event, ArgIndex: -1, Err: err}
	}
	he.Event = event
	s.watch().handlerFailed(s, he)
	handlers := s.ns.errorHandlers()
	for _, fn := range handlers {
		if crash := guard(func() error { (*fn)(s, he); return nil }); crash != nil {
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
		log.Debug("an event was rejected")
	} else {
		log.Error("a handler failed")
	}
}

// clientsFault reports whether an error is the client's: a wrong argument, or an error
// that the application has made public.
func clientsFault(err error) bool {
	var public *PublicError
	return invalidArgument(err) > 0 || errors.As(err, &public) && public != nil
}

// hearsOutgoing reports whether s has handlers of OnAnyOutgoing.
func hearsOutgoing(s *Socket) bool {
	rare := s.on.rare.Load()
	return rare != nil && len(rare.outgoing.All()) > 0
}

// reportSent passes an event that is in the queue to the functions of OnAnyOutgoing, if
// there are any.
func reportSent(s *Socket, m *engineio.Message) {
	rare := s.on.rare.Load()
	if rare == nil {
		return
	}
	list := rare.outgoing.All()
	if len(list) == 0 {
		return
	}
	m.Keep() // the arguments share its memory
	f := s.ns.server.format
	e, err := f.Split(s.ns.name, m)
	if err != nil {
		report(s, "outgoing", err)
		return
	}
	args := Args{raw: e.Args, attachments: e.Attachments, codec: f.Codec()}
	for _, fn := range list {
		attempt(s, e.Name, func() { (*fn)(e.Name, args.clone()) })
	}
}
