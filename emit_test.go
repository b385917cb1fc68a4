// SPDX-License-Identifier: MIT

// This file holds the tests of emits: the events that can be sent, and arguments that
// arrive unchanged.

package socketio_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"socketio"
	"socketio/siotest"
)

func TestArgumentsAreNotChanged(t *testing.T) {
	t.Run("trap 31", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			c := newCrowd(w, transport, "a", "b")
			type photo struct {
				Name string `json:"name"`
				Data []byte `json:"data"`
			}
			args := func() []any {
				return []any{[]byte{1}, map[string]any{"deep": []any{[]byte{2}}}, &photo{"p", []byte{3}}, [][]byte{{4}}}
			}
			given := args()
			for range 2 {
				if err := w.io.To("a").Emit("e", given...); err != nil {
					t.Fatal(err)
				}
				if err := c.sockets["b"].Emit("e", given...); err != nil {
					t.Fatal(err)
				}
			}
			if !reflect.DeepEqual(given, args()) {
				t.Errorf("the arguments have become %v", given)
			}
			for range 2 {
				for _, p := range c.peers {
					p.hears(`54-["e",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]},`+
						`{"name":"p","data":{"_placeholder":true,"num":2}},[{"_placeholder":true,"num":3}]]`, []byte{1}, []byte{2}, []byte{3}, []byte{4})
				}
			}
		})
	})
}

// An argument that can't be encoded is an error of Emit and has no other effect.
func TestArgumentsThatDoNotEncode(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		cycle := map[string]any{}
		cycle["self"] = cycle
		for i, v := range []any{make(chan int), func() {}, complex(1, 2), cycle, []any{cycle}} {
			for _, err := range []error{w.io.Emit("x", 1, v), c.sockets["a"].Emit("x", 1, v)} {
				if err == nil || !strings.HasPrefix(err.Error(), `socketio: emit "x": argument 2: `) {
					t.Errorf("%d: %v", i, err)
				}
			}
		}
		c.peers["a"].hearsNothing()
	})
}

// Events from the server, with and without acknowledgement, with several types of data
// and binary.
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

func TestReservedEventsCannotBeSent(t *testing.T) {
	memory(t, nil, func(w *world) {
		errs := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
				_, ackErr := s.EmitWithAck(s.Context(), name)
				for i, err := range []error{s.Emit(name), s.Broadcast().Emit(name), w.io.Emit(name), w.io.To("r").Emit(name), ackErr} {
					if !isErr(err, socketio.ErrReservedEvent) || !strings.Contains(err.Error(), name) {
						errs <- fmt.Errorf("way %d: emitting %q returns %v", i, name, err)
						return
					}
				}
				if msg := panicOf(func() { s.On(name, func() {}) }); !strings.Contains(msg, name) || !strings.Contains(msg, "OnDisconnect") {
					errs <- fmt.Errorf("On(%q) panics with %q", name, msg)
					return
				}
			}
			errs <- nil
		})
		p := w.join(websocket)
		if err := within(w, "the connection handler", errs); err != nil {
			t.Error(err)
		}
		p.hearsNothing()
	})
}
