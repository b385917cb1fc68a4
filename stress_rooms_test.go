// SPDX-License-Identifier: MIT

// This file holds the tests of rooms and broadcasts under stress: no Join is lost, no
// broadcast reaches another room, and the order of each sender stays.

package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"socketio"
)

// Some clients stay, others come and go. Many goroutines emit to all, to rooms, to
// one; move sockets between rooms; search; disconnect. Those who stay hear all that is
// for them, in the order of each sender, and nothing else.
func TestStressRooms(t *testing.T) {
	stressed(t, roomy, func(w *world, until context.Context) {
		var outgoing [12]atomic.Int64
		visitors := socketio.NewDataKey[bool]("visitor")
		var staying atomic.Bool
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("kick", func() { s.CloseConn() })
			if staying.Load() {
				visitors.Set(s, true)
				_ = s.Join("visitors", fmt.Sprint("kick", len(s.ID())%2))
				s.OnAnyOutgoing(func(string, socketio.Args) {})
			}
		})
		c := newTroop(w, len(outgoing), nil)
		for i, s := range c.sockets {
			s.OnAnyOutgoing(func(string, socketio.Args) { outgoing[i].Add(1) })
			if err := s.Join("stay"); err != nil {
				w.Error(err)
			}
		}
		staying.Store(true)

		sent := make(map[string]int) // to everybody who stays
		ends := make(chan func(), 64)
		crew := crew{w: w, until: until}
		series := func(name string, emit func(string, ...any) error) {
			crew.works(name, func(n int) error {
				if err := emit("s", name, n); err != nil {
					return err
				}
				if n%16 == 0 {
					return c.drained(n / 16)
				}
				return nil
			}, func(n int) { ends <- func() { sent[name] = n } })
		}
		series("all", w.io.Emit)
		series("also all", w.io.Except("visitors").Emit)
		series("room", w.io.To("stay", "visitors").Emit)
		series("local", w.io.Local().To("stay").Emit)

		const wave = "wave"
		crew.works("those who stay move together", func(n int) error {
			if err := w.io.To("stay").SocketsJoin(wave); err != nil {
				return err
			}
			_ = w.io.To(wave).Emit("s", wave, n)
			if err := w.io.To("stay").SocketsLeave(wave); err != nil {
				return err
			}
			_ = w.io.To(wave).Emit("never", n)
			if n%16 == 0 {
				return c.drained(n / 16)
			}
			return nil
		}, func(n int) { ends <- func() { sent[wave] = n } })

		own := make([]atomic.Int64, len(c.sockets))
		count := socketio.NewDataKey[int]("count")
		for i, s := range c.sockets {
			room := fmt.Sprint("own ", i)
			crew.works(room, func(n int) error {
				own[i].Store(int64(n))
				count.Set(s, n)
				if err := s.Join(room, "several"); err != nil {
					return err
				}
				_ = w.io.To(room, room).Emit("s", "probe", n)
				s.Leave(room)
				_ = w.io.To(room).Emit("never", n)
				if err := s.Emit("s", "direct", n); err != nil {
					return err
				}
				s.Leave("several")
				if n%16 == 0 {
					return s.WaitDrained(context.Background())
				}
				return nil
			}, nil)
		}
		ids := make([]string, len(c.sockets))
		last := make(map[string]int)
		for i, s := range c.sockets {
			ids[i] = s.ID()
		}
		crew.works("search", func(int) error {
			found, err := w.io.To("stay").FetchSockets(context.Background())
			if err != nil || len(found) != len(ids) {
				return fmt.Errorf("found %d of %d: %w", len(found), len(ids), err)
			}
			for _, s := range found {
				n, _ := count.Get(s)
				if !slices.Contains(ids, s.ID()) || !slices.Contains(s.Rooms(), "stay") || n < last[s.ID()] {
					return fmt.Errorf("found %s in %q with %d after %d", s.ID(), s.Rooms(), n, last[s.ID()])
				}
				last[s.ID()] = n
			}
			return nil
		}, nil)
		crew.works("kicks", func(n int) error {
			kicked := w.io.To("kick0", "kick1").Except("stay")
			if n%2 == 0 {
				return kicked.CloseConns()
			}
			return kicked.DisconnectSockets()
		}, nil)
		for v := range 4 {
			crew.works("visitor", func(n int) error { return w.visits(v + n) }, nil)
		}
		crew.wg.Wait()
		close(ends)
		for end := range ends {
			end()
		}
		if w.Failed() {
			return
		}
		for i, h := range c.hearers {
			for name, n := range sent {
				if err := h.await(name, n); err != nil {
					w.Error(err)
				}
			}
			for _, name := range []string{"probe", "direct"} {
				if err := h.await(name, int(own[i].Load())); err != nil {
					w.Error(err)
				}
			}
			h.report()
			h.mu.Lock()
			want(w, fmt.Sprint("events that client ", i, " heard, and that its listener saw"), h.events, int(outgoing[i].Load()))
			h.mu.Unlock()
		}
		eventually(w, "the visitors have gone", func() bool { return len(w.io.Sockets()) == len(ids) && w.io.Connections() == len(ids) })
		w.Logf("%s %v", "sent:", sent)
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
