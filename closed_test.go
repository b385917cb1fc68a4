// SPDX-License-Identifier: MIT

// This file holds what an application is told that goes on with a server which is closed.

package socketio_test

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"testing"

	"socketio"
	"socketio/engineio"
)

// What can't be sent because the server is closed is no success.
func TestAClosedServerSaysSo(t *testing.T) {
	first := func(ctx context.Context, ask func(context.Context, string, ...any) iter.Seq2[socketio.Reply, error]) error {
		for _, err := range ask(ctx, "x") {
			return err
		}
		return nil
	}
	for _, how := range []string{"Close", "Shutdown", "Shutdown in no time"} {
		t.Run(how, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				io, ctx := w.io, w.Context()
				parent := io.OfPattern(regexp.MustCompile(`^/p\d$`))
				joined := make(chan *socketio.Socket, 2)
				io.OnConnection(func(s *socketio.Socket) { joined <- s })
				parent.OnConnection(func(s *socketio.Socket) { joined <- s })
				c := w.open(websocket)
				c.joins("/")
				s := <-joined
				c.joins("/p1")
				child := (<-joined).Namespace()
				remote, err := io.FetchSockets(ctx)
				if err != nil || len(remote) != 1 {
					t.Fatalf("FetchSockets: %v (%v)", remote, err)
				}

				calls := map[string]func() error{
					"Server.Emit":                  func() error { return io.Emit("x", 1) },
					"Server.Send":                  func() error { return io.Send(1) },
					"Server.EmitWithAck":           func() error { return first(ctx, io.EmitWithAck) },
					"Server.ServerSideEmit":        func() error { return io.ServerSideEmit("x") },
					"Server.ServerSideEmitWithAck": func() error { return first(ctx, io.ServerSideEmitWithAck) },
					"Broadcast.Emit":               func() error { return io.To("r").Except("q").Emit("x") },
					"Broadcast.Send":               func() error { return io.To("r").Send("x") },
					"Broadcast.EmitWithAck":        func() error { return first(ctx, io.To("r").EmitWithAck) },
					"Broadcast.Emit, volatile":     func() error { return io.Volatile().Emit("x") },
					"Broadcast.Emit, local":        func() error { return io.Local().Emit("x") },
					"Broadcast.Emit, of a socket":  func() error { return s.Broadcast().Emit("x") },
					"Namespace.Emit":               func() error { return io.Of("/a").Emit("x") },
					"Namespace.EmitWithAck":        func() error { return first(ctx, io.Of("/a").EmitWithAck) },
					"Namespace.ServerSideEmit":     func() error { return io.Of("/a").ServerSideEmit("x") },
					"Namespace.Emit, a new one":    func() error { return io.Of("/new").Emit("x") },
					"Namespace.Emit, one gone":     func() error { return child.Emit("x") },
					"ParentNamespace.Emit":         func() error { return parent.Emit("x") },
					"ParentNamespace.Send":         func() error { return parent.Send("x") },
					"ParentNamespace.EmitWithAck":  func() error { return first(ctx, parent.EmitWithAck) },
					"RemoteSocket.Emit":            func() error { return remote[0].Emit("x") },
					"Socket.Emit":                  func() error { return s.Emit("x") },
					"Socket.Send":                  func() error { return s.Send("x") },
					"Socket.EmitWithAck":           func() error { _, err := s.EmitWithAck(ctx, "x"); return err },
				}
				switch how {
				case "Close":
					io.Close()
				case "Shutdown":
					io.Shutdown(ctx)
				default:
					now, cancel := context.WithCancel(ctx)
					cancel()
					io.Shutdown(now)
				}
				for name, call := range calls {
					if err := call(); !errors.Is(err, socketio.ErrClosed) {
						t.Errorf("%s: %v, want ErrClosed", name, err)
					}
				}
			})
		})
	}
}

// An error of the engine and one of this package are one.
func TestErrClosedIsOneError(t *testing.T) {
	if !errors.Is(socketio.ErrClosed, engineio.ErrClosed) || !errors.Is(engineio.ErrClosed, socketio.ErrClosed) {
		t.Errorf("%v and %v are two errors", socketio.ErrClosed, engineio.ErrClosed)
	}
}
