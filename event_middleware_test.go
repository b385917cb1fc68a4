// SPDX-License-Identifier: MIT

// This file holds the tests of the middleware of events.

package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

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

// A middleware may drop an event, fail it, or change it.
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

// An errList is an error that can't be compared; a detailed one panics when it is.
type errList []string

func (e errList) Error() string { return strings.Join(e, ",") }

type detailed struct{ details any }

func (detailed) Error() string { return "detailed" }

type explosiveIs struct{}

func (explosiveIs) Error() string   { return "explosive" }
func (explosiveIs) As(any) bool     { panic("boom") }
func (explosiveIs) Is(error) bool   { panic("boom") }
func (explosiveIs) Unwrap() []error { panic("boom") }

// An error of a handler that a middleware returns is reported once, whatever its type.
func TestEventMiddlewarePassesErrorsOn(t *testing.T) {
	for name, err := range map[string]error{
		"a list": errList{"a"}, "a struct with a map": detailed{map[string]string{}}, "one with methods that panic": explosiveIs{},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				errs := newList()
				w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs.add(err.Event) })
				w.io.OnConnection(func(s *socketio.Socket) {
					s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
						return next(ctx, e)
					})
					s.On("x", func() error { return err })
				})
				p := w.join(websocket)
				p.says(`21["x"]`)
				p.hears(`31[{"error":{"message":"internal error","code":""}}]`)
				p.isOpen()
				if n := len(errs.all()); n != 1 && name != "one with methods that panic" {
					t.Errorf("%d reports", n)
				}
			})
		})
	}
}

// A middleware that stops waiting for slow handlers answers in time. The next event waits
// for them, and no other event gets their answer.
func TestEventMiddlewareWithATimeLimit(t *testing.T) {
	memory(t, nil, func(w *world) {
		order := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				done := make(chan error, 1)
				go func() { done <- next(ctx, e) }()
				select {
				case err := <-done:
					return err
				case <-time.After(time.Second):
					return &socketio.PublicError{Message: "too slow"}
				}
			})
			s.On("slow", func() string { time.Sleep(1500 * time.Millisecond); order.add("slow"); return "secret of " + s.ID() })
			s.On("ask", func() string { time.Sleep(900 * time.Millisecond); order.add("ask"); return "mine" })
		})
		a, b := w.join(websocket), w.join(websocket)
		a.says(`21["slow"]`, `22["ask"]`)
		a.hears(`31[{"error":{"message":"too slow","code":""}}]`)
		b.says(`27["ask"]`)
		b.hears(`37["mine"]`)
		a.hears(`32["mine"]`)
		a.hearsNothing()
		b.hearsNothing()
		want(t, "the order", strings.Join(order.all(), " "), "slow ask ask")
	})
}

// A next that is kept does nothing after the event is over.
func TestEventMiddlewareKeepsNext(t *testing.T) {
	memory(t, nil, func(w *world) {
		kept := make(chan func() error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				kept <- func() error { return next(ctx, e) }
				return nil
			})
			s.On("x", func() { t.Error("the handler ran") })
		})
		p := w.join(websocket)
		p.says(`2["x"]`)
		next := within(w, "the middleware", kept)
		w.settle()
		if err := next(); err == nil || !strings.Contains(err.Error(), "ended") {
			t.Errorf("next afterwards: %v", err)
		}
	})
}

// An inner middleware that panics inside one with a time limit fails only its event, and
// one that is reached after the event is over does not run.
func TestEventMiddlewareUnderATimeLimit(t *testing.T) {
	memory(t, nil, func(w *world) {
		gate := make(chan struct{})
		late := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name == "late" {
					go func() { <-gate; late <- next(ctx, e) }()
					return nil
				}
				done := make(chan error, 1)
				go func() { done <- next(ctx, e) }()
				return <-done
			})
			s.Use(func(_ context.Context, e socketio.Event, _ func(context.Context, socketio.Event) error) error {
				if e.Name == "late" {
					t.Error("the inner middleware ran")
				}
				panic("boom")
			})
		})
		p := w.join(websocket)
		p.says(`21["x"]`)
		p.hears(`31[{"error":{"message":"internal error","code":""}}]`)
		p.says(`2["late"]`)
		w.settle()
		close(gate)
		if err := within(w, "next", late); err == nil {
			t.Error("next of an event that is over gives no error")
		}
		p.isOpen()
	})
}
