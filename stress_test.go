// SPDX-License-Identifier: MIT

// This file holds the test of everything at once, for the race detector, and the shared
// parts of the stress tests: how long they run, and clients that check the order of the
// events they hear.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/siotest"
)

// stressTime is how long one scenario runs on one driver. STRESS sets it.
func stressTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("STRESS")); err == nil {
		return d
	}
	if testing.Short() {
		return 300 * time.Millisecond
	}
	return 1500 * time.Millisecond
}

// stressed has a scenario over TCP on both drivers. until ends when the scenario
// should begin nothing more.
func stressed(t *testing.T, opts func() *socketio.Options, scenario func(w *world, until context.Context)) {
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		t.Run(string("driver "+driver), func(t *testing.T) {
			o := with(opts(), driver)
			// What is sent here is bounded by WaitDrained, not by the queue.
			if o.Engine.MaxQueueMessages == 0 {
				o.Engine.MaxQueueMessages, o.Engine.MaxQueueBytes = 1<<20, 1<<28
			}
			w := newWorld(t, o, &siotest.ServerOptions{TCP: true})
			until, cancel := context.WithTimeout(context.Background(), stressTime())
			defer cancel()
			scenario(w, until)
		})
	}
}

// roomy are options for scenarios that have none of their own.
func roomy() *socketio.Options { return new(socketio.Options) }

// A hearer is a client whose goroutine hears all that comes. Events ["s",series,n]
// must be numbered without a hole.
type hearer struct {
	*peer
	number int
	done   chan struct{} // closed when nothing more will be heard
	over   time.Time     // set before done is closed
	other  func(text string)

	mu     sync.Mutex // guards the fields below
	heard  map[string]int
	events int
	faults []error
	more   chan struct{} // closed at the next event
}

// hearer makes a peer one, whose connection and CONNECT are done. other gets what
// is no numbered event; it may be nil.
func (p *peer) hearer(number int, other func(text string)) *hearer {
	h := &hearer{peer: p, number: number, done: make(chan struct{}), other: other, heard: make(map[string]int), more: make(chan struct{})}
	go func() {
		defer func() {
			h.over = time.Now()
			close(h.done)
		}()
		for {
			select {
			case got := <-p.inbox:
				h.take(got.text)
			case <-p.ended:
				for {
					select {
					case got := <-p.inbox:
						h.take(got.text)
					default:
						return
					}
				}
			}
		}
	}()
	p.w.Cleanup(func() {
		p.leave()
		p.cancel()
		<-h.done
	})
	return h
}

func (h *hearer) take(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(text, `2["`) {
		h.events++
	}
	if rest, ok := strings.CutPrefix(text, `2["s","`); ok {
		series, number, _ := strings.Cut(strings.TrimSuffix(rest, "]"), `",`)
		n, err := strconv.Atoi(number)
		if err != nil || n != h.heard[series]+1 {
			h.faults = append(h.faults, fmt.Errorf("client %d hears %.80s after %d", h.number, text, h.heard[series]))
		}
		h.heard[series] = n
	} else if strings.HasPrefix(text, `2["never"`) {
		h.faults = append(h.faults, fmt.Errorf("client %d hears %.80s", h.number, text))
	}
	if h.other != nil {
		h.other(text)
	}
	close(h.more)
	h.more = make(chan struct{})
}

// await waits until the last number of a series has come.
func (h *hearer) await(series string, n int) error {
	limit := time.After(h.w.patient)
	for {
		h.mu.Lock()
		got, more := h.heard[series], h.more
		h.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-more:
		case <-h.done:
			return fmt.Errorf("client %d has ended after %d of %d of %s", h.number, got, n, series)
		case <-limit:
			return fmt.Errorf("client %d heard %d of %d of %s", h.number, got, n, series)
		}
	}
}

// told reports whether the server has told the client that the connection ends. It must be
// called after done is closed.
func (h *hearer) told() bool {
	var ce *ws.CloseError
	return h.goodbye || errors.As(h.end, &ce)
}

// report hands the faults to the test.
func (h *hearer) report() {
	h.w.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, err := range h.faults[:min(len(h.faults), 3)] {
		h.w.Error(err)
	}
}

// A troop is clients that stay, with their sockets.
type troop struct {
	hearers []*hearer
	sockets []*socketio.Socket
}

// newTroop opens clients over polling, WebSocket, and both, whose OnConnection
// handlers have run. other makes hearer.other.
func newTroop(w *world, n int, other func(i int, s *socketio.Socket, p *peer) func(string)) *troop {
	w.Helper()
	c := new(troop)
	came := make(chan *socketio.Socket, 1)
	defer w.io.OnConnection(func(s *socketio.Socket) { came <- s })()
	for i := range n {
		transport := []string{websocket, polling, websocket, polling}[i%4]
		p := w.open(transport)
		if i%4 == 3 {
			p.upgrades()
		}
		p.joins("/")
		s := within(w, "a connection", came)
		var hear func(string)
		if other != nil {
			hear = other(i, s, p)
		}
		c.hearers = append(c.hearers, p.hearer(i, hear))
		c.sockets = append(c.sockets, s)
	}
	return c
}

// drained waits until one of the clients has what was sent to it.
func (c *troop) drained(n int) error {
	return c.sockets[n%len(c.sockets)].WaitDrained(context.Background())
}

// A crew is goroutines that do something again and again.
type crew struct {
	w     *world
	until context.Context
	wg    sync.WaitGroup
}

// works calls do with 1, 2, 3 ... until the time is up or it fails. Then it calls
// end, if there is one, with the last number.
func (c *crew) works(what string, do func(n int) error, end func(n int)) {
	c.wg.Go(func() {
		n := 1
		for ; c.until.Err() == nil; n++ {
			if err := do(n); err != nil {
				c.w.Errorf("%s, round %d: %v", what, n, err)
				return
			}
		}
		if end != nil {
			end(n - 1)
		}
	})
}

// visits is one short visit of a client: it joins, says something, hears what comes,
// and leaves in one of five ways. The server may have sent it away before.
func (w *world) visits(way int) error {
	g, err := w.enter()
	if err != nil {
		return err
	}
	_ = g.c.WriteText(`42["hello",1]`)
	switch way %= 5; way {
	case 3:
		_ = g.c.WriteText("41")
		_ = g.c.WriteText("1")
		<-g.ended
	case 4:
		_ = g.c.WriteText(`42["kick"]`)
	default:
		_ = g.leaveBy(way)
	}
	_ = g.c.Close()
	<-g.ended
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fault
}

// closed reports whether an emit failed only because its client has gone.
func closed(err error) bool { return err == nil || errors.Is(err, socketio.ErrClosed) }

// Sockets join, leave, emit, broadcast and disconnect from many goroutines. In
// the end nothing is left.
func TestEverythingAtOnce(t *testing.T) {
	rooms := adapter.NewMemory()
	opts := &socketio.Options{Cluster: adapter.Each(func(adapter.Local) adapter.Adapter { return rooms })}
	tcp(t, opts, func(w *world) {
		var opened, ended atomic.Int64
		done := make(chan struct{}, 64)
		w.io.OnConnection(func(s *socketio.Socket) {
			opened.Add(1)
			s.On("talk", func(n int) int {
				_ = s.Join(fmt.Sprint("r", n%3))
				_ = s.To("r0", "r1").Emit("x", n)
				_ = w.io.Volatile().Emit("y", []byte{1})
				s.Leave(fmt.Sprint("r", (n+1)%3))
				_ = s.Rooms()
				return n
			})
			s.OnDisconnect(func(socketio.DisconnectReason) {
				ended.Add(1)
				done <- struct{}{}
			})
			go func() {
				for i := range 20 {
					_ = w.io.To(s.ID()).Emit("direct", i)
					_ = s.Join("r2")
					s.Leave("r2")
				}
			}()
		})
		const clients = 24
		var wg sync.WaitGroup
		for i := range clients {
			transport := websocket
			if i%4 == 0 {
				transport = polling
			}
			p := w.join(transport)
			wg.Go(func() {
				for n := range 40 {
					if p.tries(fmt.Sprintf(`2%d["talk",%d]`, n, n)) != nil {
						return
					}
				}
				switch i % 3 {
				case 0:
					p.goes()
				case 1:
					_ = p.tries(`1`)
				default:
					_ = p.tries(`9`)
				}
			})
		}
		wg.Wait()
		for range clients {
			within(w, "the end of all sockets", done)
		}
		want(t, "sockets that ended", ended.Load(), opened.Load())
		want(t, "sockets left", len(w.io.Sockets()), 0)
		for _, name := range []string{"r0", "r1", "r2"} {
			want(t, "members left of "+name, len(rooms.Members(adapter.Target{Rooms: []string{name}})), 0)
		}
		want(t, "members left", len(rooms.Members(adapter.Target{})), 0)
	})
}
