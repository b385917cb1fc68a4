// SPDX-License-Identifier: MIT

// This file holds the tests of the bounds of auth, and of the elements of an event.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"socketio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// auth is an object of n bytes.
func auth(n int) string { return `{"k":"` + strings.Repeat("x", n-8) + `"}` }

func TestLimitMaxAuthBytes(t *testing.T) {
	for _, bound := range []int{0, 1000} {
		opts := func() *socketio.Options { return &socketio.Options{Limits: socketio.SocketLimits{MaxAuthBytes: bound}} }
		limit := bound
		if bound == 0 {
			limit = 64 << 10
		}
		t.Run(fmt.Sprint(bound), func(t *testing.T) {
			around(t, limit, opts, func(w *world, n int, fits bool) {
				w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
				p := w.open(websocket)
				for _, name := range []string{"/", "/made"} {
					at := name + ","
					if name == "/" {
						at = ""
					}
					p.says("0" + at + auth(n))
					if fits {
						p.hears(fmt.Sprintf(`0%s{"sid":*}`, at))
					} else {
						p.hears(fmt.Sprintf(`4%s{"message":"auth too large: %d bytes, at most %d"}`, at, n, limit))
					}
				}
				p.says("0/without,")
				p.hears(`0/without,{"sid":*}`)
			})
		})
	}
}

func TestLimitMaxConnAuthBytes(t *testing.T) {
	around(t, 4<<16, func() *socketio.Options { return nil }, func(w *world, n int, fits bool) {
		goOn := make(chan struct{})
		defer close(goOn)
		w.io.Of("/slow").Use(func(context.Context, *socketio.Socket) error { <-goOn; return nil })
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			if name == "/sought" {
				<-goOn
			}
			return name != "/none"
		})
		p := w.open(websocket)
		p.says("0/a," + auth(1<<16))
		p.hears(`0/a,{"sid":*}`)
		p.says("0/slow,"+auth(1<<16), "0/sought,"+auth(1<<16)) // they count while they are joining
		last := n - 3<<16
		over := ""
		if last > 1<<16 { // both bounds are met
			over = "0/b," + auth(10)
			last -= 10
		}
		if over != "" {
			p.says(over)
			p.hears(`0/b,{"sid":*}`)
		}
		p.says("0/last," + auth(last))
		if fits {
			p.hears(`0/last,{"sid":*}`)
		} else {
			p.hears(fmt.Sprintf(`4/last,{"message":"auth too large: %d bytes with that of the client's other namespaces, at most %d"}`, n, 4<<16))
			p.says("1/a,") // it is given back
			w.settle()
			p.says("0/last," + auth(last))
			p.hears(`0/last,{"sid":*}`)
		}
		p.says("0/without,")
		p.hears(`0/without,{"sid":*}`)
		q := w.open(websocket) // each connection has its own
		q.says("0/a," + auth(1<<16))
		q.hears(`0/a,{"sid":*}`)
	})
}

// The same bound holds in the other format and for Engine.IO 3, over polling too.
func TestLimitMaxAuthBytesElsewhere(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run("msgpack, "+transport, func(t *testing.T) {
			memory(t, &socketio.Options{Codec: new(msgpack.Codec), Limits: socketio.SocketLimits{MaxAuthBytes: 100}}, func(w *world) {
				p := w.open(transport)
				packJoins(p, "/", map[string]any{"k": "small"})
				w.io.Of("/a")
				p.says(pack(parser.TypeConnect, "/a", parser.NoID, map[string]any{"k": strings.Repeat("x", 100)}))
				got, data := unpack(p)
				if m, _ := data.(map[string]any); got.Type != parser.TypeConnectError || m["message"] != "auth too large: 105 bytes, at most 100" {
					w.Errorf("the client hears %+v %v", got, data)
				}
			})
		})
		t.Run("Engine.IO 3, "+transport, func(t *testing.T) {
			memory(t, &socketio.Options{AllowEIO3: true, Limits: socketio.SocketLimits{MaxAuthBytes: 100}}, func(w *world) {
				w.io.Of("/a")
				p := w.joinOld(transport)
				p.says("0/a?k=" + strings.Repeat("x", 93))
				p.hears("4/a,*at most 100*")
				p.says("0/a?k=" + strings.Repeat("x", 80))
				p.hears("0/a,")
			})
		})
	}
}

// An event with more arrays and objects than any client sends is rejected: each takes a
// few bytes on the wire, and many times that in a handler with a parameter of type any.
func TestLimitElements(t *testing.T) {
	for _, limit := range []int{0, 2_000_000} {
		opts := func() *socketio.Options { return &socketio.Options{MaxPayload: limit} }
		most := max(1<<16, limit/16)
		around(t, most-1, opts, func(w *world, n int, fits bool) {
			got := make(chan int, 1)
			w.io.OnConnection(func(s *socketio.Socket) { s.On("x", func(list []any) { got <- len(list) }) })
			p := w.join(websocket)
			p.says(`2["x",[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `]]`)
			if fits {
				want(w, "objects", within(w, "the event", got), n)
			} else {
				p.isClosed(1002)
			}
		})
	}
	t.Run("msgpack", func(t *testing.T) {
		memory(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world) {
			got := make(chan int, 1)
			w.io.OnConnection(func(s *socketio.Socket) { s.On("x", func(list []any) { got <- len(list) }) })
			p := w.open(websocket)
			packJoins(p, "/")
			list := make([]any, 1<<16-1)
			for i := range list {
				list[i] = map[string]any{"": nil}
			}
			p.says(pack(parser.TypeEvent, "/", parser.NoID, "x", list))
			want(w, "maps", within(w, "the event", got), len(list))
			p.says(pack(parser.TypeEvent, "/", parser.NoID, "x", append(list, list[0])))
			p.isClosed(1002)
		})
	})
}
