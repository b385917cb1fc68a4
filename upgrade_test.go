// SPDX-License-Identifier: MIT

// This file holds the upgrade from polling to WebSocket under traffic.

package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socketio"
)

// While messages flow both ways a session upgrades: each arrives once, in order.
func TestUpgradeUnderTraffic(t *testing.T) {
	for _, network := range []string{"memory", "tcp"} {
		t.Run(network, func(t *testing.T) {
			test := func(w *world) {
				const n = 600
				heard, done := 0, make(chan struct{})
				half := make(chan struct{})
				w.io.OnConnection(func(s *socketio.Socket) {
					want(t, "the transport at first", s.Transport(), polling)
					s.On("up", func(i int, b []byte) {
						if i != heard || int(b[0]) != i%256 {
							t.Errorf("event %d comes as %d", heard, i)
						}
						heard++
						switch heard {
						case n / 4:
							close(half)
						case n:
							close(done)
						}
						mustEmit(t, s, "down", i, []byte{byte(i)})
						if i == n-1 {
							want(t, "the transport in the end", s.Transport(), websocket)
						}
					})
				})
				p := w.join(polling)
				go func() {
					for i := range n {
						_ = p.tries(fmt.Sprintf(`51-["up",%d,{"_placeholder":true,"num":0}]`, i), []byte{byte(i)})
					}
				}()
				within(w, "some traffic", half)
				p.upgrades()
				for i := range n {
					p.hears(fmt.Sprintf(`51-["down",%d,{"_placeholder":true,"num":0}]`, i), []byte{byte(i)})
				}
				within(w, "the last event", done)
				p.isOpen()
			}
			if network == "memory" {
				memory(t, nil, test)
			} else {
				tcp(t, nil, test)
			}
		})
	}
}

// After the upgrade requests over polling, and a second WebSocket, are refused;
// the session goes on.
func TestAfterTheUpgrade(t *testing.T) {
	tcp(t, nil, func(w *world) {
		echo(w.io)
		p := w.join(polling)
		p.hears(`2["auth",{}]`)
		p.upgrades()
		p.says(`2["message","over WebSocket"]`)
		p.hears(`2["message-back","over WebSocket"]`)
		for _, method := range []string{"GET", "POST"} {
			status, _ := p.request(method, "?EIO=4&transport=polling&sid="+p.sid, "4")
			want(t, method+" after the upgrade", status, 400)
		}
		second, _, err := w.dialWebSocket("&sid="+p.sid, nil)
		if err != nil {
			t.Fatal(err)
		}
		if second != nil {
			if err := second.WriteText("2probe"); err == nil {
				if _, data, err := second.ReadMessage(); err == nil {
					t.Errorf("a second WebSocket is closed, not answered %q", data)
				}
			}
			_ = second.Close()
		}
		p.says(`2["message","still there"]`)
		p.hears(`2["message-back","still there"]`)
	})
}

// OnUpgrade runs once, in order with events, for each socket of the connection.
func TestOnUpgrade(t *testing.T) {
	for _, network := range []func(*testing.T, *socketio.Options, func(*world)){memory, func(t *testing.T, o *socketio.Options, f func(*world)) { tcp(t, o, f) }} {
		network(t, nil, func(w *world) {
			calls := newList()
			on := func(s *socketio.Socket) {
				s.OnUpgrade(func(transport string) { calls.add(s.Namespace().Name() + " " + transport) })
				s.OnUpgrade(func(string) { panic("boom") })
				remove := s.OnUpgrade(func(string) { t.Error("it was removed") })
				remove()
			}
			w.io.OnConnection(on)
			w.io.Of("/other").OnConnection(on)
			p := w.join(polling)
			p.joins("/other")
			p.upgrades()
			got := calls.await(w, 2)
			slices.Sort(got)
			want(t, "calls", strings.Join(got, ", "), "/ websocket, /other websocket")
			p.isOpen()
		})
	}
}
