// SPDX-License-Identifier: MIT

// This file holds the concurrency contract of the package comment, sentence by
// sentence.

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
)

// The connection handler is the first thing a socket runs.
func TestConnectionHandlerRunsFirst(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		order, release := newList(), make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("x", func(n int) { order.add(fmt.Sprint("event ", n)) })
			<-release
			order.add("connection")
		})
		w.io.OnConnection(func(*socketio.Socket) { order.add("second connection handler") })
		p := w.join(transport)
		p.says(`2["x",1]`, `2["x",2]`)
		p.isOpen() // the events have been read
		close(release)
		got := order.await(w, 4)
		want(t, "the order", strings.Join(got, ", "), "connection, second connection handler, event 1, event 2")
	})
}

// Handlers of one socket run one at a time and in order; those of different
// sockets at once.
func TestHandlersRunOneAtATime(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		var running sync.Mutex // of the sockets' own handlers
		order, blocked, release := newList(), make(chan string, 2), make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			var mine sync.Mutex
			s.On("x", func(n int) {
				if !mine.TryLock() {
					t.Error("two handlers of a socket run at once")
				}
				defer mine.Unlock()
				running.Lock()
				order.add(fmt.Sprint(n))
				running.Unlock()
			})
			s.On("block", func() { blocked <- s.ID(); <-release })
		})
		a, b := w.join(transport), w.join(transport)
		for i := range 200 {
			a.says(fmt.Sprintf(`2["x",%d]`, i))
		}
		got := order.await(w, 200)
		if !slices.IsSortedFunc(got, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) }) {
			t.Errorf("events are handled in order, not %v", got)
		}
		a.says(`2["block"]`)
		b.says(`2["block"]`)
		within(w, "the first handler", blocked)
		within(w, "the second, at the same time", blocked)
		close(release)
	})
}

// What one goroutine emits to one socket arrives in that order, direct emits and
// broadcasts mixed.
func TestDirectEmitsAndBroadcastsKeepTheirOrder(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		w.io.OnConnection(func(s *socketio.Socket) {
			if err := s.Join("room"); err != nil {
				t.Error(err)
			}
			s.On("go", func() {
				for i := 0; i < 300; i += 5 {
					_ = s.Emit("n", i)
					_ = w.io.Emit("n", i+1)
					_ = w.io.To("room").Emit("n", i+2, []byte{byte(i)})
					_ = w.io.To(s.ID()).Emit("n", i+3)
					_ = s.Send(i + 4)
				}
			})
		})
		p := w.join(transport)
		p.says(`2["go"]`)
		for i := 0; i < 300; i += 5 {
			p.hears(fmt.Sprintf(`2["n",%d]`, i), fmt.Sprintf(`2["n",%d]`, i+1),
				fmt.Sprintf(`51-["n",%d,{"_placeholder":true,"num":0}]`, i+2), []byte{byte(i)},
				fmt.Sprintf(`2["n",%d]`, i+3), fmt.Sprintf(`2["message",%d]`, i+4))
		}
	})
}

// When the peer goes: Context ends and broadcasts stop at once, what has arrived
// is handled, then OnDisconnecting with the rooms, then OnDisconnect without.
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
							t.Error("the socket is not connected any more")
						}
						if err := s.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
							t.Errorf("an emit to who has left fails with ErrClosed, not %v", err)
						}
						if len(w.io.Sockets()) != 0 {
							t.Error("the socket is not among the sockets any more")
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

// An acknowledgement does not wait behind queued events, and may be awaited in a
// handler, also in the connection handler and in a middleware.
func TestAwaitingInsideHandlers(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		order := newList()
		ask := func(s *socketio.Socket, what string) string {
			ctx, cancel := context.WithTimeout(s.Context(), w.patient)
			defer cancel()
			reply, err := s.EmitWithAck(ctx, "ask", what)
			var answer string
			if err == nil {
				err = reply.Decode(&answer)
			}
			if err != nil {
				t.Errorf("asking %s: %v", what, err)
			}
			return answer
		}
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			order.add(ask(s, "middleware"))
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("go", func() string {
				order.add(ask(s, "handler"))
				return "done"
			})
			s.On("queued", func() { order.add("queued") })
			order.add(ask(s, "connection"))
		})
		p := w.open(transport)
		p.says(`0`)
		p.hears(`20["ask","middleware"]`)
		p.says(`30["from the middleware"]`)
		p.hears(`0{"sid":"*"}`, `21["ask","connection"]`)
		p.says(`27["go"]`, `2["queued"]`, `31["from the connection"]`)
		p.hears(`22["ask","handler"]`)
		p.says(`2["queued"]`, `32["from the handler"]`)
		p.hears(`37["done"]`)
		got := order.await(w, 5)
		want(t, "the order", strings.Join(got, ", "), "from the middleware, from the connection, from the handler, queued, queued")
	})
}

// All at once: no event runs after OnDisconnect, whatever comes when.
func TestNothingRunsAfterOnDisconnect(t *testing.T) {
	tcp(t, nil, func(w *world) {
		var wg sync.WaitGroup
		wg.Add(40) // before anyone waits
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

// Disconnect(true) says goodbye in every namespace, then the connection closes.
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

// Shutdown lets out what waits, refuses new sessions, and returns when all
// handlers have ended.
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
			_ = w.io.Emit("last words", i)
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
