// SPDX-License-Identifier: MIT

// This file holds Shutdown in the middle of everything.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

// While emits, acknowledgements, joins, searches and namespaces continue, the server
// shuts down. Each call returns, each client has received everything that was accepted
// for it, without a gap, unless it needs more than 10 s to take it; every socket has a
// reason, and all counters balance.
func TestStressShutdown(t *testing.T) {
	l := (*ledger)(nil)
	opts := func() *socketio.Options {
		l = newLedger()
		return &socketio.Options{Observers: []any{l}, Engine: engineio.Options{ShutdownRate: 50}}
	}
	stressed(t, opts, func(w *world, until context.Context) {
		var stayed, told atomic.Int64
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("kick", func() { s.CloseConn() })
			s.On("hello", func() { _ = s.Join("visitors") })
		})
		teams := w.io.OfPattern(regexp.MustCompile(`^/team-\d+$`))
		teams.OnConnection(func(s *socketio.Socket) { _ = s.Join("members") })
		c := newTroop(w, 12, nil)
		for i, s := range c.sockets {
			stayed.Add(1)
			s.OnDisconnect(func(reason socketio.DisconnectReason) {
				if reason == socketio.ReasonShutdown {
					told.Add(1)
				} else {
					w.Errorf("client %d ends with %q", i, reason)
				}
			})
			_ = s.Join("stay")
		}
		over, end := context.WithCancel(context.Background())
		crew := crew{w: w, until: over}
		sent := make([]atomic.Int64, len(c.sockets))
		for i, s := range c.sockets {
			crew.works("direct", func(n int) error {
				err := s.Emit("s", "direct", n)
				if err == nil {
					sent[i].Store(int64(n))
				}
				if n%16 == 0 && err == nil {
					err = s.WaitDrained(over)
				}
				if !closed(err) && over.Err() == nil {
					return err
				}
				if err != nil {
					<-over.Done()
				}
				return nil
			}, nil)
		}
		crew.works("all", func(n int) error {
			_ = w.io.To("stay").SocketsJoin(fmt.Sprint("room ", n%5))
			_ = w.io.To("stay").SocketsLeave(fmt.Sprint("room ", n%7))
			if _, err := w.io.FetchSockets(over); err != nil && over.Err() == nil {
				return err
			}
			if err := c.drained(n); !closed(err) {
				return err
			}
			if err := w.io.Emit("s", "all", n); !closed(err) {
				return err
			}
			return nil
		}, nil)
		for range 3 {
			crew.works("question", func(n int) error {
				for _, err := range w.io.Timeout(time.Second).EmitWithAck(over, "question", n) {
					var e *socketio.PartialError
					if !closed(err) && !errors.As(err, &e) && !errors.Is(err, context.DeadlineExceeded) && over.Err() == nil {
						return err
					}
				}
				return nil
			}, nil)
		}
		crew.works("one question", func(n int) error {
			if _, err := c.sockets[0].EmitWithAck(over, "question"); err == nil {
				return errors.New("it is answered")
			}
			<-over.Done()
			return nil
		}, nil)
		for v := range 3 {
			crew.works("visitor", func(n int) error { // the server may refuse it, or go
				g, err := w.enter()
				if err != nil {
					return nil
				}
				for i := range 3 {
					_ = g.c.WriteText(fmt.Sprintf("40/team-%d,", (n+v+i)%4))
				}
				_ = g.c.WriteText(`42["hello",1]`)
				if n%2 == 0 {
					<-g.ended
				}
				_ = g.c.Close()
				<-g.ended
				return nil
			}, nil)
		}
		crew.works("names", func(n int) error {
			ns := w.io.Of(fmt.Sprint("/team-", n%2))
			_ = ns.Emit("x")
			if n%2 == 0 {
				_ = teams.CloseConns()
			} else {
				_ = teams.DisconnectSockets()
			}
			return nil
		}, nil)

		<-until.Done()
		ctx, cancel := context.WithTimeout(context.Background(), w.patient)
		defer cancel()
		begun := time.Now()
		if err := w.io.Shutdown(ctx); err != nil {
			w.Errorf("Shutdown: %v", err)
		}
		want(w, "sockets that stayed and heard of the shutdown", told.Load(), stayed.Load())
		end()
		crew.wg.Wait()
		want(w, "sockets left", len(w.io.Sockets()), 0)
		want(w, "connections left", w.io.Connections(), 0)
		for i, h := range c.hearers {
			within(w, "the end of a client", h.done)
			h.report()
			if lived := h.over.Sub(begun); !h.told() && lived >= 10*time.Second {
				w.Logf("client %d did not take in %v what was sent to it", i, lived)
				continue
			}
			h.mu.Lock()
			want(w, fmt.Sprint("events that client ", i, " heard of those that were taken"), h.heard["direct"], int(sent[i].Load()))
			h.mu.Unlock()
		}
		status, _ := c.hearers[0].request("GET", "?EIO=4&transport=polling", "")
		if status != 503 && status != 0 { // its own context has ended
			w.Errorf("a new session is answered %d", status)
		}
		live := []string{"/"}
		for _, ns := range teams.Children() {
			live = append(live, ns.Name())
		}
		slices.Sort(live)
		l.balances(w, live...)
		n := l.all()
		w.Logf("joined %d, direct %d, all %d, asked %d", n["joined"], n["out s"], c.hearers[0].heard["all"], n["asked"])
	})
}
