// SPDX-License-Identifier: MIT

// This file tests which connections of a Dialer have goroutines of their own.

package engineio_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"socketio/engineio"
)

// An idle plain TCP WebSocket is on an event loop and has no goroutine. A wrapped one has
// a goroutine that reads, and so has each with DriverGoroutine.
func TestDialerGoroutines(t *testing.T) {
	const many = 100
	plain := new(net.Dialer).DialContext
	wrapped := func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := plain(ctx, network, address)
		return struct{ net.Conn }{nc}, err
	}
	for name, c := range map[string]struct {
		driver engineio.Driver
		dial   func(ctx context.Context, network, address string) (net.Conn, error)
		want   int // goroutines
	}{
		"plain":           {engineio.DriverAuto, plain, 0},
		"wrapped":         {engineio.DriverAuto, wrapped, many},
		"DriverGoroutine": {engineio.DriverGoroutine, plain, many},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, driver: engineio.DriverAuto, patience: time.Minute}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			r := w.serveOn(hosting{options: w.calm()}, l)
			w.driver = c.driver // of the Dialer
			d := r.caller(engineio.DialerOptions{Transports: []string{"websocket"}, DialContext: c.dial})
			url := "http://" + l.Addr().String()
			var sides []*side
			open := func(n int) {
				for range n {
					s, err := d.dial(url)
					if err != nil {
						t.Fatal(err)
					}
					sides = append(sides, s)
				}
			}
			open(2 * runtime.GOMAXPROCS(0)) // then each loop and each wheel runs
			const slack = many / 5          // temporary ones
			before := runtime.NumGoroutine()
			open(many)
			for _, s := range sides {
				s.say("hello")
				s.wantHeard("an echo", "hello")
			}
			for limit := time.Now().Add(w.patience); ; time.Sleep(time.Millisecond) {
				got := runtime.NumGoroutine() - before
				if got >= c.want-slack && got <= c.want+slack {
					return
				}
				if time.Now().After(limit) {
					t.Fatalf("%d goroutines for %d idle connections, want about %d", got, many, c.want)
				}
			}
		})
	}
}
