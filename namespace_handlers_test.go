// SPDX-License-Identifier: MIT

// This file holds handlers that are registered with a server, a namespace or a parent.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"socketio"
)

// take returns what is in the list, with commas, and empties it.
func (l *list) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	items := strings.Join(l.items, ", ")
	l.items = nil
	return items
}

// io.On is called for "/" only, a handler of another namespace for that namespace.
func TestNamespaceOn(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.On("ask", func(s *socketio.Socket, text string) string { return s.Namespace().Name() + " " + text })
		w.io.Of("/b").On("ask", func(text string) string { return "b " + text })
		w.io.Of("/c")
		p := w.open(websocket)
		p.joins("/")
		p.joins("/b")
		p.joins("/c")
		p.says(`21["ask","x"]`)
		p.hears(`31["/ x"]`)
		p.says(`2/b,2["ask","y"]`)
		p.hears(`3/b,2["b y"]`)
		p.says(`2/c,3["ask","z"]`)
		p.hearsNothing()
	})
}

// A wrong signature panics when it is registered, before any client connects, and the
// message names the mistake.
func TestNamespaceOnChecksAtStart(t *testing.T) {
	io := socketio.NewServer(nil)
	defer func() { _ = io.Close() }()
	for name, on := range map[string]func(string, any) func(){
		"Server.On": io.On, "Server.Once": io.Once,
		"Namespace.On": io.Of("/a").On, "Namespace.Once": io.Of("/a").Once,
		"ParentNamespace.On": io.OfPattern(teams).On, "ParentNamespace.Once": io.OfPattern(teams).Once,
	} {
		for _, c := range []struct {
			event string
			fn    any
			want  string
		}{
			{"q", func(chan int) {}, `socketio: handler of "q": parameter 1 is a chan int, which JSON can't fill`},
			{"q", func(string, *socketio.Socket) {}, `socketio: handler of "q": a *socketio.Socket must come before the arguments of the event`},
			{"q", nil, `socketio: handler of "q": it is nil, not a function`},
			{"disconnect", func() {}, `socketio: On: no client can send an event named disconnect; for new sockets use OnConnection`},
		} {
			if got := message(func() { on(c.event, c.fn) }); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s(%q, %T) panics with %q, want %q", name, c.event, c.fn, got, c.want)
			}
		}
	}
	for name, onAny := range map[string]func(func(*socketio.Socket, string, socketio.Args)) func(){
		"Server": io.OnAny, "Namespace": io.Of("/a").OnAny, "ParentNamespace": io.OfPattern(teams).OnAny,
	} {
		if got := message(func() { onAny(nil) }); got != "socketio: OnAny: the handler is nil" {
			t.Errorf("%s.OnAny(nil) panics with %q", name, got)
		}
	}
}

// The handlers of the parent run first, then those of the namespace, then those of the
// socket. The first results or error are the acknowledgement.
func TestOrderOfHandlers(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls := newList()
		note := func(who string) func() { return func() { calls.add(who) } }
		parent := w.io.OfPattern(teams)
		child := w.io.Of("/team-1")
		child.OnConnection(func(s *socketio.Socket) {
			s.On("q", note("socket"))
			s.On("q", func(ack socketio.Ack) { calls.add("hand"); _ = ack("by hand") })
			s.On("first", func() string { return "socket" })
			s.On("failed", func() string { return "socket" })
			s.On("later", func() string { return "socket" })
			s.OnAny(func(event string, _ socketio.Args) { calls.add("any of the socket") })
		})
		child.On("q", note("child"))
		child.On("first", func() string { return "child" })
		child.On("empty", note("child"))
		child.On("failed", func() error { return &socketio.PublicError{Message: "child"} })
		child.On("later", note("child"))
		child.OnAny(func(*socketio.Socket, string, socketio.Args) { calls.add("any of the child") })
		parent.On("q", note("parent")) // after the child exists and has handlers
		parent.On("empty", note("parent"))
		parent.On("first", note("parent"))
		parent.OnAny(func(*socketio.Socket, string, socketio.Args) { calls.add("any of the parent") })
		p := w.open(websocket)
		p.joins("/team-1")
		p.says(`2/team-1,1["q"]`)
		p.hears(`3/team-1,1["by hand"]`)
		want(t, "the calls", calls.take(), "any of the parent, any of the child, any of the socket, parent, child, socket, hand")
		p.says(`2/team-1,2["first"]`, `2/team-1,3["empty"]`, `2/team-1,4["failed"]`, `2/team-1,5["later"]`)
		p.hears(`3/team-1,2["child"]`, `3/team-1,3[]`, `3/team-1,4[{"error":{"message":"child","code":""}}]`, `3/team-1,5["socket"]`)
	})
}

// A registration or removal while the server runs takes effect with the next event, also
// if a handler of this one makes it.
func TestHandlersChangeWhileRunning(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls := newList()
		var removeFirst, removeAny func()
		removeAny = w.io.OnAny(func(*socketio.Socket, string, socketio.Args) { calls.add("any") })
		removeFirst = w.io.On("q", func() {
			calls.add("first")
			removeFirst()
			removeFirst()
			removeAny()
			w.io.On("q", func() { calls.add("third") })
		})
		w.io.On("q", func() { calls.add("second") })
		p := w.join(websocket)
		for _, heard := range []string{"any, first, second", "second, third"} {
			p.says(`21["q"]`)
			p.hears(`31[]`)
			want(t, "the calls", calls.take(), heard)
		}
	})
}

// Once counts per socket. After removing and registering it again it counts anew.
func TestNamespaceOnce(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls := newList()
		fn := func(s *socketio.Socket, who string) { calls.add(who) }
		remove := w.io.Once("q", fn)
		w.io.On("q", func() {})
		ann, bob := w.join(websocket), w.join(websocket)
		say := func(p *peer, who string) {
			t.Helper()
			p.says(`21["q","` + who + `"]`)
			p.hears(`31[]`)
		}
		say(ann, "ann")
		say(ann, "ann again")
		say(bob, "bob")
		say(bob, "bob again")
		want(t, "the calls", calls.take(), "ann, bob")
		remove()
		w.io.Once("q", fn)
		say(ann, "ann")
		say(ann, "ann again")
		want(t, "the calls", calls.take(), "ann")
	})
}

// A handler of Parallel at the namespace has its limit per socket.
func TestNamespaceParallel(t *testing.T) {
	memory(t, nil, func(w *world) {
		began, release := make(chan string, 10), make(chan struct{})
		remove := w.io.On("q", socketio.Parallel(1, func(s *socketio.Socket, who string) string {
			began <- who
			<-release
			return who
		}))
		w.io.On("other", func() string { return "other" })
		ann, bob := w.join(websocket), w.join(websocket)
		ann.says(`21["q","ann"]`)
		want(t, "the call", within(w, "a call", began), "ann")
		ann.says(`22["other"]`)
		ann.hears(`32["other"]`)
		bob.says(`21["q","bob"]`)
		want(t, "the call", within(w, "a call", began), "bob")
		ann.says(`23["q","ann again"]`)
		w.settle()
		if n := len(began); n != 0 {
			t.Errorf("%d more calls have begun beside the first of their socket", n)
		}
		close(release)
		ann.hears(`31["ann"]`, `33["ann again"]`)
		bob.hears(`31["bob"]`)
		remove()
		ann.says(`24["q","x"]`)
		ann.hearsNothing()
	})
}

// No handler of a namespace runs before the functions of OnConnection have returned.
func TestNamespaceHandlersWaitForOnConnection(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls := newList()
		in, goOn := make(chan struct{}), make(chan struct{})
		w.io.On("q", func() { calls.add("handler") })
		w.io.OnConnection(func(*socketio.Socket) {
			close(in)
			<-goOn
			calls.add("connection")
		})
		p := w.open(websocket)
		p.says(`0`)
		p.hears(`0{"sid":"*"}`)
		within(w, "the connection", in)
		p.says(`21["q"]`)
		w.settle()
		want(t, "the calls", calls.take(), "")
		close(goOn)
		p.hears(`31[]`)
		want(t, "the calls", calls.take(), "connection, handler")
	})
}

// A middleware of a socket is around the handlers of its namespace, and may choose
// another event for them.
func TestMiddlewareAroundNamespaceHandlers(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.On("new", func(text string) string { return "new " + text })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				e.Name = "new"
				return next(ctx, e)
			})
		})
		p := w.join(websocket)
		p.says(`21["old","x"]`)
		p.hears(`31["new x"]`)
	})
}

// A socket keeps nothing for the handlers of its namespace, until one of Once has run.
// What it keeps then goes with the handler.
func TestSocketsKeepNothingForNamespaceHandlers(t *testing.T) {
	memory(t, nil, func(w *world) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		w.io.On("q", func() {})
		remove := w.io.Once("once", func() {})
		w.io.On("parallel", socketio.Parallel(1, func() {}))
		for i := range 100 {
			w.io.On(fmt.Sprint("event ", i), func(string) {})
			w.io.Once(fmt.Sprint("event ", i), func(string) {})
		}
		p := w.join(websocket)
		s := within(w, "the socket", sockets)
		for _, c := range []struct {
			event string
			keeps int
		}{{"q", 0}, {"once", 1}, {"once", 1}, {"parallel", 2}, {"parallel", 2}} {
			p.says(`21["` + c.event + `"]`)
			if c.event != "once" {
				p.hears(`31[]`)
			}
			w.settle()
			want(t, "what the socket keeps after "+c.event, socketio.Kept(s), c.keeps)
		}
		remove()
		w.io.Once("q", func() {})
		p.says(`21["q"]`)
		w.settle()
		want(t, "what it keeps after another Once", socketio.Kept(s), 2) // and of the first no more
	})
}

// Handlers are registered and removed while events arrive.
func TestNamespaceHandlersRace(t *testing.T) {
	memory(t, nil, func(w *world) {
		var ran atomic.Int32
		w.io.On("q", func() string { ran.Add(1); return "" })
		p := w.join(websocket)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					w.io.On("q", func() {})()
					w.io.Once("q", func() {})()
				}
			}
		}()
		for range 200 {
			p.says(`21["q"]`)
			p.hears(`31[""]`)
		}
		close(stop)
		<-stopped
		if n := ran.Load(); n != 200 {
			t.Errorf("the handler ran %d times, want 200", n)
		}
	})
}

// A handler sees whether an acknowledgement is wanted, until it is sent.
func TestAckWanted(t *testing.T) {
	memory(t, nil, func(w *world) {
		seen := newList()
		w.io.On("q", func(ack socketio.Ack) {
			before := ack.Wanted()
			_ = ack("a")
			seen.add(fmt.Sprint(before, ack.Wanted(), socketio.Ack(nil).Wanted()))
		})
		p := w.join(websocket)
		p.says(`21["q"]`, `2["q"]`, `22["q"]`)
		p.hears(`31["a"]`, `32["a"]`)
		p.hearsNothing()
		want(t, "what was seen", seen.take(), "true false false, false false false, true false false")
	})
}
