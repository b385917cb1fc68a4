// SPDX-License-Identifier: MIT

// This file holds full queues under stress: what each client gets is what its policy
// promises.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"socketio"
	"socketio/engineio"
)

// A sluggard reads only while its gate is open.
type sluggard struct {
	*guest
	mu    sync.Mutex // guards the fields below
	gate  chan struct{}
	got   map[string][]int
	total atomic.Int64
}

// shuts closes or opens the gate.
func (g *sluggard) shuts(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.gate:
		if shut {
			g.gate = make(chan struct{})
		}
	default:
		if !shut {
			close(g.gate)
		}
	}
}

func (g *sluggard) reads() {
	defer close(g.ended)
	for {
		g.mu.Lock()
		gate := g.gate
		g.mu.Unlock()
		<-gate
		_, data, err := g.c.ReadMessage()
		if err != nil {
			return
		}
		if string(data) == "2" {
			_ = g.c.WriteText("3")
		}
		var series string
		var n int
		name, _, _ := strings.Cut(strings.TrimPrefix(string(data), `42["p","`), `","`)
		if _, err := fmt.Sscanf(strings.ReplaceAll(name, `",`, " "), "%s %d", &series, &n); err == nil {
			g.mu.Lock()
			g.got[series] = append(g.got[series], n)
			g.mu.Unlock()
			g.total.Add(1)
		}
	}
}

// Clients stop reading and go on; their queues are full again and again. What an
// emit was allowed to lose may be missing, in the order of each sender; nothing else
// is, and what is missing is counted.
func TestStressFullQueues(t *testing.T) {
	const clients = 6
	l := (*ledger)(nil)
	opts := func() *socketio.Options {
		l = newLedger()
		return &socketio.Options{Observers: []any{l}, Engine: engineio.Options{MaxQueueMessages: 24, MaxQueueBytes: 1 << 20}}
	}
	stressed(t, opts, func(w *world, until context.Context) {
		came := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { came <- s })
		var all []*sluggard
		var sockets []*socketio.Socket
		for range clients {
			asleep, err := w.sleeper()
			if err != nil {
				w.Fatal(err)
			}
			g := &sluggard{guest: asleep, gate: make(chan struct{}), got: make(map[string][]int)}
			close(g.gate)
			go g.reads()
			w.Cleanup(func() {
				g.shuts(false)
				_ = g.c.Close()
				<-g.ended
			})
			all, sockets = append(all, g), append(sockets, within(w, "a connection", came))
		}
		load := strings.Repeat("x", 32_000)
		crew := crew{w: w, until: until}
		last := make(map[string]int)
		var mu sync.Mutex // guards last
		policy := func(name string, b socketio.Broadcast) {
			crew.works(name, func(n int) error { return b.Emit("p", name, n, load) }, func(n int) {
				mu.Lock()
				defer mu.Unlock()
				last[name] = n
			})
		}
		policy("oldest", w.io.Overflow(socketio.OverflowDropOldest))
		policy("newest", w.io.Overflow(socketio.OverflowDropNewest))
		policy("latest", w.io.Conflate("key").Overflow(socketio.OverflowDropOldest))
		policy("volatile", w.io.Volatile())
		taken := make([][]int, clients)
		for i, s := range sockets {
			crew.works("fail", func(n int) error {
				err := s.Overflow(socketio.OverflowFail).Emit("p", "fail", n, load)
				if err == nil {
					taken[i] = append(taken[i], n)
				} else if errors.Is(err, socketio.ErrQueueFull) {
					err = nil
				}
				return err
			}, nil)
			crew.works("gate", func(n int) error {
				all[i].shuts(n%2 == 1)
				before := all[i].total.Load()
				for until.Err() == nil { // until the queue is nearly full, and until it has moved
					if packets, _ := s.Buffered(); n%2 == 1 && packets > 20 || n%2 == 0 && all[i].total.Load() > before+50 {
						break
					}
					runtime.Gosched()
				}
				return nil
			}, nil)
		}
		crew.wg.Wait()
		for i, g := range all {
			g.shuts(false)
			if err := sockets[i].WaitDrained(context.Background()); err != nil {
				w.Error(err)
			}
		}
		for _, s := range sockets { // each has room now
			want(w, "the last of each", s.Emit("p", "last", 1, load), nil)
			want(w, "the last of a key", s.Conflate("key").Emit("p", "key", 1, load), nil)
		}
		received, emitted := 0, 0
		for i, g := range all {
			eventually(w, "the last has come", func() bool {
				g.mu.Lock()
				defer g.mu.Unlock()
				return len(g.got["key"]) > 0 && len(g.got["last"]) > 0
			})
			g.mu.Lock()
			for series, numbers := range g.got {
				for j := 1; j < len(numbers); j++ {
					if numbers[j] <= numbers[j-1] {
						w.Errorf("client %d hears %d of %s after %d", i, numbers[j], series, numbers[j-1])
						break
					}
				}
				if n := last[series]; n > 0 && numbers[len(numbers)-1] > n {
					w.Errorf("client %d hears %d of %s, but %d were sent", i, numbers[len(numbers)-1], series, n)
				}
				if series != "volatile" {
					received += len(numbers)
				}
			}
			if fmt.Sprint(g.got["fail"]) != fmt.Sprint(taken[i]) {
				w.Errorf("client %d hears %d of those that may fail, but %d were taken", i, len(g.got["fail"]), len(taken[i]))
			}
			emitted += len(taken[i]) + 2
			g.mu.Unlock()
		}
		for _, name := range []string{"oldest", "newest", "latest"} {
			emitted += clients * last[name]
		}
		lost := 0
		for what, n := range l.all() {
			if why, ok := strings.CutPrefix(what, "lost "); ok && why != string(engineio.DropVolatile) {
				lost += n
			}
		}
		want(w, "copies received and lost", received+lost, emitted)
		want(w, "clients that are left", w.io.Connections(), clients)
		w.Logf("emitted %d, received %d, lost %d; %v", emitted, received, lost, l.all())
	})
}
