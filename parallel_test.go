// SPDX-License-Identifier: MIT

// This file holds handlers of Parallel: how many calls run at once, what waits for
// them, and how they end.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
)

// A gate is a handler of Parallel whose calls wait until they are released.
type gate struct {
	begun *list // arguments of the calls that have begun
	ended *list
	let   chan struct{} // one value lets one call go; closed, all
	open  func()        // closes it; done at the end of the test at the latest
}

func newGate(w *world) *gate {
	g := &gate{begun: newList(), ended: newList(), let: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.let) })
	w.Cleanup(g.open)
	return g
}

func (g *gate) call(n int) int {
	g.begun.add(fmt.Sprint(n))
	<-g.let
	g.ended.add(fmt.Sprint(n))
	return n
}

func joined(l *list) string { return strings.Join(l.all(), " ") }

// Up to n calls run at once and answer as they end. Other events do not wait until there
// is an n+1st call; then they do, and everything continues in order.
func TestParallel(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				g := newGate(w)
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("work", socketio.Parallel(3, g.call))
					s.On("ask", func(n int) int { return n })
				})
				p := w.join(transport)
				start := time.Now()
				p.says(`21["work",1]`, `22["work",2]`, `23["ask",3]`, `24["work",4]`, `25["ask",5]`)
				p.hears(`33[3]`, `35[5]`)
				want(t, "time until the answers", time.Since(start), 0) // not held back as those of a burst
				p.says(`26["work",6]`, `27["ask",7]`)
				p.hearsNothing()
				begun := g.begun.all()
				slices.Sort(begun)
				want(t, "calls that run", strings.Join(begun, " "), "1 2 4")
				g.let <- struct{}{}
				w.settle()
				p.hears(fmt.Sprintf(`3%s[%[1]s]`, joined(g.ended)), `37[7]`)
				want(t, "calls", g.begun.await(w, 4)[3], "6")
				g.open()
				g.ended.await(w, 4)
			})
		})
	}
}

// With n of 1 the calls come in order, one after the other, and other events beside.
func TestParallelOne(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		calls, running := newList(), atomic.Int32{}
		release := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("work", socketio.Parallel(1, func(n int) int {
				if running.Add(1) != 1 {
					t.Error("two calls run")
				}
				defer running.Add(-1)
				if n == 0 {
					<-release
				}
				calls.add(fmt.Sprint(n))
				return n
			}))
			s.On("ask", func() string { return "now" })
		})
		p := w.join(transport)
		p.says(`20["work",0]`, `299["ask"]`)
		p.hears(`399["now"]`)
		for n := 1; n < 20; n++ {
			p.says(fmt.Sprintf(`2%d["work",%[1]d]`, n))
		}
		close(release)
		for n := range 20 {
			p.hears(fmt.Sprintf(`3%d[%[1]d]`, n))
		}
		want(t, "the order", joined(calls), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19")
	})
}

// The limit applies to each socket and each registration.
func TestParallelValueIsShared(t *testing.T) {
	memory(t, nil, func(w *world) {
		g := newGate(w)
		work := socketio.Parallel(1, g.call)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("a", work)
			s.On("b", work)
		})
		for i := range 2 {
			w.join(websocket).says(fmt.Sprintf(`2["a",1%d]`, i), fmt.Sprintf(`2["b",2%d]`, i), fmt.Sprintf(`2["a",3%d]`, i))
		}
		w.settle()
		begun := g.begun.all()
		slices.Sort(begun)
		want(t, "calls that run", strings.Join(begun, " "), "10 11 20 21")
		g.open()
		g.ended.await(w, 6)
	})
}

// When n run and the inbox is full, the connection is not read.
func TestParallelPressure(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 4}}, func(w *world) {
		g := newGate(w)
		w.io.OnConnection(func(s *socketio.Socket) { s.On("work", socketio.Parallel(2, g.call)) })
		w.io.Of("/quick").OnConnection(func(s *socketio.Socket) { s.On("ping", func() string { return "pong" }) })
		p := w.join(websocket)
		p.joins("/quick")
		for n := range 2 + 1 + 3 { // two run, one waits for a place, the rest in the inbox
			p.says(fmt.Sprintf(`2["work",%d]`, n))
			w.settle()
		}
		p.says(`2/quick,1["ping"]`)
		p.hears(`3/quick,1["pong"]`)
		go func() { _ = p.tries(`2["work",6]`); _ = p.tries(`2/quick,2["ping"]`) }()
		<-time.After(time.Second)
		p.hearsNothing()
		g.open()
		p.hears(`3/quick,2["pong"]`)
		g.ended.await(w, 7)
	})
}

// An error, a panic and a Goexit affect only their own call, and its place becomes free.
func TestParallelFailures(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		errs, gone := newList(), make(chan struct{})
		w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs.add(err.Error()) })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("work", socketio.Parallel(1, func(what string) (string, error) {
				switch what {
				case "error":
					return "", &socketio.PublicError{Message: "no"}
				case "panic":
					panic("boom")
				case "exit":
					runtime.Goexit()
				}
				return what, nil
			}))
			s.OnDisconnect(func(socketio.DisconnectReason) { close(gone) })
		})
		p := w.join(transport)
		p.says(`21["work","error"]`, `22["work","panic"]`, `23["work","exit"]`, `24["work",4]`, `25["work"]`, `26["work","fine"]`)
		p.hears(`31[{"error":{"message":"no","code":""}}]`, `32[{"error":{"message":"internal error","code":""}}]`)
		got := make([]string, 4) // an argument is decoded before the call is let in
		for i := range got {
			answer, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			got[i] = answer.text
		}
		slices.Sort(got)
		want(t, "answers", strings.Join(got, " "), `33[{"error":{"message":"internal error","code":""}}] 34[{"error":{"message":"invalid argument 1","code":"invalid_argument"}}]`+
			` 35[{"error":{"message":"invalid argument 1","code":"invalid_argument"}}] 36["fine"]`)
		want(t, "errors", len(errs.await(w, 5)), 5)
		p.says(`2["work","exit"]`)
		p.goes()
		within(w, "the end of the socket", gone)
		if err := w.io.Shutdown(context.Background()); err != nil { // it waits for what is counted as running
			t.Error(err)
		}
	})
}

// The context of the calls ends with the client. Events that have arrived are still
// handled; the handlers of the end run when the last call has returned.
func TestParallelAtTheEnd(t *testing.T) {
	for name, goes := range map[string]func(*peer){
		"the client leaves": func(p *peer) { p.says(`1`) }, "the connection ends": (*peer).goes,
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				order, release := newList(), make(chan struct{})
				var s *socketio.Socket
				w.io.OnConnection(func(socket *socketio.Socket) {
					s = socket
					_ = s.Join("room")
					s.On("work", socketio.Parallel(2, func(ctx context.Context, n int) {
						<-ctx.Done()
						order.add("context")
						<-release
						order.add("call")
					}))
					s.On("x", func() { order.add("x") })
					s.OnDisconnecting(func(socketio.DisconnectReason) { order.add(fmt.Sprint("disconnecting ", len(s.Rooms()))) })
					s.OnDisconnect(func(socketio.DisconnectReason) { order.add("disconnect") })
				})
				p := w.join(websocket)
				p.says(`2["work",1]`, `2["work",2]`, `2["work",3]`, `2["x"]`)
				w.settle()
				goes(p)
				w.settle()
				want(t, "before the calls return", joined(order), "context context")
				close(release)
				w.settle()
				got := order.all()
				want(t, "things that happen", len(got), 9)
				want(t, "the last", strings.Join(got[7:], " "), "disconnecting 2 disconnect")
				if !slices.Contains(got, "x") {
					t.Error("an event that had arrived was not handled")
				}
			})
		})
	}
}

// After Disconnect no call begins, not even one that waits for a place. A call may
// disconnect its own socket.
func TestParallelDisconnect(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls, release := newList(), make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("work", socketio.Parallel(1, func(n int) {
				calls.add(fmt.Sprint(n))
				<-release
				s.Disconnect()
				calls.add("over")
			}))
			s.OnDisconnect(func(socketio.DisconnectReason) { calls.add("disconnect") })
		})
		p := w.join(websocket)
		p.says(`2["work",1]`, `2["work",2]`, `2["work",3]`)
		w.settle()
		close(release)
		p.hears(`1`)
		w.settle()
		want(t, "calls", joined(calls), "1 over disconnect")
	})
}

// Shutdown waits for calls, as for any handler.
func TestParallelShutdown(t *testing.T) {
	memory(t, nil, func(w *world) {
		g := newGate(w)
		w.io.OnConnection(func(s *socketio.Socket) { s.On("work", socketio.Parallel(2, g.call)) })
		w.join(websocket).says(`2["work",1]`, `2["work",2]`)
		g.begun.await(w, 2)
		ended := make(chan error, 1)
		go func() { ended <- w.io.Shutdown(context.Background()) }()
		<-time.After(time.Minute)
		select {
		case <-ended:
			t.Error("it did not wait for the calls")
		default:
		}
		g.open()
		if err := within(w, "the end of Shutdown", ended); err != nil {
			t.Error(err)
		}
		want(t, "calls that ended", len(g.ended.all()), 2)

		limited, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.io.Shutdown(limited); err != nil {
			t.Error("nothing runs, but", err)
		}
	})
}

// A middleware is in order as far as next, and around the call as a whole.
func TestParallelMiddleware(t *testing.T) {
	memory(t, nil, func(w *world) {
		g, order := newGate(w), newList()
		failed := errors.New("failed")
		last := 0 // guarded by the order of middlewares
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name != "work" {
					return next(ctx, e)
				}
				ctx, cancel := context.WithTimeout(context.WithValue(ctx, ctxKey{}, "mine"), time.Minute)
				defer cancel()
				var n int
				_ = e.Args.Decode(&n)
				if n != last+1 {
					t.Errorf("event %d comes after %d", n, last)
				}
				last = n
				err := next(ctx, e)
				order.add(fmt.Sprint(n, " ", errors.Is(err, failed)))
				return err
			})
			s.On("work", socketio.Parallel(2, func(ctx context.Context, n int) error {
				g.call(n)
				if ctx.Err() != nil || ctx.Value(ctxKey{}) != "mine" {
					t.Error("not the context of the middleware, or it is over")
				}
				return failed
			}))
			s.On("ask", func() string { return "now" })
		})
		p := w.join(websocket)
		p.says(`2["work",1]`, `2["work",2]`, `21["ask"]`)
		p.hears(`31["now"]`)
		p.says(`2["work",3]`)
		g.open()
		got := order.await(w, 3)
		slices.Sort(got)
		want(t, "what next returned", strings.Join(got, ", "), "1 true, 2 true, 3 true")
	})
}

// A middleware gets the first error of the handlers, also of those whose arguments the
// event does not have.
func TestParallelErrorsReachTheMiddleware(t *testing.T) {
	memory(t, nil, func(w *world) {
		got, failed := newList(), errors.New("failed")
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				err := next(ctx, e)
				got.add(fmt.Sprint(err))
				return err
			})
			s.On("texts", socketio.Parallel(1, func(string) {}))
			s.On("later", socketio.Parallel(1, func(string) error { return failed }))
			s.On("later", socketio.Parallel(1, func(string, int) {}))
			s.On("twice", socketio.Parallel(1, func(string, string) {}))
			s.On("twice", socketio.Parallel(1, func(int) {}))
		})
		p := w.join(websocket)
		for i, c := range []struct{ event, want string }{
			{`["texts","a"]`, "<nil>"},
			{`["texts",5]`, `socketio: event "texts": argument 1: json: cannot unmarshal number into Go value of type string`},
			{`["later","a","b"]`, `socketio: event "later": argument 2: json: cannot unmarshal string into Go value of type int`},
			{`["later","a",1]`, "failed"},
			{`["twice","a",1]`, `socketio: event "twice": argument 2: json: cannot unmarshal number into Go value of type string`},
		} {
			p.says("2" + c.event)
			want(t, "what next returned for "+c.event, got.await(w, i+1)[i], c.want)
		}
	})
}

// A middleware that stops waiting for a call answers; the call keeps its place until it
// ends.
func TestParallelMiddlewareWithATimeLimit(t *testing.T) {
	memory(t, nil, func(w *world) {
		g := newGate(w)
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
			s.On("work", socketio.Parallel(1, g.call))
			s.On("ask", func() string { return "now" })
		})
		p := w.join(websocket)
		p.says(`21["work",1]`, `22["ask"]`)
		p.hears(`32["now"]`, `31[{"error":{"message":"too slow","code":""}}]`)
		p.says(`23["work",2]`)
		p.hears(`33[{"error":{"message":"too slow","code":""}}]`)
		want(t, "calls", joined(g.begun), "1")
		g.open()
		g.ended.await(w, 2)
		p.says(`24["work",3]`)
		p.hears(`34[3]`)
	})
}

// An event may have ordinary handlers too, which run first, and several of Parallel.
func TestParallelBesideOthers(t *testing.T) {
	memory(t, nil, func(w *world) {
		order := newList()
		g := newGate(w)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("x", socketio.Parallel(1, func() { <-g.let; order.add("parallel 1") }))
			remove := s.On("x", socketio.Parallel(2, func(ack socketio.Ack) { order.add("parallel 2"); _ = ack("by hand") }))
			s.On("x", func() { order.add("usual") })
			s.On("remove", func() { remove() })
			s.OnAny(func(string, socketio.Args) { order.add("any") })
		})
		p := w.join(websocket)
		p.says(`21["x"]`)
		w.settle()
		g.open()
		p.hears(`31["by hand"]`)
		w.settle()
		want(t, "the order", joined(order), "any usual parallel 1 parallel 2")
		p.says(`2["remove"]`, `22["x"]`)
		p.hears(`32[]`)
		w.settle()
		want(t, "the order", joined(order), "any usual parallel 1 parallel 2 any any usual parallel 1")
	})
}

// Invalid uses panic at registration.
func TestParallelMisuse(t *testing.T) {
	memory(t, nil, func(w *world) {
		panics := make(chan string, 16)
		w.io.OnConnection(func(s *socketio.Socket) {
			for _, fn := range []func(){
				func() { socketio.Parallel(0, func() {}) },
				func() { socketio.Parallel(1, socketio.Parallel(1, func() {})) },
				func() { s.On("x", socketio.Parallel(1, nil)) },
				func() { s.On("x", socketio.Parallel(1, 7)) },
				func() { s.On("x", socketio.Parallel(1, func(chan int) {})) },
				func() { s.Once("x", socketio.Parallel(1, func() {})) },
				func() { w.io.OnServerSideEmit("x", socketio.Parallel(1, func() {})) },
			} {
				panics <- panicOf(fn)
			}
		})
		w.join(websocket)
		for _, message := range []string{
			"socketio: Parallel: n must be at least 1",
			"socketio: Parallel: the handler is one of Parallel already",
			`socketio: handler of "x": it is nil, not a function`,
			`socketio: handler of "x": it is an int, not a function`,
			`socketio: handler of "x": parameter 1 is a chan int, which JSON can't fill`,
			`socketio: handler of "x": Parallel is for On`,
			`socketio: handler of "x": Parallel is for On`,
		} {
			want(t, "the panic", within(w, "a panic", panics), message)
		}
	})
}
