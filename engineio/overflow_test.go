// SPDX-License-Identifier: MIT

// This file tests messages for a full queue, waiting until a queue has emptied, and the
// bound on all queues together.

package engineio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/engineio"
)

func under(o engineio.Overflow, text string) *engineio.Message {
	return engineio.TextMessage(text).Overflow(o)
}

// Each policy at the bound: three messages fit.
func TestOverflow(t *testing.T) {
	const (
		fails  = engineio.OverflowFail
		newest = engineio.OverflowDropNewest
		oldest = engineio.OverflowDropOldest
		closes = engineio.OverflowClose
	)
	for name, c := range map[string]struct {
		before, last []*engineio.Message
		want         string
		dropped      int
		err          error
	}{
		"at the bound": {[]*engineio.Message{under(fails, "a"), under(newest, "b"), under(oldest, "c")}, nil, "4a\x1e4b\x1e4c", 0, nil},
		"fail": {[]*engineio.Message{under(closes, "a"), under(fails, "b"), under(fails, "c")},
			[]*engineio.Message{under(fails, "d")}, "4a\x1e4b\x1e4c", 0, engineio.ErrQueueFull},
		"drop newest": {[]*engineio.Message{under(closes, "a"), under(newest, "b"), under(newest, "c")},
			[]*engineio.Message{under(newest, "d"), under(newest, "e")}, "4a\x1e4b\x1e4c", 2, engineio.ErrDropped},
		"drop oldest": {[]*engineio.Message{under(oldest, "a"), under(oldest, "b"), under(oldest, "c")},
			[]*engineio.Message{under(oldest, "d"), under(oldest, "e")}, "4c\x1e4d\x1e4e", 2, nil},
		"drop oldest, of those alone": {[]*engineio.Message{under(closes, "a"), under(oldest, "b"), under(closes, "c")},
			[]*engineio.Message{under(oldest, "d")}, "4a\x1e4c\x1e4d", 1, nil},
		"drop oldest, none to drop": {[]*engineio.Message{under(closes, "a"), under(newest, "b"), under(closes, "c")},
			[]*engineio.Message{under(oldest, "d")}, "4a\x1e4b\x1e4c", 1, engineio.ErrDropped},
		"latest": {[]*engineio.Message{engineio.TextMessage("x1").Conflate("x"), under(closes, "b"), engineio.TextMessage("y1").Conflate("y")},
			[]*engineio.Message{engineio.TextMessage("x2").Conflate("x"), engineio.TextMessage("x3").Conflate("x")}, "4b\x1e4y1\x1e4x3", 2, nil},
		"latest, full": {[]*engineio.Message{engineio.TextMessage("x1").Conflate("x"), under(closes, "b"), under(closes, "c")},
			[]*engineio.Message{engineio.TextMessage("y1").Conflate("y").Overflow(fails)}, "4x1\x1e4b\x1e4c", 0, engineio.ErrQueueFull},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{options: &engineio.Options{MaxQueueMessages: 3}})
				p := r.polling()
				s := r.side(p.id())
				for _, m := range c.before {
					if err := s.Send(m); err != nil {
						w.t.Fatalf("before: %v", err)
					}
				}
				var err error
				for _, m := range c.last {
					err = s.Send(m)
				}
				if !errors.Is(err, c.err) {
					w.t.Errorf("at the bound: %v, want %v", err, c.err)
				}
				if n := s.Dropped(); n != c.dropped {
					w.t.Errorf("%d dropped, want %d", n, c.dropped)
				}
				p.wantAnswer("what is left", c.want)
				s.wantOpen("the connection")
				s.say("on")
				p.wantAnswer("and on", "4on")
			})
		})
	}
}

// The bound in bytes: one large message takes the place of several.
func TestOverflowBytes(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxQueueBytes: 400}})
		p := r.polling()
		s := r.side(p.id())
		hundred := strings.Repeat("x", 90)
		for range 4 {
			s.Send(under(engineio.OverflowDropOldest, hundred))
		}
		long := strings.Repeat("y", 250)
		s.Send(under(engineio.OverflowDropOldest, long))
		if n := s.Dropped(); n != 3 {
			w.t.Errorf("%d dropped, want 3", n)
		}
		s.Send(under(engineio.OverflowDropOldest, strings.Repeat("z", 1000)))
		if n, _ := s.Buffered(); n != 1 {
			w.t.Errorf("%d wait: a message larger than the bound enters an empty queue", n)
		}
		p.wantAnswer("the last", "4"+strings.Repeat("z", 1000))
	})
}

// A message whose sending has begun is neither dropped nor split.
func TestOverflowKeepsWhatIsOnItsWay(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxQueueMessages: 4, MaxQueueBytes: 64 << 20}, buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		long := w.flood()
		s.Send(under(engineio.OverflowDropOldest, long))
		if err := c.c.Await(); err != nil { // it is being sent
			w.t.Fatal(err)
		}
		for _, text := range []string{"a", "b", "c", "d", "e"} {
			s.Send(under(engineio.OverflowDropOldest, text))
			s.Send(engineio.TextMessage(text).Conflate("k").Overflow(engineio.OverflowDropOldest))
		}
		c.want("the long one, whole", "4"+long)
		s.say("last")
		previous := ""
		for {
			got := c.next("the rest")
			if got == "4last" {
				break
			}
			if got < previous || strings.HasPrefix(got, "close") {
				w.t.Errorf("%q after %q", got, previous)
			}
			previous = got
		}
	})
}

func TestDrained(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{buffer: 4096}, func(r *rig, p peer) {
			s := r.side(p.id())
			ctx, cancel := context.WithTimeout(context.Background(), w.patience)
			defer cancel()
			if err := s.WaitDrained(ctx); err != nil {
				w.t.Fatalf("nothing waits: %v", err)
			}
			long := strings.Repeat("x", 8_000_000)
			s.say(long)
			ended, end := context.WithCancel(ctx)
			end()
			if err := s.WaitDrained(ended); !errors.Is(err, context.Canceled) {
				w.t.Errorf("much waits: %v, want that of the context", err)
			}
			drained := make(chan error, 1)
			go func() { drained <- s.WaitDrained(ctx) }()
			p.want("what waits", "4"+long)
			if err := <-drained; err != nil {
				w.t.Errorf("all has left: %v", err)
			}
			s.say(long)
			go func() { drained <- s.WaitDrained(ctx) }()
			s.Abort(engineio.ReasonForcedClose, nil, 1000, "")
			switch err := <-drained; {
			case err == nil: // all had left before
				p.want("the rest", "4"+long)
			case !errors.Is(err, engineio.ErrClosed):
				w.t.Errorf("the connection ended: %v", err)
			}
			if err := s.WaitDrained(ctx); !errors.Is(err, engineio.ErrClosed) {
				w.t.Errorf("the connection has ended: %v", err)
			}
		})
	})
}

// Over the bound on all queues the connections with the longest close; the others are not
// affected.
func TestQueueBudget(t *testing.T) {
	everywhere(t, func(w *world) {
		const limit = 100_000
		r := w.serve(hosting{options: &engineio.Options{QueueBudget: limit}})
		var peers []*pollPeer
		var sides []*side
		for range 9 {
			p := r.polling()
			peers, sides = append(peers, p), append(sides, r.side(p.id()))
		}
		tenth := strings.Repeat("x", limit/10)
		for _, s := range sides[:8] {
			s.say(tenth)
		}
		for _, s := range sides {
			s.wantOpen("under the bound")
		}
		sides[0].say(tenth)
		sides[0].say(tenth) // more than all may have
		sides[0].wantEnded("the longest queue", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		for i, p := range peers[1:8] {
			sides[i+1].wantOpen("a shorter queue")
			p.want("a shorter queue", "4"+tenth)
		}
		for range 100 { // sent messages no longer count
			sides[8].say(tenth)
			peers[8].want("one at a time", "4"+tenth)
		}
		sides[8].wantOpen("one that keeps up")
	})
}

// The bound itself may be reached. Above it so many connections end that the queues are an
// eighth below it, and no more.
func TestQueueBudgetToTheByte(t *testing.T) {
	inMemory(t, func(w *world) {
		const unit = 8_000
		frame := engineio.TextMessage(strings.Repeat("x", unit)).Size() - unit
		message := func(n int) *engineio.Message { return engineio.TextMessage(strings.Repeat("x", n*unit-frame)) }
		r := w.serve(hosting{options: &engineio.Options{QueueBudget: 72 * unit, PingInterval: time.Hour}})
		var sides []*side
		for range 8 {
			sides = append(sides, r.side(r.polling().id()))
		}
		long := r.side(r.polling().id())
		open := func() (n int) {
			for _, s := range sides {
				if s.Send(engineio.TextMessage("")) == nil {
					n++
				}
			}
			return n
		}
		for _, s := range sides {
			s.Send(message(8))
		}
		long.Send(message(8))
		r.quiet()
		if n := open(); n != 8 {
			w.t.Errorf("%d of 8 connections are open with the queues at the bound", n)
		}
		long.wantOpen("at the bound")
		long.Send(message(1))
		long.wantEnded("the longest", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		r.quiet()
		if n := open(); n != 7 { // 64 of 72 units were left without the longest
			w.t.Errorf("%d of 8 connections are open after that, want 7", n)
		}
	})
}

// A negative bound disables it.
func TestQueueBudgetOff(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{QueueBudget: -1}})
		var sides []*side
		for range 5 {
			s := r.side(r.polling().id())
			s.say(strings.Repeat("x", 3<<20))
			sides = append(sides, s)
		}
		for _, s := range sides {
			s.wantOpen("a long queue")
		}
	})
}

// Shutdown spreads the ends over time, at its rate, or as its context allows.
func TestShutdownInWaves(t *testing.T) {
	for name, c := range map[string]struct {
		rate     int
		deadline time.Duration
		last     time.Duration
	}{
		"at its rate":              {100, time.Hour, time.Second},
		"no more time than it has": {1, 4 * time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: &engineio.Options{ShutdownRate: c.rate}})
				const n = 100
				peers := make([]*wsPeer, n)
				for i := range peers {
					peers[i] = r.websocket()
				}
				start := time.Now()
				ends := make(chan time.Duration, n)
				for _, p := range peers {
					go func() {
						p.wantClose("the end", 1001)
						ends <- time.Since(start)
					}()
				}
				ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- r.srv.Shutdown(ctx) }()
				synctest.Wait()
				var last time.Duration
				early := 0
				for range n {
					end := <-ends
					last = max(last, end)
					if end < c.last/2 {
						early++
					}
				}
				if err := <-done; err != nil {
					w.t.Errorf("Shutdown: %v", err)
				}
				if last > c.last || last < c.last*9/10 {
					w.t.Errorf("the last ended after %v, want %v", last, c.last)
				}
				if early < n/2-5 || early > n/2+5 {
					w.t.Errorf("%d of %d ended in the first half", early, n)
				}
			})
		})
	}
}

// A message that replaces one with its key counts that one as removed when it makes room.
func TestLatestAndDropOldest(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxQueueBytes: 400}})
		p := r.polling()
		s := r.side(p.id())
		a, b, k := strings.Repeat("a", 90), strings.Repeat("b", 190), strings.Repeat("k", 150)
		s.Send(under(engineio.OverflowDropOldest, a))
		s.Send(under(engineio.OverflowDropOldest, "old").Conflate("k"))
		s.Send(under(engineio.OverflowDropOldest, b))
		s.Send(under(engineio.OverflowDropOldest, k).Conflate("k"))
		p.wantAnswer("the old value has gone, and one more", "4"+b+"\x1e4"+k)
	})
}

// Messages whose sending has begun can't be dropped: they must not cost others their
// connection.
func TestQueueBudgetSparesTheOthers(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{QueueBudget: 3_000_000}, buffer: 4096})
		var slow, idle []*side
		for range 3 {
			slow, idle = append(slow, r.side(r.websocket().id())), append(idle, r.side(r.websocket().id()))
		}
		big := engineio.TextMessage(strings.Repeat("x", 8_000_000))
		for _, s := range slow {
			s.Send(big)
		}
		slow[0].wantEnded("a long queue", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		for _, s := range idle {
			s.wantOpen("an empty queue")
		}
	})
}

// A volatile message is sent or dropped with all its attachments, depending on whether
// the transport can send it now.
func TestVolatileUnits(t *testing.T) {
	t.Run("trap 45", func(t *testing.T) {
		volatile := func() *engineio.Message {
			return engineio.NewMessage(append(make([]byte, engineio.HeaderRoom), "v"...), [][]byte{{1}, {2}})
		}
		inMemory(t, func(w *world) {
			r := w.serve(hosting{buffer: 4096})
			c := r.websocket()
			s, long := r.side(c.id()), strings.Repeat("x", 100_000)
			s.say(long) // more than the network buffers
			if s.SendVolatile(volatile()) {
				w.t.Error("it was taken behind what waits")
			}
			s.say("kept")
			c.want("without it", "4"+long, "4kept")
			r.quiet()
			if !s.SendVolatile(volatile()) {
				w.t.Error("it was not taken when the way was free")
			}
			c.want("with it", "4v", "<01>", "<02>")
		})
		inMemory(t, func(w *world) {
			p := w.serve(hosting{}).polling()
			s := p.r.side(p.id())
			if s.SendVolatile(volatile()) {
				w.t.Error("it was taken without a poll")
			}
			p.park()
			if !s.SendVolatile(volatile()) || s.SendVolatile(volatile()) {
				w.t.Error("a parked poll takes one")
			}
			p.wantAnswer("the one", "4v\x1ebAQ==\x1ebAg==")
		})
	})
}
