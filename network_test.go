// SPDX-License-Identifier: MIT

// This file holds the tests of a network that fails: in pieces, cut at each byte, slow,
// or dead.

package socketio_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

// overEach has a test in memory with each transport of the test kit.
func overEach(t *testing.T, test func(w *world, transport siotest.Transport)) {
	for _, transport := range siotest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			memory(t, nil, func(w *world) { test(w, transport) })
		})
	}
}

// attends answers events and keeps the reasons of ends.
func attends(w *world) (events, ends *list) {
	events, ends = newList(), newList()
	w.io.OnConnection(func(s *socketio.Socket) {
		_ = s.Join("room")
		s.On("photo", func(name string, data []byte) (string, []byte) {
			events.add(fmt.Sprintf("%s %d", name, len(data)))
			return name, data
		})
		s.OnDisconnect(func(reason socketio.DisconnectReason) { ends.add(string(reason)) })
	})
	return events, ends
}

// A network that carries one byte at a time changes nothing.
func TestOneByteAtATime(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		attends(w)
		link := w.kit.NewLink()
		link.Split(siotest.Both, 1)
		c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Link: link})
		for _, size := range []int{0, 1, 125, 126, 1000} {
			c.Ask("photo", "né", make([]byte, size)).Want("né", make([]byte, size))
		}
	})
}

// An event that is cut at any of its bytes is dropped, and the socket ends once, leaving
// nothing.
func TestCutAtEveryByte(t *testing.T) {
	const frames = 2 + 4 + len(`451-["photo","x",{"_placeholder":true,"num":0}]`) + 2 + 4 + 3
	for n := 1; n <= frames; n++ {
		for _, how := range []siotest.Break{siotest.FIN, siotest.Reset} {
			memory(t, nil, func(w *world) {
				events, ends := attends(w)
				c := w.kit.Connect()
				c.Link().CutAfter(siotest.Up, n, how)
				c.Emit("photo", "x", []byte{1, 2, 3})
				<-c.Conn().Ended()
				w.settle()
				want(t, fmt.Sprintf("events with a cut after byte %d of %d", n, frames), len(events.all()) == 1, n == frames)
				got := strings.Join(ends.all(), ", ")
				if got != "transport close" && got != "transport error" {
					t.Errorf("a cut after byte %d: ends for %q", n, got)
				}
				want(t, "sockets", len(w.io.Sockets()), 0)
				want(t, "connections", w.io.Connections(), 0)
			})
		}
	}
}

// A slow network is not a dead one, until it is slower than a ping may be.
func TestSlowNetwork(t *testing.T) {
	for _, test := range []struct {
		delay time.Duration
		lives bool
	}{{9 * time.Second, true}, {11 * time.Second, false}} {
		overEach(t, func(w *world, transport siotest.Transport) {
			_, ends := attends(w)
			c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
			c.Link().Delay(siotest.Both, test.delay)
			<-time.After(3 * time.Minute)
			if test.lives {
				c.Ask("photo", "slow", []byte{1}).Want("slow", []byte{1})
				want(t, "ends", len(ends.all()), 0)
			} else {
				want(t, "ends", strings.Join(ends.all(), ", "), "ping timeout")
			}
		})
	}
}

// Broadcasts to a client on a dead network cost the others nothing, and it leaves its
// rooms when a ping stays unanswered.
func TestDeadClientInARoom(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		_, ends := attends(w)
		dead := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		dead.Link().Drop(siotest.Both)
		for i := range 10 {
			start := time.Now()
			if err := w.io.To("room").Emit("news", i); err != nil {
				t.Error(err)
			}
			c.Want("news", i)
			if took := time.Since(start); took > 0 {
				t.Errorf("news %d take %v", i, took)
			}
			<-time.After(5 * time.Second)
		}
		want(t, "ends", strings.Join(ends.all(), ", "), "ping timeout")
		want(t, "sockets", len(w.io.Sockets()), 1)
		dead.WantDisconnect(siotest.PingTimeout)
	})
}

// What is on its way to a client whose connection breaks is lost, with all that follows. Emit
// does not know of it.
func TestEmitsToAConnectionThatBreaks(t *testing.T) {
	const frame, events = 2 + len(`42["e",0]`), 3
	for n := 1; n < frame*events; n += 4 {
		memory(t, nil, func(w *world) {
			sockets := make(chan *socketio.Socket, 1)
			w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
			c := w.kit.Connect()
			s := within(w, "the socket", sockets)
			w.settle()
			c.Link().CutAfter(siotest.Down, n, siotest.FIN)
			for i, to := range []socketio.Emitter{s, w.io, w.io.To(s.ID())} {
				mustEmit(t, to, "e", i)
			}
			<-c.Conn().Ended()
			w.settle()
			var got, sent []string
			for _, e := range c.Drain() {
				got = append(got, e.String())
			}
			for i := range n / frame {
				sent = append(sent, fmt.Sprintf(`"e" [%d]`, i))
			}
			want(t, fmt.Sprintf("events with a cut after byte %d", n), strings.Join(got, " "), strings.Join(sent, " "))
		})
	}
}
