// SPDX-License-Identifier: MIT

// This file holds the middleware of events, and handlers that end their goroutine.

package socketio_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"socketio"
)

// Middlewares of events run around the handlers, in order, after the catch-alls.
func TestEventMiddleware(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		calls := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			for _, name := range []string{"outer", "inner"} {
				s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
					calls.add(name + " " + e.Name)
					err := next(context.WithValue(ctx, ctxKey{}, name), e)
					calls.add(name + " ends")
					return err
				})
			}
			s.OnAny(func(string, socketio.Args) { calls.add("any") })
			s.On("ask", func(ctx context.Context, n int) int {
				calls.add("handler " + ctx.Value(ctxKey{}).(string))
				return n + 1
			})
		})
		p := w.join(transport)
		p.says(`21["ask",41]`)
		p.hears(`31[42]`)
		want(t, "calls", strings.Join(calls.await(w, 6), ", "), "any, outer ask, inner ask, handler inner, inner ends, outer ends")
	})
}

// A middleware may keep an event back, fail it, or change it.
func TestEventMiddlewareDecides(t *testing.T) {
	memory(t, nil, func(w *world) {
		errs := newList()
		handled := errors.New("of the handler")
		w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs.add(err.Event + ": " + err.Err.Error()) })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				switch e.Name {
				case "keep":
					return nil
				case "refuse":
					return &socketio.PublicError{Message: "not you", Code: "denied"}
				case "secret":
					return errors.New("secret")
				case "panic":
					panic("boom")
				case "rename":
					e.Name = "ask"
				case "twice":
					_ = next(ctx, e)
				}
				return next(ctx, e)
			})
			s.On("ask", func(n int) int { return n + 1 })
			s.On("keep", func() { t.Error("it was kept back") })
			s.On("fail", func() error { return handled })
			s.On("twice", func() { errs.add("ran") })
		})
		p := w.join(websocket)
		p.says(`21["refuse"]`, `22["secret"]`, `23["panic"]`, `24["rename",1]`, `25["fail"]`, `26["keep"]`, `27["twice"]`)
		p.hears(`31[{"error":{"message":"not you","code":"denied"}}]`, `32[{"error":{"message":"internal error","code":""}}]`,
			`33[{"error":{"message":"internal error","code":""}}]`, `34[2]`, `35[{"error":{"message":"internal error","code":""}}]`, `37[]`)
		want(t, "errors", strings.Join(errs.await(w, 6), ", "),
			"refuse: not you, secret: secret, panic: panic: boom, fail: of the handler, ran, twice: socketio: a middleware called next twice")
	})
}

// A handler that ends its goroutine, as t.FailNow does, costs that event alone.
func TestGoexitInAHandler(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		gone := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("exit", func() { runtime.Goexit() })
			s.On("ask", func(n int) int { return n })
			s.OnDisconnect(func(socketio.DisconnectReason) { close(gone) })
		})
		p := w.join(transport)
		p.says(`2["exit"]`, `21["ask",1]`, `2["exit"]`, `22["ask",2]`)
		p.hears(`31[1]`, `32[2]`)
		p.goes()
		within(w, "the end of the socket", gone)
	})
}
