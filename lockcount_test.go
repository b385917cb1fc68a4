// SPDX-License-Identifier: MIT

//go:build lockcount

// This file holds how many locks the paths of an event take. An operation is an
// acquisition of a mutex, a send or a receive on a channel, or another round of a
// compare-and-swap; see package lock.

package socketio_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"socketio"
	"socketio/engineio"
	"socketio/internal/lock"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

const (
	maxOpsPerEvent = 4 // from the socket to its handler, and the rest of its worker
	maxOpsPerEmit  = 2 // for each recipient
)

// operations runs fn n times and returns the operations of one run, with a line for each
// place. Places that one run in a hundred comes to are those of clocks.
func operations(n int, fn func()) (perRun float64, byPlace string) {
	fn() // what happens once has happened
	lock.Trace()
	for range n {
		fn()
	}
	var lines []string
	for place, count := range lock.Traced() {
		if share := float64(count) / float64(n); share >= 0.02 {
			perRun += share
			lines = append(lines, fmt.Sprintf("%6.2f %s", share, place))
		}
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return perRun, strings.Join(lines, "\n")
}

// overDrivers runs a test over TCP with each driver.
func overDrivers(t *testing.T, opts *socketio.Options, test func(t *testing.T, w *world)) {
	for name, driver := range map[string]engineio.Driver{"loops": engineio.DriverAuto, "goroutines": engineio.DriverGoroutine} {
		t.Run(name, func(t *testing.T) {
			tcp(t, with(opts, driver), func(w *world) { test(t, w) })
		})
	}
}

// keepsTo compares operations with a budget.
func keepsTo(t *testing.T, budget, got float64, byPlace string) {
	t.Helper()
	t.Logf("%.2f operations:\n%s", got, byPlace)
	if got > budget+0.1 { // a run may end in the next
		t.Errorf("%.2f operations, want at most %v", got, budget)
	}
}

// A lone event takes few locks on its path from the network to its handler.
func TestLocksOfALoneEvent(t *testing.T) {
	overDrivers(t, nil, func(t *testing.T, w *world) {
		handled := make(chan struct{}, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("chat message", func(string) { handled <- struct{}{} })
		})
		c := w.raw()
		frame := wstest.Frame(ws.Text, true, []byte(`42["chat message","hello"]`))
		got, byPlace := operations(500, func() {
			if _, err := c.Conn().Write(frame); err != nil {
				t.Fatal(err)
			}
			<-handled
			for !socketio.Idle(w.io) { // the next event is a lone one too
				runtime.Gosched()
			}
		})
		keepsTo(t, maxOpsPerEvent, got, byPlace)
	})
}

// An emit to one socket, and a broadcast, take few for each recipient.
func TestLocksOfALoneEmit(t *testing.T) {
	overDrivers(t, nil, func(t *testing.T, w *world) {
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		c := w.raw()
		s := within(w, "the connection", joined)
		emit := func(emit func(string, ...any) error) func() {
			return func() {
				if err := emit("chat message", "hello"); err != nil {
					t.Fatal(err)
				}
				if _, _, err := c.ReadFrame(); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, byPlace := operations(500, emit(s.Emit))
		keepsTo(t, maxOpsPerEmit, got, byPlace)
		// The members of a room are locked once for a broadcast, whatever their number.
		got, byPlace = operations(500, emit(w.io.Emit))
		keepsTo(t, maxOpsPerEmit+1, got, byPlace)
	})
}

// An echo is both.
func TestLocksOfAnEcho(t *testing.T) {
	overDrivers(t, nil, func(t *testing.T, w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("q", func(text string) string { return text })
		})
		c := w.raw()
		frame := wstest.Frame(ws.Text, true, []byte(`421["q","hello"]`))
		got, byPlace := operations(500, func() {
			if _, err := c.Conn().Write(frame); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.ReadFrame(); err != nil {
				t.Fatal(err)
			}
			for !socketio.Idle(w.io) {
				runtime.Gosched()
			}
		})
		keepsTo(t, maxOpsPerEvent+maxOpsPerEmit, got, byPlace)
	})
}

// Without recovery, an emit takes the locks of sending its packet, and no others. With it,
// it takes some: otherwise this would compare nothing.
func TestLocksWithoutRecovery(t *testing.T) {
	compare := func(t *testing.T, r *socketio.Recovery) {
		overDrivers(t, &socketio.Options{Recovery: r}, func(t *testing.T, w *world) {
			joined := make(chan *socketio.Socket, 1)
			w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
			c := w.raw()
			s := within(w, "the connection", joined)
			send := func(send func() error) func() {
				return func() {
					if err := send(); err != nil {
						t.Fatal(err)
					}
					if _, _, err := c.ReadFrame(); err != nil {
						t.Fatal(err)
					}
				}
			}
			alone, _ := operations(500, send(func() error { return socketio.SendAlone(s, `2["chat message",1]`) }))
			emit, byPlace := operations(500, send(func() error { return s.Emit("chat message", 1) }))
			if more := emit > alone+0.1; more != (r != nil) {
				t.Errorf("an emit takes %.2f operations, its packet alone %.2f:\n%s", emit, alone, byPlace)
			}
		})
	}
	t.Run("off", func(t *testing.T) { compare(t, nil) })
	t.Run("on", func(t *testing.T) { compare(t, &socketio.Recovery{}) })
}
