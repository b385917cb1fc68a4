// SPDX-License-Identifier: MIT

// This file holds what the stress tests share: how long they run, and clients that
// check the order of what they hear.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
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
		defer close(h.done)
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
