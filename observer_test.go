// SPDX-License-Identifier: MIT

// This file tests the calls of each observer, dialogue by dialogue.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A diary keeps what observers hear, a line each.
type diary struct{ *list }

func (d diary) ConnOpened(c socketio.ConnInfo)   { d.add("open " + c.Transport) }
func (d diary) ConnUpgraded(c socketio.ConnInfo) { d.add("upgrade " + c.Transport) }
func (d diary) ConnClosed(c socketio.ConnInfo, reason engineio.CloseReason, err error) {
	d.add(fmt.Sprintf("close %s, %s, %v", c.Transport, reason, err))
}

func (d diary) SocketJoined(s socketio.SocketInfo) { d.add("joined " + s.Namespace) }
func (d diary) SocketRefused(s socketio.SocketInfo, err error) {
	d.add(fmt.Sprintf("refused %q: %v", s.Namespace, err))
}
func (d diary) SocketLeft(s socketio.SocketInfo, reason socketio.DisconnectReason, err error) {
	d.add(fmt.Sprintf("left %s, %s", s.Namespace, reason))
}
func (d diary) RoomJoined(_ socketio.SocketInfo, room string) { d.add("in " + room) }
func (d diary) RoomLeft(_ socketio.SocketInfo, room string)   { d.add("out of " + room) }
func (d diary) NamespaceCreated(n socketio.NamespaceInfo)     { d.add("new " + n.Name) }
func (d diary) NamespaceRemoved(n socketio.NamespaceInfo)     { d.add("gone " + n.Name) }

func (d diary) expect(w *world, lines ...string) {
	w.Helper()
	w.settle()
	got := d.all()
	for i, line := range lines {
		if i >= len(got) || !matches(line, got[i]) {
			w.Fatalf("line %d should be %q; all: %q", i, line, got)
		}
	}
	want(w, "lines", len(got), len(lines))
	d.mu.Lock()
	d.items = nil
	d.mu.Unlock()
}

func TestObserversHearOfALife(t *testing.T) {
	d := diary{newList()}
	memory(t, &socketio.Options{Observers: []any{d}}, func(w *world) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			_ = s.Join("before", "never")
			s.Leave("never")
			if string(s.Handshake().Auth) != `{}` {
				return errors.New("no auth here")
			}
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			_ = s.Join("before", "x", "x", s.ID())
			s.Leave("nowhere")
			s.Leave("x")
			s.OnDisconnecting(func(socketio.DisconnectReason) { d.add("OnDisconnecting") })
			s.OnDisconnect(func(socketio.DisconnectReason) { d.add("OnDisconnect") })
		})
		p := w.open(polling)
		d.expect(w, "new /", "open polling")
		p.upgrades()
		d.expect(w, "upgrade websocket")
		p.says(`0{"a":1}`, `0/nowhere,`)
		d.expect(w, `refused "": *Invalid namespace`, `refused "/": no auth here`)
		p.hears(`4/nowhere,*`, `4{"message":"no auth here"}`)
		p.joins("/")
		d.expect(w, "joined /", "in before", "in x", "out of x")
		p.says(`1`)
		d.expect(w, "OnDisconnecting", "out of before", "left /, client namespace disconnect", "OnDisconnect")
		p.says(`2["too late"]`)
		d.expect(w, "close websocket, forced close, *not joined")
	})
}

// A dynamic namespace comes and goes with its sockets.
func TestObserversHearOfDynamicNamespaces(t *testing.T) {
	d := diary{newList()}
	memory(t, &socketio.Options{Observers: []any{d}}, func(w *world) {
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { return strings.HasPrefix(name, "/dyn") })
		p := w.open(websocket)
		p.joins("/dynamic")
		p.says(`1/dynamic,`)
		d.expect(w, "new /", "open websocket", "new /dynamic", "joined /dynamic",
			"left /dynamic, client namespace disconnect", "gone /dynamic")
	})
}

// sends and upgrades each implement a single small interface.
type (
	sends    struct{ *list }
	upgrades struct{ *list }
)

func (l sends) EventOut(o socketio.OutInfo)         { l.add("sent " + o.Event) }
func (l upgrades) ConnUpgraded(c socketio.ConnInfo) { l.add("upgraded to " + c.Transport) }

func TestObserversOfOneKind(t *testing.T) {
	heard := newList()
	memory(t, &socketio.Options{Observers: []any{sends{heard}, upgrades{heard}}}, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("hello") })
		p := w.open(polling)
		p.upgrades()
		diary{heard}.expect(w, "upgraded to websocket")
		p.joins("/")
		diary{heard}.expect(w, "sent hello")
		_ = w.io.Emit("news")
		diary{heard}.expect(w, "sent news")
	})
}

// A tracer adds a value to the context of the handlers, and gets that context back.
type tracer struct {
	*list
	name string
}

type tracerKey string

func (r tracer) HandlerStart(ctx context.Context, s socketio.SocketInfo, e socketio.EventInfo) context.Context {
	r.add(fmt.Sprintf("%s: %s %v %v", r.name, e.Name, e.Known, e.WantsAck))
	if e.Name == "crash" {
		panic("no trace")
	}
	return context.WithValue(ctx, tracerKey(r.name), "on")
}

func (r tracer) HandlerEnd(ctx context.Context, s socketio.SocketInfo, e socketio.EventInfo, err error) {
	r.add(fmt.Sprintf("%s: end %s, %v, %v", r.name, e.Name, ctx.Value(tracerKey(r.name)), err))
}

func TestTraceObservers(t *testing.T) {
	heard := newList()
	memory(t, &socketio.Options{Observers: []any{tracer{heard, "a"}, tracer{heard, "b"}}}, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name == "stop" {
					return errors.New("stopped")
				}
				return next(ctx, e)
			})
			s.On("ask", func(ctx context.Context) {
				heard.add(fmt.Sprint("handler: ", ctx.Value(tracerKey("a")), " ", ctx.Value(tracerKey("b"))))
			})
			s.On("panic", func() { panic("oh") })
			s.On("stop", func() { t.Error("the middleware stops this") })
			s.On("crash", func(ctx context.Context) { heard.add("handler runs") })
		})
		p := w.join(websocket)
		steps := []struct{ says, hears string }{
			{`20["ask"]`, "a: ask true true|b: ask true true|handler: on on|b: end ask, on, <nil>|a: end ask, on, <nil>"},
			{`2["panic"]`, "a: panic true false|b: panic true false|b: end panic, on, panic: oh|a: end panic, on, panic: oh"},
			{`2["stop"]`, "a: stop true false|b: stop true false|b: end stop, on, stopped|a: end stop, on, stopped"},
			{`2["` + strings.Repeat("x", 1000) + `"]`, "a: " + strings.Repeat("x", 128) + "... false false|b: *|b: end *|a: end *"},
			{`2["crash"]`, "a: crash true false|b: crash true false|handler runs"},
		}
		for _, step := range steps {
			p.says(step.says)
			w.settle()
			got := strings.Join(heard.all(), "|")
			if !matches(step.hears, got) {
				t.Errorf("%.50s: got %s, want %s", step.says, got, step.hears)
			}
			heard.mu.Lock()
			heard.items = nil
			heard.mu.Unlock()
		}
	})
}

// A handler may end its goroutine; observers are still called.
func TestObserversHearOfGoexit(t *testing.T) {
	l := newLedger()
	tcp(t, &socketio.Options{Observers: []any{l}}, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("exit", func() { runtime.Goexit() })
			panic("after that")
		})
		p := w.join(websocket)
		p.says(`2["exit"]`, `2["other"]`)
		l.await(w, "handled", 2)
		want(t, "errors of the connection handler", l.all()["reported connection"], 1)
		want(t, "failed", l.all()["failed exit"], 1)
		_ = w.io.Shutdown(context.Background())
		l.balances(t, "/")
	})
}

// A client of Socket.IO 2, whose id is its secret session id, is named otherwise.
func TestObserversNeverSeeASessionID(t *testing.T) {
	ids := make(chan socketio.SocketInfo, 4)
	memory(t, &socketio.Options{AllowEIO3: true, Observers: []any{onJoin(func(s socketio.SocketInfo) { ids <- s })}}, func(w *world) {
		w.io.Of("/n")
		old := w.joinOld(websocket)
		old.says(`0/n,`)
		for _, namespace := range []string{"/", "/n"} {
			s := within(w, "the join", ids)
			want(t, "namespace", s.Namespace, namespace)
			want(t, "id", s.ID, fmt.Sprint("conn-", s.Conn))
			if !strings.HasSuffix(s.Socket.ID(), old.sid) {
				t.Errorf("the socket's id is %s, the session's %s", s.Socket.ID(), old.sid)
			}
		}
		id := w.join(websocket).sid
		if s := within(w, "the join", ids); s.ID != s.Socket.ID() || strings.Contains(s.ID, id) {
			t.Errorf("the id is %s", s.ID)
		}
	})
}

// onJoin is a SocketObserver.
type onJoin func(socketio.SocketInfo)

func (fn onJoin) SocketJoined(s socketio.SocketInfo)                            { fn(s) }
func (onJoin) SocketRefused(socketio.SocketInfo, error)                         {}
func (onJoin) SocketLeft(socketio.SocketInfo, socketio.DisconnectReason, error) {}

// Handlers that an observer registers with a socket that joins miss nothing: this part of
// an admin page needs no special interface.
func TestObserverMayRegisterHandlers(t *testing.T) {
	heard := newList()
	opts := &socketio.Options{Observers: []any{onJoin(func(s socketio.SocketInfo) {
		s.Socket.OnAny(func(event string, args socketio.Args) { heard.add(s.Namespace + " " + event) })
	})}}
	memory(t, opts, func(w *world) {
		p := w.join(polling)
		p.says(`2["first",1]`)
		want(t, "heard", heard.await(w, 1)[0], "/ first")
	})
}

// Every method of every observer panics; only the log shows it.
func TestObserversThatPanic(t *testing.T) {
	l := newLedger()
	memory(t, &socketio.Options{Observers: []any{panics{}, l}, Limits: socketio.SocketLimits{MaxInboxPackets: 2}}, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			_ = s.Join("room")
			s.On("talk", func(n int) int {
				_, _ = s.EmitWithAck(s.Context(), "question")
				s.Leave("room")
				_ = w.io.Volatile().Emit("v", 1)
				return n
			})
		})
		p := w.join(polling)
		p.upgrades()
		p.says(`0/nowhere,`)
		p.hears(`4/nowhere,*`)
		p.says(`21["talk",1]`)
		p.hears(`20["question"]`)
		p.says(`30[]`)
		p.hears(`2["v",1]`, `31[1]`)
		p.goes()
		w.settle()
		if err := w.io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		l.balances(t, "/")
		if n := strings.Count(w.log.String(), "an observer panicked"); n < 5 || n > 11 {
			t.Errorf("%d lines of panics, want one per interface: %s", n, w.log)
		}
	})
}

type panics struct{}

func (panics) ConnOpened(socketio.ConnInfo)                                               { panic(1) }
func (panics) ConnUpgraded(socketio.ConnInfo)                                             { panic(1) }
func (panics) ConnClosed(socketio.ConnInfo, engineio.CloseReason, error)                  { panic(1) }
func (panics) TrafficIn(socketio.Traffic)                                                 { panic(1) }
func (panics) TrafficOut(socketio.Traffic)                                                { panic(1) }
func (panics) MessagesDropped(socketio.ConnInfo, int, socketio.DropReason)                { panic(1) }
func (panics) SocketJoined(socketio.SocketInfo)                                           { panic(1) }
func (panics) SocketRefused(socketio.SocketInfo, error)                                   { panic(1) }
func (panics) SocketLeft(socketio.SocketInfo, socketio.DisconnectReason, error)           { panic(1) }
func (panics) RoomJoined(socketio.SocketInfo, string)                                     { panic(1) }
func (panics) RoomLeft(socketio.SocketInfo, string)                                       { panic(1) }
func (panics) NamespaceCreated(socketio.NamespaceInfo)                                    { panic(1) }
func (panics) NamespaceRemoved(socketio.NamespaceInfo)                                    { panic(1) }
func (panics) EventIn(socketio.SocketInfo, int)                                           { panic(1) }
func (panics) EventsDropped(socketio.SocketInfo, int)                                     { panic(1) }
func (panics) EventOut(socketio.OutInfo)                                                  { panic(1) }
func (panics) HandlerFailed(socketio.SocketInfo, *socketio.HandlerError)                  { panic(1) }
func (panics) AckAsked(context.Context, socketio.SocketInfo, string)                      { panic(1) }
func (panics) ReadingPaused(socketio.ConnInfo)                                            { panic(1) }
func (panics) ReadingResumed(socketio.ConnInfo)                                           { panic(1) }
func (panics) HandlerEnd(context.Context, socketio.SocketInfo, socketio.EventInfo, error) { panic(1) }
func (panics) EventHandled(socketio.SocketInfo, socketio.EventInfo, time.Duration, error) { panic(1) }
func (panics) AckEnded(context.Context, socketio.SocketInfo, string, time.Duration, error) {
	panic(1)
}
func (panics) HandlerStart(context.Context, socketio.SocketInfo, socketio.EventInfo) context.Context {
	panic(1)
}

func TestObserverOfNothing(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "*strings.Builder implements none") || !strings.Contains(v, "EventObserver") {
			t.Errorf("NewServer panics with %q", v)
		}
	}()
	socketio.NewServer(&socketio.Options{Observers: []any{new(strings.Builder)}})
}

// silentObserver is notified of events and does nothing.
type silentObserver struct{}

func (silentObserver) EventIn(socketio.SocketInfo, int)                                           {}
func (silentObserver) EventHandled(socketio.SocketInfo, socketio.EventInfo, time.Duration, error) {}
func (silentObserver) EventsDropped(socketio.SocketInfo, int)                                     {}
func (silentObserver) EventOut(socketio.OutInfo)                                                  {}
func (silentObserver) TrafficIn(socketio.Traffic)                                                 {}
func (silentObserver) TrafficOut(socketio.Traffic)                                                {}
func (silentObserver) MessagesDropped(socketio.ConnInfo, int, socketio.DropReason)                {}

// With observers an event and an emit cost no allocation more than without.
func TestObserversDoNotAllocate(t *testing.T) {
	var in, out [2]float64
	for i, observers := range [][]any{nil, {silentObserver{}}} {
		tcp(t, &socketio.Options{Observers: observers}, func(w *world) {
			handled := make(chan struct{}, 1)
			joined := make(chan *socketio.Socket, 1)
			w.io.OnConnection(func(s *socketio.Socket) {
				s.On("chat message", func(string) { handled <- struct{}{} })
				joined <- s
			})
			c := w.raw()
			go drain(c)
			s, text := within(w, "the connection", joined), any("a text")
			frame := wstest.Frame(ws.Text, true, []byte(`42["chat message","hello, this is a chat message of some length"]`))
			in[i] = testing.AllocsPerRun(500, func() {
				if _, err := c.Conn().Write(frame); err != nil {
					t.Fatal(err)
				}
				<-handled
			})
			to := w.io.To(s.ID())
			out[i] = testing.AllocsPerRun(500, func() {
				if to.Emit("chat message", text) != nil || s.Emit("chat message", text) != nil {
					t.Fatal("the socket is gone")
				}
			})
		})
	}
	t.Logf("allocations without and with observers: in %v, out %v", in, out)
	if !raceEnabled && (in[1] > in[0]+0.5 || out[1] > out[0]+0.5) {
		t.Errorf("observers allocate: in %v, out %v", in, out)
	}
}

// A connection that closes while it is not read is counted as read again: a gauge of
// paused connections comes back to zero.
func TestPauseEndsWithTheConnection(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			l := newLedger()
			tcp(t, &socketio.Options{Observers: []any{l}, Limits: socketio.SocketLimits{MaxInboxPackets: 3}}, func(w *world) {
				release := make(chan struct{})
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("wait", func() { <-release })
				})
				p := w.join(transport)
				said := make(chan struct{})
				go func() {
					defer close(said)
					_ = p.tries(`2["wait"]`, `2["wait"]`, `2["wait"]`, `2["wait"]`) // the answer does not matter
				}()
				l.await(w, "paused", 1)
				want(t, "resumed", l.all()["resumed"], 0)
				_ = w.io.Close()
				l.await(w, "resumed", 1)
				close(release)
				within(w, "the end of the POST", said)
				if err := w.io.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
				l.balances(t, "/")
			})
		})
	}
}
