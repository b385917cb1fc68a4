// SPDX-License-Identifier: MIT

// This file holds the close of a Dialer in the middle of an upgrade.

package engineio_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"socketio/engineio"
)

// A barrier blocks one call.
type barrier struct {
	held    atomic.Bool
	reached chan struct{} // closed when the call waits
	open    chan struct{} // closed to release it
}

// pass waits at the barrier, the first time.
func (b *barrier) pass() {
	if b.held.CompareAndSwap(false, true) {
		close(b.reached)
		<-b.open
	}
}

// A barred connection waits at a barrier before or after it writes text frame number n of a
// client, or before it returns what it read after that frame.
type barred struct {
	net.Conn
	barrier *barrier
	where   string // "before", "after", or "read"
	n       int32
	frames  atomic.Int32
}

func (c *barred) Write(p []byte) (int, error) {
	const text = "\x81"
	if !bytes.HasPrefix(p, []byte(text)) || c.frames.Add(1) != c.n || c.where == "read" {
		return c.Conn.Write(p)
	}
	if c.where == "before" {
		c.barrier.pass()
	}
	n, err := c.Conn.Write(p)
	if c.where == "after" {
		c.barrier.pass()
	}
	return n, err
}

func (c *barred) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.where == "read" && c.frames.Load() >= c.n {
		c.barrier.pass()
	}
	return n, err
}

// The server is notified of Close at once, at every stage of an upgrade.
func TestDialerCloseDuringUpgrade(t *testing.T) {
	for name, m := range map[string]struct {
		where    string
		n        int32
		switched bool // for the client
	}{
		"the handshake is not answered":     {"handshake", 0, false},
		"the probe is not written":          {"before", 1, false},
		"the probe's answer is not read":    {"read", 1, false},
		"the upgrade packet waits":          {"after", 1, true},
		"the upgrade packet is not written": {"before", 2, true},
		"the upgrade packet is written":     {"after", 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				g := &barrier{reached: make(chan struct{}), open: make(chan struct{})}
				r := w.serve(hosting{options: w.calm(), wrap: func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
						if m.where == "handshake" && req.Header.Get("Upgrade") != "" {
							g.pass()
						}
						h.ServeHTTP(w, req)
					})
				}})
				c := r.caller(engineio.DialerOptions{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					nc, err := r.dial(ctx)
					return &barred{Conn: nc, barrier: g, where: m.where, n: m.n}, err
				}})
				s := c.open()
				peer := r.side(s.ID())
				<-g.reached
				if m.switched {
					s.wantTransport("the client has switched", "websocket")
				}
				r.quiet()
				closed, began := make(chan struct{}), time.Now()
				go func() {
					defer close(closed)
					c.Close()
				}()
				s.wantEnded("the client", engineio.ReasonForcedClose, engineio.ErrClosed)
				r.quiet()
				close(g.open)
				peer.wantEnded("the server", engineio.ReasonTransportClose, nil)
				<-closed
				if d := time.Since(began); d > 0 {
					t.Errorf("that took %v", d)
				}
			})
		})
	}
}
