// SPDX-License-Identifier: MIT

// This file tests the write deadline, and the end of a server that waits for pending
// output.

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// One message alone in the queue has a deadline too.
func TestWriteTimeoutOfOneMessage(t *testing.T) {
	play := func(w *world) {
		timeout := 4 * time.Second
		if !w.virtual {
			timeout = 2 * time.Second
		}
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: timeout}, buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		start := time.Now()
		s.Send(engineio.BinaryMessage(make([]byte, 32<<20)))
		s.wantEnded("the peer takes nothing", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		if got, want := s.err.Error(), fmt.Sprintf("engineio: slow consumer: took no byte for %v", timeout); got != want {
			w.t.Errorf("the error says %q, want %q", got, want)
		}
		if w.virtual {
			wantAt(r, "the end", start, timeout)
		} else if d := time.Since(start); d < timeout {
			w.t.Errorf("the end came after %v, want %v at least", d, timeout)
		}
	}
	everywhere(t, play)
}

// A peer that occasionally accepts a part of a large message is slow, not gone.
func TestLargeMessageToASlowPeer(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: 4 * time.Second, PingInterval: time.Hour}, buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		s.Send(engineio.BinaryMessage(make([]byte, 4<<20)))
		conn := c.c.Conn()
		buf := make([]byte, 128<<10)
		for got := 0; got < 4<<20; {
			time.Sleep(time.Second)
			for part := 0; part < len(buf) && got < 4<<20; {
				n, err := conn.Read(buf[part:])
				if err != nil {
					w.t.Fatalf("after %d bytes: %v", got, err)
				}
				part, got = part+n, got+n
			}
		}
		s.wantOpen("all has arrived, in 32 s")
	})
}

// Even at 24 KiB a second, for one message or for many that wait together.
func TestVerySlowPeer(t *testing.T) {
	for what, m := range map[string][]int{"one": {1 << 20}, "many": {60 << 10, 1 << 20, 60 << 10}} {
		t.Run(what, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: &engineio.Options{WriteTimeout: 4 * time.Second, PingInterval: time.Hour}, buffer: 4096})
				c := r.websocket()
				s := r.side(c.id())
				total := 0
				s.Cork()
				for _, size := range m {
					s.Send(engineio.BinaryMessage(make([]byte, size)))
					total += size
				}
				s.Uncork()
				s.Flush()
				conn := c.c.Conn()
				buf := make([]byte, 24<<10)
				for got := 0; got < total; got += len(buf) {
					time.Sleep(time.Second)
					if _, err := io.ReadFull(conn, buf[:min(len(buf), total-got)]); err != nil {
						w.t.Fatalf("after %d bytes: %v", got, err)
					}
				}
				s.wantOpen("all has arrived")
			})
		})
	}
}

// An idle connection has no write deadline, whatever it sent before.
func TestNoWriteTimeoutWithoutAnythingToWrite(t *testing.T) {
	everywhere(t, func(w *world) {
		timeout := 4 * time.Second
		if !w.virtual {
			timeout = 3 * time.Second
		}
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: timeout}})
		c := r.websocket()
		s := r.side(c.id())
		s.SetTimer(timeout * 4 / 3)
		c.send("4x")
		c.want("an echo", "4x")
		s.await("more than the deadline", func() bool { return s.timers == 1 })
		s.wantOpen("an idle peer")
	})
}

// Shutdown waits for pending output as long as its context allows.
func TestShutdownWaitsForOutput(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{buffer: 4096})
		c := r.websocket()
		long := strings.Repeat(w.flood(), 4)
		r.side(c.id()).say(long)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := r.srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.t.Fatalf("Shutdown with output on its way: %v", err)
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions are open during Shutdown", n)
		}
		done := make(chan error, 1)
		go func() { done <- r.srv.Shutdown(context.Background()) }()
		c.want("what was sent", "4"+long)
		c.wantClose("then the end", 1001)
		if err := <-done; err != nil {
			w.t.Errorf("Shutdown: %v", err)
		}
	})
}
