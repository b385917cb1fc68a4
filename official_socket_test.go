// SPDX-License-Identifier: MIT

// This file holds dialogues after the npm server's own tests of sockets, where no
// other test has them. conformance/official.md lists all.

package socketio_test

import (
	"strings"
	"testing"

	"socketio"
	"socketio/siotest"
)

// While a network stalls, volatile events are dropped, each with its attachments, by
// themselves or in a broadcast; the others wait. What comes later arrives.
func TestOfficialVolatileOnAStalledNetwork(t *testing.T) {
	memory(t, nil, func(w *world) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		c := w.kit.Connect()
		s := within(w, "the connection", sockets)
		long := strings.Repeat("x", 1<<20) // more than the way to the client holds
		for _, emit := range []func(string, ...any) error{s.Volatile().Emit, w.io.Volatile().Emit} {
			c.Link().Stall(siotest.Down)
			_ = s.Emit("first", long)
			w.settle()
			_ = emit("dropped", []byte{1, 2, 3})
			_ = emit("dropped")
			_ = s.Emit("last", []byte{4})
			c.Link().Heal()
			c.Want("first", long)
			c.Want("last", []byte{4})
			w.settle()
			_ = emit("volatile", []byte{5})
			c.Want("volatile", []byte{5})
			c.WantNothing()
		}
	})
}

// Events and questions from the server, with several types of data and binary.
func TestOfficialEventsOfTheServer(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		s := within(w, "the connection", sockets)
		photo, bytes := make([]byte, 30_000), []byte("asdfasdf")
		mixed := []any{1, photo, "3", []int{4}, bytes, []any{photo, "swag", bytes}}
		for _, args := range [][]any{{"tobi"}, {nil}, {"utf8: é — 日本 😀"}, {photo}, mixed} {
			if err := s.Emit("e", args...); err != nil {
				t.Error(err)
			}
			c.Want("e", args...)
		}
		c.On("q", func(e *siotest.Event) {
			var n int
			var b []byte
			if err := e.Decode(&n, &b); err != nil {
				t.Error(err)
			}
			e.Ack(n+1, append(b, 9))
		})
		answer, err := s.EmitWithAck(w.Context(), "q", 41, []byte{8})
		var n int
		var b []byte
		if err != nil || answer.Decode(&n, &b) != nil || n != 42 || string(b) != "\x08\x09" {
			t.Errorf("the answer: %v %v, %v", n, b, err)
		}
	})
}

// A socket leaves its last room, its own one too, and lives on.
func TestOfficialSocketWithoutRooms(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		s := within(w, "the connection", sockets)
		want(t, "the own room", strings.Join(s.Rooms(), " "), c.ID())
		if err := s.Join("a", "b", "c"); err != nil {
			t.Error(err)
		}
		want(t, "rooms", len(s.Rooms()), 4)
		s.Leave("unknown")
		want(t, "rooms after one that it was not in", len(s.Rooms()), 4)
		for _, room := range s.Rooms() {
			s.Leave(room)
		}
		want(t, "rooms left", len(s.Rooms()), 0)
		found, err := w.io.In("a", "b", "c", c.ID()).FetchSockets(w.Context())
		if err != nil || len(found) != 0 {
			t.Errorf("rooms without members: %v, %v", found, err)
		}
		_ = w.io.Emit("all")
		_ = s.Emit("still here")
		c.Want("all")
		c.Want("still here")
	})
}
