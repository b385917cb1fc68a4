// SPDX-License-Identifier: MIT

// This file holds the tests of the context and the time limit of a middleware.

package socketio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio"
)

// The context of a middleware ends with a cause of its own for each end; the values are
// those of Options.Handshake.
func TestContextOfAMiddleware(t *testing.T) {
	type key struct{}
	for name, end := range map[string]struct {
		do    func(w *world, p *peer)
		cause error
	}{
		"its time is up":       {func(w *world, _ *peer) {}, socketio.ErrMiddlewareTimeout},
		"the client leaves":    {func(_ *world, p *peer) { p.says("1") }, socketio.ErrClosed},
		"the client is gone":   {func(_ *world, p *peer) { p.goes() }, socketio.ErrClosed},
		"the server is closed": {func(w *world, _ *peer) { _ = w.io.Close() }, socketio.ErrShutdown},
	} {
		t.Run(name, func(t *testing.T) {
			handshake := func(r *http.Request) (context.Context, error) {
				return context.WithValue(r.Context(), key{}, "a value"), nil
			}
			memory(t, &socketio.Options{Handshake: handshake}, func(w *world) {
				running, causes := make(chan bool, 1), make(chan error, 1)
				w.io.Use(func(ctx context.Context, _ *socketio.Socket) error {
					running <- ctx.Value(key{}) == "a value"
					<-ctx.Done()
					causes <- context.Cause(ctx)
					return ctx.Err()
				})
				p := w.open(websocket)
				p.says("0")
				want(t, "the value of the context is there", within(w, "the middleware", running), true)
				end.do(w, p)
				err := within(w, "the end", causes)
				if !errors.Is(err, end.cause) {
					t.Errorf("the cause is %v, want %v", err, end.cause)
				}
				if end.cause == socketio.ErrMiddlewareTimeout {
					want(t, "the timeout is an end of the socket", errors.Is(err, socketio.ErrClosed), false)
					p.hears(`4{"message":"timeout"}`)
				}
				w.settle()
				now, _ := socketio.Overdue(w.io, 0)
				want(t, "middlewares that are overdue", now, 0)
			})
		})
	}
}

// The context of a middleware ends when it has returned.
func TestContextOfAMiddlewareThatHasReturned(t *testing.T) {
	memory(t, nil, func(w *world) {
		contexts := make(chan context.Context, 1)
		w.io.Use(func(ctx context.Context, _ *socketio.Socket) error { contexts <- ctx; return nil })
		w.join(websocket)
		want(t, "its error", within(w, "the context", contexts).Err(), context.Canceled)
	})
}

// A middleware that continues although its context has ended is counted until it returns.
// While there are too many, sockets that need a middleware are rejected, and a warning
// gives the remedy; others join.
func TestMiddlewaresThatIgnoreTheirContext(t *testing.T) {
	memory(t, nil, func(w *world) {
		release := make(chan struct{})
		w.io.Use(func(context.Context, *socketio.Socket) error { <-release; return nil })
		w.io.Of("/free")
		p := w.open(websocket)
		p.says("0")
		w.settle()
		now, limit := socketio.Overdue(w.io, 0)
		want(t, "overdue before the time is up", now, 0)
		p.hears(`4{"message":"timeout"}`)
		now, _ = socketio.Overdue(w.io, 0)
		want(t, "overdue then", now, 1)
		socketio.Overdue(w.io, limit-1)
		busy := w.open(websocket)
		busy.says("0")
		busy.hears(`4{"message":"server busy"}`)
		busy.joins("/free")
		want(t, "warnings that name the remedy", strings.Count(w.log.String(), "pass ctx to whatever they wait for"), 1)
		socketio.Overdue(w.io, 1-limit)
		close(release)
		w.settle()
		now, _ = socketio.Overdue(w.io, 0)
		want(t, "overdue at the end", now, 0)
		busy.joins("/")
	})
}

// A decision that takes too long rejects: a middleware, and the function of OfMatch.
// Other clients do not wait.
func TestMiddlewareTimeout(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MiddlewareTimeout: 5 * time.Second}}, func(w *world) {
		gate := make(chan struct{})
		slow := func(_ context.Context, s *socketio.Socket) error {
			if string(s.Handshake().Auth) == `{}` {
				<-gate
				if s.Context().Err() == nil {
					t.Error("the context goes on after the time is up")
				}
			}
			return nil
		}
		w.io.Use(slow)
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			if name == "/slow" {
				<-gate
			}
			return name == "/slow"
		})
		p := w.open(websocket)
		start := time.Now()
		p.says(`0`, `0/slow,`)
		other := w.open(websocket)
		other.joins("/", `{"fast":true}`)
		p.hears(`4*{"message":"timeout"}`, `4*{"message":"timeout"}`)
		if d := time.Since(start); d < 5*time.Second || d > 6*time.Second {
			t.Errorf("it took %v", d)
		}
		p.isOpen()
		close(gate)
		w.settle()
		want(t, "sockets", len(w.io.Sockets()), 1)
		p.joins("/", `{"fast":true}`)
	})
}

// A middleware that does not decide in time has rejected, whatever it returns later.
func TestMiddlewareTimeoutAtItsBound(t *testing.T) {
	const limit = 7 * time.Second
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{Limits: socketio.SocketLimits{MiddlewareTimeout: limit}}, func(w *world) {
				takes := make(chan time.Duration, 4)
				over := make(chan error, 4)
				slow := w.io.Of("/slow")
				slow.Use(func(_ context.Context, s *socketio.Socket) error {
					<-time.After(<-takes)
					over <- s.Context().Err()
					return nil
				})
				slow.OnConnection(func(s *socketio.Socket) { _ = s.Emit("in") })
				p := w.join(transport)

				takes <- limit - time.Millisecond
				p.joins("/slow")
				p.hears(`2/slow,["in"]`)
				want(t, "the context of one that is let in", within(w, "the middleware", over), nil)
				p.says(`1/slow,`)

				start := time.Now()
				takes <- limit + time.Second
				p.says(`0/slow,`)
				p.hears(`4/slow,{"message":"timeout"}`)
				if d := time.Since(start); d < limit || d > limit+time.Millisecond {
					t.Errorf("the refusal came after %v, want %v", d, limit)
				}
				want(t, "the context of one that is not", within(w, "the middleware", over), context.Canceled)
				p.hearsNothing()

				takes <- 0
				p.joins("/slow")
				p.hears(`2/slow,["in"]`)
			})
		})
	}
}
