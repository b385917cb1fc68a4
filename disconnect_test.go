// SPDX-License-Identifier: MIT

// This file holds the tests of the end of a socket: its handlers, reasons and cause, and
// late packets.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// The cause of a socket's context is ErrClosed, and wraps the error behind the end. It is
// the same whether Context was called before the end or after it.
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

// When the peer disconnects, Context ends and broadcasts stop at once, events that have
// arrived are handled, then OnDisconnecting runs with the rooms, then OnDisconnect
// without them.
func TestThePeerGoes(t *testing.T) {
	for name, leave := range map[string]func(p *peer){
		"client leaves the namespace": func(p *peer) { p.says(`1`) },
		"connection lost":             func(p *peer) { p.goes() },
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				order := newList()
				holding, release := make(chan struct{}), make(chan struct{})
				w.io.OnConnection(func(s *socketio.Socket) {
					if s.Join("a", "b") != nil {
						t.Error("no room to join")
					}
					rooms := func() string {
						r := strings.Fields(strings.Replace(strings.Join(s.Rooms(), " "), s.ID(), "own", 1))
						slices.Sort(r)
						return strings.Join(r, " ")
					}
					s.On("hold", func(ctx context.Context) {
						close(holding)
						<-ctx.Done()
						<-release
						if s.Connected() {
							t.Error("the socket is no longer connected")
						}
						if err := s.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
							t.Errorf("an emit to who has left fails with ErrClosed, not %v", err)
						}
						if len(w.io.Sockets()) != 0 {
							t.Error("the socket is no longer among the sockets")
						}
						if err := w.io.To("a").Emit("late"); err != nil {
							t.Errorf("a broadcast that reaches nobody is no error: %v", err)
						}
						order.add("hold")
					})
					s.On("queued", func(ctx context.Context, n int) { order.add(fmt.Sprint("queued ", n, " ", ctx.Err())) })
					s.OnDisconnect(func(r socketio.DisconnectReason) {
						order.add("disconnect " + string(r) + " [" + rooms() + "]")
					})
					s.OnDisconnecting(func(r socketio.DisconnectReason) {
						want(t, "the rooms while disconnecting", rooms(), "a b own")
						order.add("disconnecting")
						if s.Join("c") != nil || slices.Contains(s.Rooms(), "c") {
							t.Error("who has gone joins no room")
						}
					})
				})
				p := w.join(transport)
				p.says(`2["hold"]`, `2["queued",1]`, `2["queued",2]`)
				within(w, "the handler", holding)
				leave(p)
				close(release)
				got := order.await(w, 5)
				reason := "client namespace disconnect"
				if name == "connection lost" {
					reason = "transport close"
				}
				want(t, "what happened", strings.Join(got, ", "),
					"hold, queued 1 context canceled, queued 2 context canceled, disconnecting, disconnect "+reason+" []")
			})
		})
	}
}

// After our own Disconnect, queued events are dropped.
func TestDisconnectDropsWhatIsQueued(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		order, holding := newList(), make(chan struct{})
		read := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("hold", func(ctx context.Context) {
				close(holding)
				<-read
				s.Disconnect()
				s.Disconnect() // the second does nothing
				order.add(fmt.Sprint("hold ", ctx.Err()))
			})
			s.On("queued", func() { order.add("queued") })
			s.OnDisconnecting(func(socketio.DisconnectReason) { order.add("disconnecting") })
			s.OnDisconnect(func(r socketio.DisconnectReason) { order.add(string(r)) })
		})
		p := w.join(transport)
		p.says(`2["hold"]`, `2["queued"]`, `2["queued"]`)
		within(w, "the handler", holding)
		p.isOpen() // all has been read
		close(read)
		p.hears(`1`)
		got := order.await(w, 3)
		want(t, "what happened", strings.Join(got, ", "), "hold context canceled, disconnecting, server namespace disconnect")
		p.isOpen()
		want(t, "things that happened", len(order.all()), 3)
	})
}

// Everything at once: no event runs after OnDisconnect, whatever the order of arrival.
func TestNothingRunsAfterOnDisconnect(t *testing.T) {
	tcp(t, nil, func(w *world) {
		var wg sync.WaitGroup
		wg.Add(40) // before there is a waiter
		w.io.OnConnection(func(s *socketio.Socket) {
			var mu sync.Mutex
			ended := false
			s.On("x", func() {
				mu.Lock()
				defer mu.Unlock()
				if ended {
					t.Error("an event runs after OnDisconnect")
				}
			})
			s.OnDisconnect(func(socketio.DisconnectReason) {
				mu.Lock()
				defer mu.Unlock()
				if ended {
					t.Error("OnDisconnect runs twice")
				}
				ended = true
				wg.Done()
			})
			go func() {
				for range 20 {
					_ = s.Emit("y")
				}
				s.CloseConn()
			}()
		})
		for range 40 {
			p := w.join(websocket) // an event before the answer may end the connection before there is a socket
			for range 30 {
				_ = p.tries(`2["x"]`)
			}
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		within(w, "the end of all sockets", done)
	})
}

func TestDisconnectReasons(t *testing.T) {
	for reason, end := range map[socketio.DisconnectReason]func(w *world, p *peer, s *socketio.Socket){
		socketio.ReasonClientDisconnect: func(w *world, p *peer, s *socketio.Socket) { p.says(`1`) },
		socketio.ReasonServerDisconnect: func(w *world, p *peer, s *socketio.Socket) { s.CloseConn() },
		socketio.ReasonShutdown:         func(w *world, p *peer, s *socketio.Socket) { _ = w.io.Close() },
		socketio.ReasonPingTimeout:      func(w *world, p *peer, s *socketio.Socket) { p.mute.Store(true) },
		socketio.ReasonTransportClose:   func(w *world, p *peer, s *socketio.Socket) { p.goes() },
		socketio.ReasonTransportError:   func(w *world, p *peer, s *socketio.Socket) { _ = p.write("2") },
		socketio.ReasonParseError:       func(w *world, p *peer, s *socketio.Socket) { _ = p.write("9") },
		socketio.ReasonForcedClose:      func(w *world, p *peer, s *socketio.Socket) { _ = p.tries(`9`) },
	} {
		t.Run(string(reason), func(t *testing.T) {
			opts := &socketio.Options{PingInterval: 100 * time.Millisecond, PingTimeout: time.Hour}
			if reason == socketio.ReasonPingTimeout {
				opts.PingTimeout = 3 * time.Second
			}
			overBoth(t, opts, func(w *world, transport string) {
				sockets, reasons := make(chan *socketio.Socket, 2), newList()
				for _, name := range []string{"/", "/other"} {
					w.io.Of(name).OnConnection(func(s *socketio.Socket) {
						s.OnDisconnecting(func(r socketio.DisconnectReason) { reasons.add(string(r)) })
						s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(string(r)) })
						sockets <- s
					})
				}
				p := w.join(transport)
				s := within(w, "the connection", sockets)
				expected := 2
				if reason != socketio.ReasonClientDisconnect { // it ends one namespace, the others end both
					p.joins("/other")
					within(w, "the other connection", sockets)
					expected = 4
				}
				end(w, p, s)
				for _, r := range reasons.await(w, expected) {
					want(t, "the reason", r, string(reason))
				}
			})
		})
	}
}

// CloseConn sends a DISCONNECT in every namespace, then closes the connection.
func TestDisconnectAll(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("bye", func() { s.CloseConn() })
		})
		w.io.Of("/other")
		p := w.join(transport)
		p.joins("/other")
		p.says(`2["bye"]`)
		heard := newList()
		for range 2 {
			got, err := p.next()
			if err != nil {
				w.Fatal(err)
			}
			heard.add(got.text)
		}
		got := heard.all()
		slices.Sort(got)
		want(t, "the goodbyes", strings.Join(got, " "), `1 1/other,`)
		p.isClosed(1000)
	})
}

func TestEventsAfterTheEnd(t *testing.T) {
	t.Run("trap 43", func(t *testing.T) {
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
	})
}

func TestDisconnectNotifiesEveryNamespace(t *testing.T) {
	t.Run("trap 44", func(t *testing.T) {
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
	})
}

// Packets in transit when the server made the client leave a namespace are ignored, and
// the client may join it again.
func TestLatePacketsAreIgnored(t *testing.T) {
	t.Run("quirk 11", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			sockets, heard := make(chan *socketio.Socket, 2), newList()
			w.io.Of("/short").OnConnection(func(s *socketio.Socket) {
				s.On("late", func() { heard.add("late") })
				sockets <- s
			})
			p := w.open(transport)
			p.joins("/short")
			within(w, "the connection", sockets).Disconnect()
			p.hears(`1/short,`)
			p.says(`2/short,["late"]`, `51-/short,["late",{"_placeholder":true,"num":0}]`, []byte{1}, `3/short,0[]`, `1/short,`)
			p.isOpen()
			want(t, "events", len(heard.all()), 0)
			p.joins("/short") // and it may come back
		})
	})
	t.Run("from a client that joins again", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			calls := newList()
			w.io.Of("/short").OnConnection(func(s *socketio.Socket) {
				s.On("leave", func() { s.Disconnect() })
				s.On("late", func() { calls.add("late") })
			})
			p := w.join(transport)
			p.joins("/short")
			p.says(`2/short,["leave"]`)
			p.hears(`1/short,`)
			p.says(`2/short,["late"]`, `3/short,5[]`, `51-/short,["late",{"_placeholder":true,"num":0}]`, []byte{1}, `1/short,`)
			p.isOpen()
			p.joins("/short")
			p.says(`2/short,["late"]`)
			calls.await(w, 1)
			p.isOpen()
			want(t, "events after the return", len(calls.all()), 1)
		})
	})
}

// A connection that closes while its client does not read drops what the client still
// sends: long texts, which are decoded on goroutines of their own, must not collide
// there.
func TestTextsAfterTheEnd(t *testing.T) {
	bursts := make([][]byte, 20)
	for i := range bursts {
		bursts[i] = wstest.Frame(ws.Text, true, []byte(fmt.Sprintf(`42/n%d,["e","%s"]`, i, strings.Repeat("y", 900<<10))))
		for range 10 {
			bursts[i] = append(bursts[i], wstest.Frame(ws.Text, true, []byte(`42/other,["e"]`))...)
		}
	}
	play := func(w *world) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		c, _, err := w.dialWebSocket("", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.WriteText("40"); err != nil {
			t.Fatal(err)
		}
		s := within(w, "the socket", sockets)
		_ = s.Emit("big", strings.Repeat("x", 16<<20)) // more than the network buffers
		begun := time.Now()
		s.CloseConn()
		for _, burst := range bursts {
			// A closing connection stands for 10 s, and the machine may be slow.
			if err := c.WriteFrame(burst); err != nil && time.Since(begun) < 10*time.Second {
				t.Fatal(err)
			} else if err != nil {
				return
			}
		}
	}
	t.Run("memory", func(t *testing.T) { memory(t, nil, play) })
	t.Run("tcp", func(t *testing.T) { tcp(t, nil, play) })
}
