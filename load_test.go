// SPDX-License-Identifier: MIT

// This file holds the tests of thousands of clients over real sockets: no message is
// lost, none is answered twice, and nothing is left.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A guest is a cheap client: one goroutine reads and counts.
type guest struct {
	c     *wstest.Client
	ended chan struct{}

	answers atomic.Int64 // acknowledgements that came
	heard   atomic.Int64 // events to a room or to this client alone
	last    atomic.Int64 // the number of the last broadcast to all

	mu      sync.Mutex // guards the fields below
	asked   int64
	awaited chan struct{} // closed when answers reaches asked; nil unless awaited
	fault   error         // the first thing that should not have come
}

// enter opens a connection, joins "/", and reads from then on.
func (w *world) enter() (*guest, error) {
	g, err := w.sleeper()
	if err == nil {
		go func() {
			defer close(g.ended)
			g.read()
		}()
	}
	return g, err
}

// sleeper is enter, but the caller reads, and closes ended.
func (w *world) sleeper() (*guest, error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.patient)
	defer cancel()
	session, err := w.server("", nil).Open(ctx)
	if err != nil {
		return nil, err
	}
	var joined rawclient.Packet
	if err = session.Write(ctx, rawclient.Text("40")...); err == nil {
		joined, err = session.Read(ctx)
	}
	if err == nil && !strings.HasPrefix(joined.Text, `40{"sid":`) {
		err = fmt.Errorf("the answer to CONNECT is %s", joined.Text)
	}
	if err != nil {
		session.Close()
		return nil, err
	}
	return &guest{c: session.Socket(), ended: make(chan struct{})}, nil
}

// crowd opens n guests, a few at a time.
func (w *world) crowd(n int) []*guest {
	w.Helper()
	guests := make([]*guest, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				g, err := w.enter()
				if err != nil {
					w.Errorf("guest %d: %v", i, err)
					return
				}
				guests[i] = g
			}
		})
	}
	all.Wait()
	w.Cleanup(func() {
		for _, g := range guests {
			if g != nil {
				g.c.Close()
				<-g.ended
			}
		}
	})
	if w.Failed() {
		w.FailNow()
	}
	return guests
}

func (g *guest) read() {
	for {
		_, data, err := g.c.ReadMessage()
		if err != nil {
			return
		}
		switch text := string(data); {
		case text == "2":
			_ = g.c.WriteText("3") // the end is seen by the next read
		case text == "41" || text == "1":
		case strings.HasPrefix(text, "40/") || strings.HasPrefix(text, "41/") || strings.HasPrefix(text, "42/"): // another namespace
		case strings.HasPrefix(text, `42["all",`):
			n, _ := strconv.ParseInt(strings.SplitN(text[len(`42["all",`):len(text)-1], ",", 2)[0], 10, 64)
			if before := g.last.Swap(n); n != before+1 {
				g.fail(fmt.Errorf("broadcast %d came after %d", n, before))
			}
		case strings.HasPrefix(text, `42["`):
			g.heard.Add(1)
		case strings.HasPrefix(text, "42"): // a question, which guests do not answer
		case strings.HasPrefix(text, "43"):
			id, _, _ := strings.Cut(text[2:], "[")
			if n := g.answers.Add(1); id != strconv.FormatInt(n, 10) {
				g.fail(fmt.Errorf("answer %d is %s", n, text))
			}
			g.mu.Lock()
			g.noteLocked()
			g.mu.Unlock()
		default:
			g.fail(fmt.Errorf("the server sent %.100s", text))
		}
	}
}

func (g *guest) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault == nil {
		g.fault = err
	}
}

func (g *guest) noteLocked() {
	if g.awaited != nil && g.answers.Load() >= g.asked {
		close(g.awaited)
		g.awaited = nil
	}
}

// ask emits an event with an acknowledgement. Answers arrive in order.
func (g *guest) ask(event string, arg int) error {
	g.mu.Lock()
	g.asked++
	id := g.asked
	g.mu.Unlock()
	return g.c.WriteText(fmt.Sprintf(`42%d["%s",%d]`, id, event, arg))
}

// settle waits until everything is answered. Earlier events of the server have arrived
// then.
func (g *guest) settle() error {
	if err := g.ask("echo", 0); err != nil {
		return err
	}
	done := make(chan struct{})
	g.mu.Lock()
	g.awaited = done
	g.noteLocked()
	g.mu.Unlock()
	select {
	case <-done:
	case <-g.ended:
		return errors.New("the connection has ended")
	case <-time.After(time.Minute):
		return fmt.Errorf("%d answers to %d questions", g.answers.Load(), g.asked)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.answers.Load(); n != g.asked && g.fault == nil {
		return fmt.Errorf("%d answers to %d questions", n, g.asked)
	}
	return g.fault
}

// each calls a function for all guests, a few at a time.
func each(t testing.TB, guests []*guest, do func(i int, g *guest) error) {
	t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(guests); i = int(next.Add(1)) - 1 {
				if err := do(i, guests[i]); err != nil {
					t.Errorf("guest %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
}

// leaveBy ends a connection in one of five ways.
func (g *guest) leaveBy(kind int) error {
	switch kind {
	case 0:
		if err := g.c.WriteClose(ws.CodeNormal, ""); err != nil {
			return err
		}
	case 1:
		return g.c.Close()
	case 2:
		_ = g.c.Conn().(*net.TCPConn).SetLinger(0) // else it is a FIN
		return g.c.Close()
	case 3:
		if err := g.c.WriteText("41"); err != nil {
			return err
		}
		if err := g.c.WriteText("1"); err != nil {
			return err
		}
	case 4:
		if err := g.c.WriteText(`42["kick"]`); err != nil {
			return err
		}
	}
	<-g.ended
	return g.c.Close()
}

// A tallying adapter counts deliveries.
type tallying struct {
	*adapter.Memory
	deliveries *atomic.Int64
}

func (a tallying) Broadcast(p *adapter.Packet, t adapter.Target) (int, error) {
	n, err := a.Memory.Broadcast(p, t)
	a.deliveries.Add(int64(n))
	return n, err
}

// idleWorkers is the number of goroutines that a server without clients may keep.
const idleWorkers = 64

// held are the resources that clients hold in this process.
type held struct{ goroutines, descriptors, sessions, sockets, members, rooms int }

func (w *world) held(rooms *adapter.Memory) held {
	w.client.CloseIdleConnections()
	entries, _ := os.ReadDir("/proc/self/fd") // none where there is no such thing
	h := held{goroutines: runtime.NumGoroutine(), descriptors: len(entries), sessions: w.io.Connections(), sockets: len(w.io.Sockets())}
	inside := reflect.ValueOf(rooms).Elem()
	mu := lockOf(inside.FieldByName("mu"))
	mu.RLock()
	defer mu.RUnlock()
	h.members, h.rooms = int(inside.FieldByName("members").Elem().FieldByName("n").Int()), inside.FieldByName("rooms").Len()
	return h
}

func (h held) within(before held) bool {
	// Some workers stay for the next burst; TestMain sees that they end.
	return h.goroutines <= before.goroutines+idleWorkers && h.descriptors <= before.descriptors &&
		h.sessions == 0 && h.sockets == 0 && h.members == 0 && h.rooms == 0
}

// eventually waits until something holds.
func eventually(w *world, what string, holds func() bool) {
	w.Helper()
	limit := time.After(time.Minute)
	for !holds() {
		select {
		case <-limit:
			w.Fatalf("%s: it never came to that", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Clients connect, ask, join, leave, broadcast, and disconnect in every way.
func TestCrowd(t *testing.T) {
	share := 1
	if testing.Short() {
		share = 5
	}
	for driver, guests := range map[engineio.Driver]int{engineio.DriverAuto: 2000 / share, engineio.DriverGoroutine: 500 / share} {
		t.Run(fmt.Sprintf("%d guests, driver %q", guests, driver), func(t *testing.T) {
			rooms := adapter.NewMemory()
			var deliveries, connects, disconnects atomic.Int64
			opts := &socketio.Options{
				Cluster: adapter.Each(func(adapter.Local) adapter.Adapter {
					return tallying{rooms, &deliveries}
				}),
				Engine: engineio.Options{Driver: driver},
			}
			tcp(t, opts, func(w *world) {
				w.patient = time.Minute
				var mu sync.Mutex
				var sockets []weak.Pointer[socketio.Socket]
				w.io.OnConnection(func(s *socketio.Socket) {
					connects.Add(1)
					mu.Lock()
					sockets = append(sockets, weak.Make(s))
					mu.Unlock()
					room := func(n int) string { return "room " + strconv.Itoa(n) }
					s.On("echo", func(n int) int { return n })
					s.On("join", func(n int) error { return s.Join(room(n)) })
					s.On("leave", func(n int) { s.Leave(room(n)) })
					s.On("tell", func(n int) error { return w.io.To(room(n)).Emit("told", n) })
					s.On("others", func(n int) error { return s.To(room(n)).Emit("told", n) })
					s.On("self", func(n int) error {
						deliveries.Add(1)
						return s.Emit("yourself", n)
					})
					s.On("kick", func() { s.CloseConn() })
					s.OnDisconnect(func(socketio.DisconnectReason) { disconnects.Add(1) })
				})
				// What stays for ever is there after the first.
				for range 4 * runtime.GOMAXPROCS(0) {
					if err := w.crowd(1)[0].leaveBy(4); err != nil {
						t.Fatal(err)
					}
				}
				eventually(w, "the first have gone", func() bool { return disconnects.Load() == connects.Load() })
				before := w.held(rooms)
				eventually(w, "the first have gone", func() bool {
					now := w.held(rooms)
					same := now == before
					before = now
					return same && now.within(now)
				})
				playCrowd(w, guests, &deliveries, &disconnects)
				eventually(w, "all have gone", func() bool { return disconnects.Load() == connects.Load() })
				var now held
				limit := time.After(time.Minute)
				for now = w.held(rooms); !now.within(before); now = w.held(rooms) {
					select {
					case <-limit:
						t.Fatalf("at the end %+v, before %+v", now, before)
					case <-time.After(5 * time.Millisecond):
					}
				}
				eventually(w, "no socket is reachable", func() bool {
					runtime.GC()
					for _, s := range sockets {
						if s.Value() != nil {
							return false
						}
					}
					return true
				})
			})
		})
	}
}

func playCrowd(w *world, n int, deliveries, disconnects *atomic.Int64) {
	w.Helper()
	guests := w.crowd(n)
	gone := disconnects.Load()

	// All clients stay: every delivery arrives.
	start := deliveries.Load()
	each(w, guests, func(i int, g *guest) error {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for range 12 {
			event := []string{"echo", "join", "join", "leave", "tell", "others", "self"}[r.IntN(7)]
			if err := g.ask(event, r.IntN(n/5)); err != nil {
				return err
			}
		}
		return nil
	})
	each(w, guests, func(_ int, g *guest) error { return g.settle() }) // all handlers have run
	each(w, guests, func(_ int, g *guest) error { return g.settle() }) // all they sent has come
	var heard int64
	for _, g := range guests {
		heard += g.heard.Load()
	}
	want(w, "events that came", heard, deliveries.Load()-start)

	// Half of them disconnect, in five ways, while broadcasts to all and to rooms
	// continue.
	const broadcasts = 20
	going, staying := guests[:n/2], guests[n/2:]
	var all sync.WaitGroup
	all.Go(func() {
		for i := range broadcasts {
			if err := w.io.Emit("all", i+1); err != nil {
				w.Error(err)
			}
			runtime.Gosched()
		}
	})
	all.Go(func() {
		each(w, staying, func(i int, g *guest) error { return g.ask("tell", i%(n/5)) })
	})
	all.Go(func() {
		each(w, going, func(i int, g *guest) error {
			if err := g.leaveBy(i % 5); err != nil {
				return fmt.Errorf("way %d: %w", i%5, err)
			}
			<-g.ended
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.fault
		})
	})
	all.Wait()
	eventually(w, "half of them have gone", func() bool { return disconnects.Load()-gone == int64(len(going)) })
	want(w, "connections", w.io.Connections(), len(staying))
	each(w, staying, func(_ int, g *guest) error {
		if err := g.settle(); err != nil {
			return err
		}
		if n := g.last.Load(); n != broadcasts {
			return fmt.Errorf("heard %d broadcasts, want %d", n, broadcasts)
		}
		return nil
	})
	each(w, staying, func(i int, g *guest) error { return g.leaveBy(i % 5) })
}

// One of a thousand does not read: it costs only its queue, and then it is disconnected.
func TestOneStalledReader(t *testing.T) {
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		t.Run(fmt.Sprintf("driver %q", driver), func(t *testing.T) {
			const maxQueue = 1 << 20
			tcp(t, &socketio.Options{Engine: engineio.Options{Driver: driver, MaxQueueBytes: maxQueue / 16}}, func(w *world) {
				w.patient = time.Minute
				stalled := make(chan *socketio.Socket, 1)
				type end struct {
					reason socketio.DisconnectReason
					cause  error
				}
				ended := make(chan end, 1)
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("echo", func(n int) int { return n })
					s.On("stall", func() {
						s.OnDisconnect(func(reason socketio.DisconnectReason) { ended <- end{reason, context.Cause(s.Context())} })
						stalled <- s
					})
				})
				others := 999
				if testing.Short() {
					others = 199
				}
				guests := w.crowd(others)
				if err := w.raw().WriteText(`42["stall"]`); err != nil {
					t.Fatal(err)
				}
				s := within(w, "the one that stalls", stalled)

				before := heap()
				const broadcasts = 100
				var emits int
				var emitErr error
				ctx, cancel := context.WithCancel(context.Background())
				var filler sync.WaitGroup
				filler.Go(func() {
					defer cancel()
					for load := make([]byte, 48<<10); emitErr == nil; emits++ {
						emitErr = s.Emit("load", load)
					}
				})
				for i := range broadcasts {
					if i == broadcasts/2 {
						<-ctx.Done() // half of them find the queue full
					}
					if err := w.io.Emit("all", i+1); err != nil {
						t.Error(err)
					}
				}
				filler.Wait()
				if !errors.Is(emitErr, socketio.ErrSlowConsumer) && !errors.Is(emitErr, socketio.ErrClosed) {
					t.Errorf("emit %d to the stalled one: %v, want ErrSlowConsumer", emits, emitErr)
				}
				got := within(w, "the end of the stalled one", ended)
				if got.reason != "transport error" || !errors.Is(got.cause, socketio.ErrSlowConsumer) {
					t.Errorf("it ended with %q (%v), want a transport error, ErrSlowConsumer", got.reason, got.cause)
				}
				each(w, guests, func(_ int, g *guest) error {
					if err := g.settle(); err != nil {
						return err
					}
					if n := g.last.Load(); n != broadcasts {
						return fmt.Errorf("heard %d broadcasts, want %d", n, broadcasts)
					}
					return nil
				})
				if grown := heap() - before; grown > 2*maxQueue+8<<20 {
					t.Errorf("the heap has grown by %d bytes; the bound of the queue is %d", grown, maxQueue)
				}
			})
		})
	}
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
