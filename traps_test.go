// SPDX-License-Identifier: MIT

// This file holds the conformance traps of the server, by the numbers of
// docs/conformance.md: what closes a connection, namespaces, middleware, and the
// end of sockets and servers. Others are in traps_broadcast_test.go.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws/wstest"
)

// TestTrap32DecoderOfANewConnection: half a packet does not outlive its
// connection.
func TestTrap32DecoderOfANewConnection(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		echo(w.io)
		p := w.join(transport)
		p.hears(`2["auth",{}]`)
		p.says(`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1})
		p.goes()
		p = w.join(transport)
		p.hears(`2["auth",{}]`)
		p.says(`2["message","new"]`)
		p.hears(`2["message-back","new"]`)
	})
}

func TestTrap33ViolationsCloseTheConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		joins bool
		says  []any
	}{
		"CONNECT twice":             {true, []any{`0`}},
		"EVENT before CONNECT":      {false, []any{`2["message"]`}},
		"ACK before CONNECT":        {false, []any{`30[]`}},
		"DISCONNECT before CONNECT": {false, []any{`1`}},
		"EVENT of another one":      {true, []any{`2/custom,["message"]`}},
		"garbage":                   {true, []any{`abc`}},
		"garbage before CONNECT":    {false, []any{`abc`}},
		"half a payload":            {true, []any{`2["message"`}},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				echo(w.io)
				bystander := w.join(transport)
				bystander.hears(`2["auth",{}]`)
				p := w.open(transport)
				if tt.joins {
					p.joins("/")
				}
				_ = p.tries(tt.says...)
				p.isClosed(1002)
				bystander.says(`2["message"]`)
				bystander.hears(`2["message-back"]`)
			})
		})
	}
}

func TestTrap34NoNamespaceInTime(t *testing.T) {
	memory(t, nil, func(w *world) {
		for _, transport := range []string{polling, websocket} {
			start := time.Now()
			p := w.open(transport)
			p.says(`0/nowhere,`)
			p.hears(`4/nowhere,{"message":"Invalid namespace"}`)
			member := w.join(transport)
			p.isClosed(1008)
			if took := time.Since(start).Round(time.Second); took != 45*time.Second {
				t.Errorf("who joins nothing is closed after 45 s, not %v", took)
			}
			member.isOpen()
		}
	})
}

func TestTrap35StrayBinary(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		echo(w.io)
		for _, joined := range []bool{false, true} {
			p := w.open(transport)
			if joined {
				p.joins("/")
			}
			_ = p.tries([]byte{1, 2, 3})
			p.isClosed(1002)
		}
		p := w.join(transport) // the server goes on
		p.hears(`2["auth",{}]`)
		if log := w.log.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("the log has an error:\n%s", log)
		}
	})
}

func TestTrap36EmptyNamespaceIsMain(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		if w.io.Of("") != w.io.Of("/") || w.io.Of("custom") != w.io.Of("/custom") {
			t.Error("a missing slash makes another namespace")
		}
		w.io.Of("").OnConnection(func(s *socketio.Socket) { _ = s.Emit("in", s.Namespace().Name()) })
		for _, connect := range []string{`0`, `0/`, `0/,`} {
			p := w.open(transport)
			p.says(connect)
			p.hears(`0{"sid":"*"}`, `2["in","/"]`)
		}
	})
}

func TestTrap37RoomsWhileDisconnecting(t *testing.T) {
	for name, end := range map[string]func(p *peer, s *socketio.Socket){
		"by the client": func(p *peer, _ *socketio.Socket) { p.says(`1`) },
		"by the server": func(_ *peer, s *socketio.Socket) { s.Disconnect() },
		"by its end":    func(p *peer, _ *socketio.Socket) { p.goes() },
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				heard, sockets := newList(), make(chan *socketio.Socket, 1)
				w.io.OnConnection(func(s *socketio.Socket) {
					_ = s.Join("a", "b")
					rooms := func() string {
						r := s.Rooms()
						slices.Sort(r)
						return strings.Replace(strings.Join(r, " "), s.ID(), "own", 1)
					}
					s.OnDisconnecting(func(socketio.DisconnectReason) { heard.add(fmt.Sprint(len(s.Rooms()))) })
					s.OnDisconnect(func(socketio.DisconnectReason) { heard.add("[" + rooms() + "]") })
					sockets <- s
				})
				p := w.join(transport)
				end(p, within(w, "the connection", sockets))
				want(t, "the rooms before and after", strings.Join(heard.await(w, 2), " "), "3 []")
			})
		})
	}
}

func TestTrap41ConnectedAfterTheMiddleware(t *testing.T) {
	t.Run("connected", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			states := newList()
			w.io.Use(func(_ context.Context, s *socketio.Socket) error { states.add(fmt.Sprint(s.Connected())); return nil })
			w.io.Use(func(_ context.Context, s *socketio.Socket) error { states.add(fmt.Sprint(s.Connected())); return nil })
			w.io.OnConnection(func(s *socketio.Socket) { states.add(fmt.Sprint(s.Connected())) })
			w.join(transport)
			want(t, "in two middlewares and the handler", strings.Join(states.await(w, 3), " "), "false false true")
		})
	})
	t.Run("the client goes meanwhile", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			sockets, ended := make(chan *socketio.Socket, 1), make(chan struct{})
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				sockets <- s
				<-s.Context().Done()
				close(ended)
				return nil // too late
			})
			w.io.OnConnection(func(*socketio.Socket) { t.Error("the socket has joined") })
			p := w.open(transport)
			p.says(`0`)
			s := within(w, "the middleware", sockets)
			p.goes()
			within(w, "its end", ended)
			want(t, "connected", s.Connected(), false)
			want(t, "sockets", len(w.io.Sockets()), 0)
		})
	})
	t.Run("data of the error", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			w.io.Use(func(context.Context, *socketio.Socket) error {
				return &socketio.ConnectError{Message: "no", Data: map[string]any{"code": 7}}
			})
			p := w.open(transport)
			p.says(`0`)
			p.hears(`4{"message":"no","data":{"code":7}}`)
		})
	})
}

func TestTrap42RoomsOfTheRefused(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.Of("/picky").Use(func(_ context.Context, s *socketio.Socket) error {
			sockets <- s
			_ = s.Join("room")
			return errors.New("no")
		})
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		p := w.open(transport)
		p.says(`0/picky,`)
		p.hears(`4/picky,{"message":"no"}`)
		want(t, "rooms of who was refused", len(within(w, "the middleware", sockets).Rooms()), 0)
		p.joins("/")
		s := within(w, "the connection", sockets)
		s.Disconnect()
		p.hears(`1`)
		if err := s.Join("room"); err != nil || slices.Contains(s.Rooms(), "room") {
			t.Errorf("Join after the end: %v, in rooms %v", err, s.Rooms())
		}
		_ = w.io.Of("/picky").To("room").Emit("x")
		_ = w.io.To("room").Emit("x")
		p.isOpen() // and nothing comes before the answer
	})
}

func TestTrap43EventsAfterTheEnd(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		heard, holding, read := newList(), make(chan struct{}), make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("hold", func() {
				close(holding)
				<-read
				s.Disconnect()
			})
			s.On("late", func() { heard.add("late") })
			s.OnAny(func(event string, _ socketio.Args) { heard.add("any " + event) })
			s.OnDisconnect(func(socketio.DisconnectReason) { heard.add("end") })
		})
		p := w.join(transport)
		p.says(`2["hold"]`, `2["late"]`)
		within(w, "the handler", holding)
		p.isOpen() // "late" has been read
		close(read)
		p.hears(`1`)
		p.says(`2["late"]`)
		p.isOpen()
		want(t, "what was heard", strings.Join(heard.await(w, 2), ", "), "any hold, end")
	})
}

func TestTrap44DisconnectNotifiesEveryNamespace(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		sockets, names := make(chan *socketio.Socket, 1), []string{"/", "/a", "/b"}
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		p := w.open(transport)
		for _, name := range names {
			w.io.Of(name)
			p.joins(name)
		}
		within(w, "the connection", sockets).CloseConn()
		var heard []string
		for range names {
			got, err := p.next()
			if err != nil {
				w.Fatal(err)
			}
			heard = append(heard, got.text)
		}
		slices.Sort(heard)
		want(t, "the goodbyes", strings.Join(heard, " "), `1 1/a, 1/b,`)
		p.isClosed(1000)
	})
}

func TestTrap50OldClients(t *testing.T) {
	setup := func(io *socketio.Server) {
		io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("id", s.ID(), s.Handshake().Query().Get("token")) })
		io.Of("/custom").OnConnection(func(s *socketio.Socket) { _ = s.Emit("auth", s.Handshake().Auth) })
	}
	overOld(t, setup, func(w *world, transport string) {
		p := w.openOld(transport, "&token=t")
		p.hears(`0`, `2["id","`+p.sid+`","t"]`) // nobody asked for "/"
		p.says(`0/custom?token=u,`)
		p.hears(`0/custom,`, `2/custom,["auth",{"token":"u"}]`)
	})
}

// We decided otherwise: what is closed stays closed, and a new Server takes its
// place in the same HTTP server.
func TestTrap52AfterClose(t *testing.T) {
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
}
