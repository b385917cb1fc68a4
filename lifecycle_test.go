// SPDX-License-Identifier: MIT

// This file holds how a socket ends and what its context says of it, and how it leaves rooms.

package socketio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"socketio"
)

// The cause of a socket's context is ErrClosed, and wraps the error behind the end. It is
// the same for a context that was asked for before the end and for one asked for after.
func TestCauseOfTheEnd(t *testing.T) {
	for name, end := range map[string]struct {
		do    func(w *world, p *peer, s *socketio.Socket)
		cause error
	}{
		"the client leaves":        {func(_ *world, p *peer, _ *socketio.Socket) { p.says("1") }, socketio.ErrClosed},
		"the server ends it":       {func(_ *world, _ *peer, s *socketio.Socket) { s.Disconnect() }, socketio.ErrClosed},
		"its connection is closed": {func(_ *world, _ *peer, s *socketio.Socket) { s.CloseConn() }, socketio.ErrClosed},
		"the server is closed":     {func(w *world, _ *peer, _ *socketio.Socket) { _ = w.io.Close() }, socketio.ErrShutdown},
		"a message is too large":   {func(_ *world, p *peer, _ *socketio.Socket) { _ = p.tries(`2["` + string(make([]byte, 2000)) + `"]`) }, socketio.ErrTooLarge},
	} {
		for _, early := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				memory(t, &socketio.Options{MaxPayload: 1000}, func(w *world) {
					sockets, causes := make(chan *socketio.Socket, 1), make(chan error, 1)
					w.io.OnConnection(func(s *socketio.Socket) {
						if early {
							s.Context()
						}
						s.OnDisconnect(func(socketio.DisconnectReason) { causes <- context.Cause(s.Context()) })
						sockets <- s
					})
					p := w.join(websocket)
					end.do(w, p, within(w, "the connection", sockets))
					err := within(w, "the end", causes)
					if !errors.Is(err, socketio.ErrClosed) || !errors.Is(err, end.cause) {
						t.Errorf("the cause is %v, want ErrClosed and %v", err, end.cause)
					}
				})
			})
		}
	}
}

// Leave takes several rooms at once, also before the socket is let in.
func TestLeaveSeveralRooms(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			err := s.Join("a", "b", "c", "d")
			s.Leave("b", "d", "never joined")
			return err
		})
		rooms := make(chan []string, 2)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Leave(s.ID())
			rooms <- s.Rooms()
			_ = s.Join("e")
			s.Leave("a", "c", "never joined")
			rooms <- s.Rooms()
		})
		w.join(websocket)
		want(t, "rooms that are left", len(within(w, "the rooms", rooms)), 2)
		if got := within(w, "the rooms", rooms); len(got) != 1 || got[0] != "e" {
			t.Errorf("rooms: %v, want e alone", got)
		}
	})
}

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

// A middleware that goes on although its context has ended is counted until it returns.
// While there are too many, sockets that would meet a middleware are refused, and a
// warning says what to do; others join.
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

// What OnDisconnect emits while Shutdown runs still reaches other servers: the adapter is
// closed when the last handler has ended.
func TestEmitAtShutdownLeavesTheNode(t *testing.T) {
	twins(t, 2, nil, func(tw []twin) {
		w, here := tw[0].world, tw[0].node
		var heard atomic.Int32
		tw[1].io.OnServerSideEmit("left", func(string) { heard.Add(1) })
		errs := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) {
				w.settle() // Shutdown waits for this handler
				want(t, "the cluster was closed", here.Closed(), 0)
				errs <- w.io.ServerSideEmit("left", s.ID())
			})
		})
		w.join(websocket)
		if err := w.io.Shutdown(w.Context()); err != nil {
			t.Error(err)
		}
		if err := within(w, "the emit", errs); err != nil {
			t.Errorf("the emit fails: %v", err)
		}
		want(t, "events that left the node", heard.Load(), 1)
		want(t, "the cluster was closed", here.Closed(), 1)
		if err := w.io.ServerSideEmit("late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("after Shutdown: %v, want ErrClosed", err)
		}
	})
}
