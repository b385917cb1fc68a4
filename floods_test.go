// SPDX-License-Identifier: MIT

// This file holds what a client may do only so often or so long: each bound is
// tried one below, at, and one beyond.

package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"socketio"
)

// unasked is n acknowledgements that nobody asked for.
func unasked(n int) []any {
	packets := make([]any, n)
	for i := range packets {
		packets[i] = `399["x"]`
	}
	return packets
}

func TestUnsolicitedAcknowledgements(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				p := w.join(transport)
				p.says(unasked(999)...)
				p.isOpen()
				p.says(unasked(1)...)
				p.isOpen()
				<-time.After(11 * time.Second)
				p.says(unasked(1000)...)
				p.isOpen()
				_ = p.tries(unasked(1)...)
				p.isClosed(1008)
			})
		})
	}
}

// Who answers late what was asked is no flood.
func TestLateAcknowledgementsAreNoFlood(t *testing.T) {
	memory(t, nil, func(w *world) {
		const asked = 1500
		given := make(chan error, asked)
		w.io.OnConnection(func(s *socketio.Socket) {
			for range asked {
				go func() {
					ctx, cancel := context.WithTimeout(s.Context(), time.Second)
					defer cancel()
					_, err := s.EmitWithAck(ctx, "ask")
					given <- err
				}()
			}
		})
		p := w.join(websocket)
		var answers []any
		for range asked {
			got, err := p.next()
			if err != nil {
				w.Fatal(err)
			}
			answers = append(answers, "3"+strings.TrimSuffix(strings.TrimPrefix(got.text, "2"), `["ask"]`)+`[]`)
		}
		for range asked {
			if err := within(w, "giving up", given); !errors.Is(err, context.DeadlineExceeded) {
				w.Fatalf("an acknowledgement that does not come in time: %v", err)
			}
		}
		p.says(answers...)
		p.isOpen()
		p.says(unasked(1000)...)
		p.isOpen()
		_ = p.tries(unasked(1)...)
		p.isClosed(1008)
	})
}

// A middleware that does not decide in time has refused, whatever it says later.
func TestMiddlewareTimeoutAtItsBound(t *testing.T) {
	const limit = 7 * time.Second
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{Limits: socketio.SocketLimits{MiddlewareTimeout: limit}}, func(w *world) {
				takes := make(chan time.Duration, 4)
				over := make(chan error, 4)
				slow := w.io.Of("/slow")
				slow.Use(func(_ context.Context, s *socketio.Socket) error {
					<-time.After(<-takes)
					over <- s.Context().Err()
					return nil
				})
				slow.OnConnection(func(s *socketio.Socket) { _ = s.Emit("in") })
				p := w.join(transport)

				takes <- limit - time.Millisecond
				p.joins("/slow")
				p.hears(`2/slow,["in"]`)
				want(t, "the context of one that is let in", within(w, "the middleware", over), nil)
				p.says(`1/slow,`)

				start := time.Now()
				takes <- limit + time.Second
				p.says(`0/slow,`)
				p.hears(`4/slow,{"message":"timeout"}`)
				if d := time.Since(start); d < limit || d > limit+time.Millisecond {
					t.Errorf("the refusal came after %v, want %v", d, limit)
				}
				want(t, "the context of one that is not", within(w, "the middleware", over), context.Canceled)
				p.hearsNothing()

				takes <- 0
				p.joins("/slow")
				p.hears(`2/slow,["in"]`)
			})
		})
	}
}

// The bound of a message holds wherever the server is mounted.
func TestLimitsOnEveryMount(t *testing.T) {
	const limit = 100_000
	opts := &socketio.Options{MaxPayload: limit}
	event := func(size int) string { return `2["x","` + strings.Repeat("x", size-len(`42["x",""]`)) + `"]` }
	attempt := func(w *world, transport string) {
		p := w.join(transport)
		for _, size := range []int{limit - 1, limit} {
			p.says(event(size))
			p.isOpen()
		}
		err := p.tries(event(limit + 1))
		if transport == polling && (err == nil || !strings.Contains(err.Error(), "status 413")) {
			w.Errorf("a body that is too large: %v", err)
		}
		p.isClosed(1009)
	}
	overBoth(t, opts, attempt)
	overTLSWith(t, opts, nil, attempt)
}
