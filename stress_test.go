// SPDX-License-Identifier: MIT

// This file holds what must stay true while everything happens at once. It is for
// the race detector.

package socketio_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"socketio"
	"socketio/adapter"
)

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

// A Join that returned before a broadcast is in, a Leave that returned before is
// out, and each member hears it once, while others come and go.
func TestBroadcastSeesOneInstant(t *testing.T) {
	tcp(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b", "c")
		stop := make(chan struct{})
		var churn sync.WaitGroup
		for _, name := range []string{"b", "c"} {
			s := c.sockets[name]
			churn.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_ = s.Join("room")
						s.Leave("room")
					}
				}
			})
		}
		s, p := c.sockets["a"], c.peers["a"]
		for i := range 300 {
			if err := s.Join("room", "second"); err != nil {
				t.Error(err)
			}
			_ = w.io.To("room", "second").Emit("in", i)
			s.Leave("room")
			s.Leave("second")
			_ = w.io.To("room", "second").Emit("out", i)
		}
		close(stop)
		churn.Wait()
		_ = s.Emit("end")
		for i := range 300 {
			p.hears(fmt.Sprintf(`2["in",%d]`, i))
		}
		p.hears(`2["end"]`)
	})
}
