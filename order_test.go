// SPDX-License-Identifier: MIT

// This file holds the tests of the order that the package comment promises to handlers
// and to clients.

package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

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
					mustEmit(t, s, "n", i)
					mustEmit(t, w.io, "n", i+1)
					mustEmit(t, w.io.To("room"), "n", i+2, []byte{byte(i)})
					mustEmit(t, w.io.To(s.ID()), "n", i+3)
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
