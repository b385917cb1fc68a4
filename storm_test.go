// SPDX-License-Identifier: MIT

// This file holds the storm after which all counters balance. It is for the race
// detector too.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

// A stormClient counts what it hears.
type stormClient struct {
	*peer
	number                                int
	answers, direct, questioned, answered int
}

// hear takes packets until it has n answers.
func (c *stormClient) hear(n int) error {
	for c.answers < n {
		got, err := c.next()
		if err != nil {
			return fmt.Errorf("client %d, %d of %d answers: %w", c.number, c.answers, n, err)
		}
		text := got.text
		switch {
		case strings.HasPrefix(text, "3"):
			c.answers++
		case strings.HasPrefix(text, `2["direct"`):
			c.direct++
		case strings.Contains(text, `["question"]`):
			c.questioned++
			if c.number%2 == 0 {
				id, _, _ := strings.Cut(text[1:], "[")
				if err := c.tries("3" + id + "[1]"); err != nil {
					return err
				}
				c.answered++
			}
		}
	}
	return nil
}

// silent is added to what a client says that does not answer questions.
const silent = 1000

// talk is phase one: everything the client says is answered.
func (c *stormClient) talk(n int) error {
	for i := range n {
		if err := c.tries(fmt.Sprintf(`2%d["talk",%d]`, i, i+c.number%2*silent)); err != nil {
			return err
		}
		if err := c.hear(i + 1); err != nil {
			return err
		}
	}
	return nil
}

// leaves is phase two: a burst, and an end in the middle of it.
func (c *stormClient) leaves() {
	burst := make([]any, 0, 32)
	for i := range 12 {
		burst = append(burst, fmt.Sprintf(`2["slow",%d]`, i))
	}
	switch c.number % 7 {
	case 0:
		_ = c.tries(burst...)
		c.goes()
	case 1:
		_ = c.tries(append(burst, `1`)...)
	case 2:
		_ = c.tries(append(burst, `9`)...) // no packet has this type
	case 3:
		_ = c.tries(append([]any{`2["kick",false]`}, burst...)...)
	case 4:
		_ = c.tries(append([]any{`2["kick",true]`}, burst...)...)
	case 5:
		_ = c.tries(burst...)
		_ = c.write("1")
	default: // Shutdown ends it
		_ = c.tries(burst...)
	}
}

// Clients come, talk and go in every way there is. What observers heard balances, and
// equals what the clients counted.
func TestCountersBalanceAfterAStorm(t *testing.T) {
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		t.Run(string("driver "+driver), func(t *testing.T) { storm(t, driver) })
	}
}

func storm(t *testing.T, driver engineio.Driver) {
	const clients, talks = 28, 15
	l := newLedger()
	opts := &socketio.Options{Observers: []any{l}, Limits: socketio.SocketLimits{MaxInboxPackets: 6}, Engine: engineio.Options{Driver: driver}}
	tcp(t, opts, func(w *world) {
		serveStorm(w)
		all := make([]*stormClient, clients)
		upgraded := 0
		for i := range all {
			transport := []string{polling, websocket, polling, websocket}[i%4]
			c := &stormClient{peer: w.join(transport), number: i}
			if i%4 == 2 {
				c.upgrades()
				upgraded++
			}
			all[i] = c
			c.says(`0/nowhere,`, `0/closed,`)
			c.hears(`4/*`, `4/*`)
			c.joins(fmt.Sprintf("/team-%d", i%5))
		}
		each := func(do func(*stormClient) error) {
			var wg sync.WaitGroup
			for _, c := range all {
				wg.Go(func() {
					if err := do(c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		each(func(c *stormClient) error { return c.talk(talks) })
		if t.Failed() {
			return
		}
		l.await(w, "handled", clients*talks)
		answers, direct, questioned, answered := 0, 0, 0, 0
		for _, c := range all {
			answers, direct = answers+c.answers, direct+c.direct
			questioned, answered = questioned+c.questioned, answered+c.answered
		}
		n := l.all()
		want(t, "connections", n["opened"], clients)
		want(t, "upgrades", n["upgraded"], upgraded)
		want(t, "sockets", n["joined"], 2*clients)
		want(t, "refusals of no namespace", n["turned away "], clients)
		want(t, "refusals by the middleware", n["turned away /closed"], clients)
		want(t, "events of phase one", n["in"], clients*talks)
		want(t, "events handled", n["handled talk"], clients*talks)
		want(t, "events answered", answers, n["answers wanted"])
		want(t, "events that failed", n["failed talk"], clients*3)
		want(t, "errors reported", n["reported talk"], clients*3)
		want(t, "events to one", n["out direct"], direct)
		want(t, "questions", n["out question"], questioned)
		want(t, "questions asked", n["asked"], questioned)
		want(t, "questions answered", n["answered"], answered)
		want(t, "copies of the broadcast", n["copies all"], n["out all"]*clients)
		for _, what := range []string{"bytes in " + polling, "bytes in " + websocket, "bytes out " + polling, "bytes out " + websocket, "messages in"} {
			if n[what] == 0 {
				t.Errorf("no %s", what)
			}
		}

		each(func(c *stormClient) error { c.leaves(); return nil })
		ctx, cancel := context.WithTimeout(context.Background(), 4*w.patient)
		defer cancel()
		if err := w.io.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		l.balances(t, "/", "/closed")
		n = l.all()
		if n["in"] > clients*(talks+13) {
			t.Errorf("%d events came, but at most %d were sent", n["in"], clients*(talks+13))
		}
		if n["paused"] == 0 {
			t.Error("no connection was paused: the storm is too weak")
		}
		t.Logf("counted: %v\nreasons: %v", n, l.reasons)
	})
}

func serveStorm(w *world) {
	w.io.Of("/closed").Use(func(context.Context, *socketio.Socket) error { return errors.New("no entry") })
	w.io.OfPattern(regexp.MustCompile(`^/team-\d$`)).OnConnection(func(s *socketio.Socket) {
		_ = s.Join("members", "members")
	})
	w.io.Use(func(_ context.Context, s *socketio.Socket) error { return s.Join("early", "late") })
	w.io.OnConnection(func(s *socketio.Socket) {
		s.Leave("late")
		s.On("talk", func(n int) (int, error) {
			_ = s.Join("all", fmt.Sprint("r", n%3))
			_ = s.Emit("direct", n)
			_ = w.io.Emit("all", n)
			_ = s.To("r0").Volatile().Emit("some", n)
			s.Leave(fmt.Sprint("r", (n+1)%3))
			if n%5 == 0 {
				ctx := s.Context()
				if n >= silent {
					short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
					defer cancel()
					ctx = short
				}
				_, _ = s.EmitWithAck(ctx, "question")
				return 0, errors.New("no good")
			}
			return n, nil
		})
		s.On("slow", func(n int) {
			for i := range 20 {
				_ = s.Join(fmt.Sprint("s", i%7))
				s.Leave(fmt.Sprint("s", i%5))
			}
		})
		s.On("kick", func(close bool) {
			if close {
				s.CloseConn()
			} else {
				s.Disconnect()
			}
		})
	})
	w.io.OnError(func(*socketio.Socket, *socketio.HandlerError) {})
}
