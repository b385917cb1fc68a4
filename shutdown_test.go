// SPDX-License-Identifier: MIT

// This file holds the tests of Shutdown and Close, and of a server that is closed.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws/wstest"
	"socketio/siotest"
)

// Shutdown does not wait 30 s for a client that was disconnected and has vanished from
// polling.
func TestShutdownAfterDisconnect(t *testing.T) {
	memory(t, nil, func(w *world) {
		s := silentClient(w)
		_ = s.Emit("goodbye")
		s.CloseConn()
		time.Sleep(time.Second)
		begun := time.Now()
		if err := w.io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("Shutdown took %v", took)
		}
	})
}

// Shutdown sends queued messages, rejects new sessions, and returns when all handlers
// have ended.
func TestShutdown(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		release, ended := make(chan struct{}), newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("x", func() { <-release })
			s.OnDisconnect(func(r socketio.DisconnectReason) { ended.add(string(r)) })
		})
		p := w.join(transport)
		p.says(`2["x"]`)
		p.isOpen()
		for i := range 100 {
			mustEmit(t, w.io, "last words", i)
		}
		ctx, cancel := context.WithTimeout(context.Background(), w.patient)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- w.io.Shutdown(ctx) }()
		for i := range 100 {
			p.hears(fmt.Sprintf(`2["last words",%d]`, i))
		}
		p.isClosed(1001)
		select {
		case err := <-done:
			t.Errorf("Shutdown returns %v while a handler runs", err)
		default:
		}
		if status, _ := p.request("GET", "?EIO=4&transport=polling", ""); status != 503 {
			t.Errorf("a new session is answered %d, want 503", status)
		}
		close(release)
		if err := within(w, "the end of Shutdown", done); err != nil {
			t.Error(err)
		}
		want(t, "the reason", strings.Join(ended.all(), " "), string(socketio.ReasonShutdown))
		want(t, "open connections", w.io.Connections(), 0)
	})
}

// A Shutdown that waits for handlers until its context ends says so, in its error and in
// the log. One that a handler calls waits for that handler.
func TestShutdownNamesWhatRuns(t *testing.T) {
	log := new(logBook)
	memory(t, &socketio.Options{Logger: slog.New(slog.NewTextHandler(log, nil))}, func(w *world) {
		failed := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("stop", func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				failed <- w.io.Shutdown(ctx)
			})
		})
		w.join(websocket).says(`2["stop"]`)
		err := within(w, "the end of Shutdown", failed)
		const text = "socketio: Shutdown: handlers are still running (1): context deadline exceeded"
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != text {
			t.Errorf("Shutdown: %v, want %s", err, text)
		}
		const line = `msg="Shutdown does not wait longer for handlers; it must not be called from one" error="socketio: Shutdown: handlers are still running (1)`
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has %s, not %s", log.String(), line)
		}
	})
}

// Shutdown and Close end the acknowledgements that are awaited, of one socket and of many,
// with a reason.
func TestAwaitedAcknowledgementsEndWithTheServer(t *testing.T) {
	for name, end := range map[string]func(*world){
		"Close": func(w *world) { _ = w.io.Close() },
		"Shutdown": func(w *world) {
			ctx, cancel := context.WithTimeout(context.Background(), w.patient)
			defer cancel()
			_ = w.io.Shutdown(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				sockets := make(chan *socketio.Socket, 1)
				w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
				p := w.join(transport)
				s := within(w, "the socket", sockets)
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				one, many := s.Ask(ctx, "one"), w.io.Ask(ctx, "many")
				later := w.io.To(s.ID()).Ask(ctx, "room")
				for i, event := range []string{"one", "many", "room"} {
					p.hears(fmt.Sprintf("2%d[%q]", i, event))
				}
				end(w)
				p.isClosed(1001)
				if _, err := one.One(); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("that of a socket ends with %v", err)
				}
				for name, answers := range map[string]*socketio.Answers{"all": many, "a room": later} {
					_, err := answers.One()
					var silent *socketio.PartialError
					if !errors.As(err, &silent) || silent.Missing != 1 {
						t.Errorf("that of %s ends with %v", name, err)
					}
				}
				if _, err := s.EmitWithAck(ctx, "late"); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("one after the end: %v", err)
				}
			})
		})
	}
}

// Shutdown does not wait for the dead longer than a write may take.
func TestShutdownWithADeadClient(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		attends(w)
		dead := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		dead.Link().Stall(siotest.Both)
		if err := w.io.Send(strings.Repeat("x", 1<<20)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := w.io.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("Shutdown took %v", took)
		}
		want(t, "connections", w.io.Connections(), 0)
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

// Differs from upstream: a closed server stays closed, and a new Server takes its place
// in the same HTTP server.
func TestAfterClose(t *testing.T) {
	t.Run("trap 52", func(t *testing.T) {
		t.Run("another server", func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				var current atomic.Pointer[socketio.Server]
				current.Store(w.io)
				w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { current.Load().ServeHTTP(rw, r) })
				p := w.join(transport)
				for range 2 {
					if err := w.io.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
				p.isClosed(1001)
				if err := w.io.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("Emit after Close: %v", err)
				}
				if status, _ := p.request("GET", "?EIO=4&transport=polling", ""); status != 503 {
					t.Errorf("a new session gets %d, want 503", status)
				}
				next := socketio.NewServer(with(nil, engineio.DriverGoroutine))
				defer next.Close()
				echo(next)
				current.Store(next)
				q := w.join(transport)
				q.hears(`2["auth",{}]`)
			})
		})
		t.Run("the HTTP server has stopped", func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			io := newServer(t, &socketio.Options{Logger: slog.New(slog.DiscardHandler)})
			server, served := &http.Server{Handler: io}, make(chan struct{})
			go func() { defer close(served); _ = server.Serve(l) }()
			dial := func(ctx context.Context) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", l.Addr().String())
			}
			c, _, err := wstest.Dial(t.Context(), dial, "ws://"+l.Addr().String()+"/socket.io/?EIO=4&transport=websocket", nil)
			if err != nil || c == nil {
				t.Fatal(err)
			}
			_ = server.Close()
			<-served
			want(t, "connections", io.Connections(), 1)
			read := make(chan struct{})
			go func() {
				defer close(read)
				for err := error(nil); err == nil; _, _, err = c.ReadMessage() {
				}
				_ = c.Close()
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := io.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			want(t, "connections", io.Connections(), 0)
			<-read
		})
	})
}

// Close, unlike Shutdown, loses what is queued.
func TestCloseLosesWhatIsQueued(t *testing.T) {
	memory(t, nil, func(w *world) {
		p := w.open(polling)
		p.joins("/")
		w.settle()
		close(p.pause)
		w.settle()
		mustEmit(t, w.io, "last") // it ends the last poll
		p.hears(`2["last"]`)
		w.settle()
		mustEmit(t, w.io, "queued")
		_ = w.io.Close()
		status, body := p.request("GET", "?EIO=4&transport=polling&sid="+p.sid, "")
		if status != 400 || strings.Contains(body, "queued") {
			t.Errorf("the next poll is answered %d %q", status, body)
		}
	})
}

func TestCloseOfAnUnusedServer(t *testing.T) {
	t.Run("quirk 31", func(t *testing.T) {
		io := socketio.NewServer(nil) // no HTTP server has it
		for range 2 {
			if err := io.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if err := io.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown after Close: %v", err)
		}
	})
}

// An emit that fails because the server is closed returns an error.
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
