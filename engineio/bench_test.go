// SPDX-License-Identifier: MIT

// This file bounds the allocations of a message, and has benchmarks.

package engineio_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"socketio/engineio"
	"socketio/internal/memnet"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A counter counts messages and reports when enough have arrived.
type counter struct {
	conn  *engineio.Conn
	count int
	want  int
	done  chan struct{}
}

func (c *counter) HandleMessage(bool, []byte) {
	if c.count++; c.count == c.want {
		c.count = 0
		c.done <- struct{}{}
	}
}
func (c *counter) HandleReadEnd()                          {}
func (c *counter) HandleClose(engineio.CloseReason, error) {}
func (c *counter) HandleTimer()                            {}
func (c *counter) HandleUpgrade()                          {}

// warm opens a WebSocket and returns both ends. The counter reports each want messages.
func warm(tb testing.TB, driver engineio.Driver, want int) (*counter, *wstest.Client) {
	tb.Helper()
	accepted := make(chan *counter, 1)
	srv := engineio.NewServer(&engineio.Options{Driver: driver}, func(c *engineio.Conn) engineio.Handler {
		h := &counter{conn: c, want: want, done: make(chan struct{}, 1)}
		accepted <- h
		return h
	})
	var l net.Listener
	var dial func(context.Context) (net.Conn, error)
	if driver == engineio.DriverGoroutine {
		ml := memnet.Listen()
		l, dial = ml, ml.Dial
	} else {
		tl, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		l, dial = tl, func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", tl.Addr().String())
		}
	}
	hs := &http.Server{Handler: srv}
	served := make(chan struct{})
	go func() { defer close(served); hs.Serve(l) }()
	client, _, err := wstest.Dial(tb.Context(), dial, "ws://a/?EIO=4&transport=websocket", nil)
	if err != nil || client == nil {
		tb.Fatal(client, err)
	}
	if _, _, err := client.ReadMessage(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		client.Close()
		srv.Close()
		hs.Close()
		<-served
	})
	return <-accepted, client
}

func drivers(tb testing.TB, f func(name string, driver engineio.Driver)) {
	f("memory", engineio.DriverGoroutine)
	f("tcp", engineio.DriverAuto)
}

// drain reads n bytes over and over.
func drain(tb testing.TB, client *wstest.Client, n int) func() {
	buf := make([]byte, n)
	return func() {
		if _, err := io.ReadFull(client.Conn(), buf); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestSendAllocations(t *testing.T) {
	drivers(t, func(name string, driver engineio.Driver) {
		t.Run(name, func(t *testing.T) {
			h, client := warm(t, driver, 1)
			m := engineio.TextMessage("hello, world")
			read := drain(t, client, m.Size())
			// In memory a flusher goroutine is started for each burst.
			limit := map[string]float64{"memory": 2, "tcp": 0}[name]
			if n := testing.AllocsPerRun(500, func() { h.conn.Send(m); read() }); n > limit && !raceEnabled {
				t.Errorf("%v allocations per Send of a message that exists, want %v", n, limit)
			}
		})
	})
}

func TestDeliveryAllocations(t *testing.T) {
	drivers(t, func(name string, driver engineio.Driver) {
		t.Run(name, func(t *testing.T) {
			h, client := warm(t, driver, 100)
			var key [4]byte
			var burst []byte
			for range 100 {
				burst = ws.AppendMasked(burst, ws.Text, true, key, []byte(`42["chat message","hello"]`))
			}
			if n := testing.AllocsPerRun(50, func() { client.WriteFrame(burst); <-h.done }); n > 3 && !raceEnabled {
				t.Errorf("%v allocations for 100 messages, want 3 at most", n)
			}
		})
	})
}

func BenchmarkSend(b *testing.B) {
	drivers(b, func(name string, driver engineio.Driver) {
		b.Run(name, func(b *testing.B) {
			h, client := warm(b, driver, 1)
			m := engineio.TextMessage("hello, world")
			read := drain(b, client, m.Size())
			b.ReportAllocs()
			for b.Loop() {
				h.conn.Send(m)
				read()
			}
		})
	})
}

func BenchmarkDelivery(b *testing.B) {
	drivers(b, func(name string, driver engineio.Driver) {
		b.Run(name, func(b *testing.B) {
			h, client := warm(b, driver, 100)
			var key [4]byte
			var burst []byte
			for range 100 {
				burst = ws.AppendMasked(burst, ws.Text, true, key, []byte(`42["chat message","hello"]`))
			}
			b.ReportAllocs()
			for b.Loop() {
				client.WriteFrame(burst)
				<-h.done
			}
		})
	})
}

func BenchmarkNewMessage(b *testing.B) {
	text := []byte(`2["chat message","hello"]`)
	b.ReportAllocs()
	for b.Loop() {
		buf := make([]byte, engineio.HeaderRoom, engineio.HeaderRoom+len(text))
		engineio.NewMessage(append(buf, text...), nil)
	}
}
