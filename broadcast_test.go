// SPDX-License-Identifier: MIT

// This file holds the tests of broadcasts: their recipients, their operators, and the
// calls for many sockets.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

func TestBroadcasts(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "bc", "x")
		a, x := c.sockets["a"], c.sockets["x"]
		c.hear("everyone", w.io.Emit, "a", "ab", "bc", "x")
		c.hear("namespace", w.io.Of("/").Emit, "a", "ab", "bc", "x")
		c.hear("everyone else", a.Broadcast().Emit, "ab", "bc", "x")
		c.hear("a room", w.io.To("a").Emit, "a", "ab")
		c.hear("In is To", w.io.In("a").Emit, "a", "ab")
		c.hear("two rooms, each once", w.io.To("a", "b").Emit, "a", "ab", "bc")
		c.hear("two rooms in two steps", w.io.To("a").To("b").Emit, "a", "ab", "bc")
		c.hear("a room twice", w.io.To("a", "a").In("a").Emit, "a", "ab")
		c.hear("except a room", w.io.Except("b").Emit, "a", "x")
		c.hear("a room except another", w.io.To("b").Except("c").Emit, "ab")
		c.hear("except two", w.io.Except("a", "c").Emit, "x")
		c.hear("except wins", w.io.To("a").Except("a").Emit)
		c.hear("room from a socket in it", a.To("a").Emit, "ab")
		c.hear("room from a socket outside", x.To("a").Emit, "a", "ab")
		c.hear("In from a socket", a.In("a", "b").Emit, "ab", "bc")
		c.hear("except from a socket", a.Except("b").Emit, "x")
		c.hear("a room that nobody is in", w.io.To("nobody").Emit)
		c.hear("one by its id", w.io.To(x.ID()).Emit, "x")
		c.hear("one by its id from another", a.To(x.ID()).Emit, "x")
		c.hear("itself by its id", a.To(a.ID()).Emit)
		c.hear("an id and a room, each once", w.io.To(a.ID(), "a").Emit, "a", "ab")
		c.hear("all but one", w.io.Except(x.ID()).Emit, "a", "ab", "bc")
		c.hear("no rooms is nobody", w.io.To().Emit)
		c.hear("no rooms of a socket is nobody", a.To().Emit)
		c.hear("rooms after none", w.io.To().To("c").Emit, "bc")
		c.hear("an empty list of rooms is nobody", w.io.To([]string{}...).Emit)
		c.hear("except none", w.io.Except().Emit, "a", "ab", "bc", "x")
		x.Leave(x.ID())
		c.hear("an id that was left", w.io.To(x.ID()).Emit)
		if err := x.Join(x.ID()); err != nil {
			t.Error(err)
		}
		c.hear("and joined again", w.io.To(x.ID()).Emit, "x")
		if err := a.Join(x.ID()); err != nil {
			t.Error(err)
		}
		c.hear("an id that another joined", w.io.To(x.ID()).Emit, "x", "a")
		a.Leave("a")
		a.Leave("a")
		c.hear("a room after Leave", w.io.To("a").Emit, "ab")
		if err := w.io.Send("m"); err != nil {
			t.Error(err)
		}
		if err := w.io.To("c").Send("m", 2); err != nil {
			t.Error(err)
		}
		for _, name := range c.names {
			c.peers[name].hears(`2["message","m"]`)
		}
		c.peers["bc"].hears(`2["message","m",2]`)
		want(t, "sockets", len(w.io.Sockets()), 4)
	})
}

// A stored Broadcast does not change when it is used.
func TestBroadcastIsAValue(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b", "c")
		base := w.io.To("a")
		withB, withC := base.To("b"), base.To("c")
		_ = base.Except("a")
		_ = base.Volatile()
		c.hear("base", base.Emit, "a")
		c.hear("with b", withB.Emit, "a", "b")
		c.hear("with c", withC.Emit, "a", "c")
		c.hear("base again", base.Emit, "a")
		rooms := []string{"a", "b"}
		b := w.io.To(rooms...)
		rooms[0] = "c"
		c.hear("the caller's list may change", b.Emit, "a", "b")
		all := w.io.Except()
		e1, e2 := all.Except("a"), all.Except("b")
		c.hear("except a", e1.Emit, "b", "c")
		c.hear("except b", e2.Emit, "a", "c")
	})
}

func TestOperators(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "x")
		a := c.sockets["a"]
		c.hear("local", w.io.Local().Emit, "a", "ab", "x")
		c.hear("local of a namespace", w.io.Of("/").Local().To("a").Emit, "a", "ab")
		c.hear("local of a socket", a.Local().Emit, "ab", "x")
		c.hear("uncompressed", w.io.Compress(false).Emit, "a", "ab", "x")
		c.hear("compressed", w.io.Compress(true).To("x").Emit, "x")
		c.hear("uncompressed, one", a.Compress(false).Emit, "a")
		c.hear("timeout has no meaning", w.io.Timeout(time.Second).To("x").Emit, "x")
		c.hear("all of them", w.io.Local().Compress(false).Timeout(time.Second).To("a").Except("b").Emit, "a")
	})
}

func TestTimeoutMustBePositive(t *testing.T) {
	io := socketio.NewServer(nil)
	defer io.Close()
	for _, d := range []time.Duration{0, -1} {
		func() {
			defer func() {
				if s, _ := recover().(string); !strings.Contains(s, "Timeout") {
					t.Errorf("%v panics and says why: %q", d, s)
				}
			}()
			io.Timeout(d)
		}()
	}
}

// many has the methods that a Server, a Namespace and a Broadcast share.
type many interface {
	SocketsJoin(rooms ...string) error
	SocketsLeave(rooms ...string) error
	DisconnectSockets() error
	CloseConns() error
	FetchSockets(ctx context.Context) ([]socketio.RemoteSocket, error)
}

func TestManySocketsAtOnce(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "b", "x")
		for i, test := range []struct {
			many  many
			names string
		}{
			{w.io, "a ab b x"},
			{w.io.Of("/"), "a ab b x"},
			{w.io.To("a"), "a ab"},
			{w.io.To("a", "b").Except("b"), "a"},
			{c.sockets["x"].Broadcast(), "a ab b"},
			{c.sockets["a"].To("a"), "ab"},
			{w.io.To(), ""},
			{w.io.To("nobody"), ""},
		} {
			room := fmt.Sprint("room", i)
			if err := test.many.SocketsJoin(room, "second"); err != nil {
				t.Error(err)
			}
			names := func(b many) string {
				found, err := b.FetchSockets(w.Context())
				if err != nil {
					t.Error(err)
				}
				var names []string
				for _, r := range found {
					names = append(names, c.nameOf(r.ID()))
				}
				slices.Sort(names)
				return strings.Join(names, " ")
			}
			want(t, "found", names(test.many), test.names)
			want(t, "joined", names(w.io.To(room)), test.names)
			want(t, "joined the second", names(w.io.To("second")), test.names)
			if err := test.many.SocketsLeave(room, "second", "never joined"); err != nil {
				t.Error(err)
			}
			want(t, "left", names(w.io.To(room, "second")), "")
		}
	})
}

func TestDisconnectSockets(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "b")
		reasons := newList()
		for _, s := range c.sockets {
			s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(string(r)) })
		}
		_ = w.io.To("a").Emit("bye")
		if err := c.sockets["a"].To("a").DisconnectSockets(); err != nil {
			t.Error(err)
		}
		c.peers["ab"].hears(`2["bye"]`, `1`)
		c.peers["ab"].isOpen()
		want(t, "the reason", reasons.await(w, 1)[0], "server namespace disconnect")
		if err := w.io.CloseConns(); err != nil {
			t.Error(err)
		}
		c.peers["a"].hears(`2["bye"]`, `1`)
		c.peers["b"].hears(`1`)
		reasons.await(w, 3)
		for _, name := range []string{"a", "b"} {
			if _, err := c.peers[name].next(); !errors.Is(err, io.EOF) {
				t.Logf("the end of %s: %v", name, err)
			}
		}
		want(t, "sockets left", len(w.io.Sockets()), 0)
	})
}

func TestSocketsJoinLimits(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxRooms: 2}}, func(w *world) {
		c := newCrowd(w, websocket, "a", "bc")
		if err := w.io.SocketsJoin(strings.Repeat("r", 513)); !errors.Is(err, socketio.ErrRoomName) {
			t.Errorf("a long name: %v", err)
		}
		if err := w.io.SocketsJoin("d"); !errors.Is(err, socketio.ErrTooManyRooms) {
			t.Errorf("one is in too many: %v", err)
		}
		want(t, "the other has joined", len(c.sockets["a"].Rooms()), 3)
		want(t, "this one has not", len(c.sockets["bc"].Rooms()), 3)
	})
}

// Broadcasts with acknowledgements and catch-alls with a codec other than the default.
func TestManyWithMsgpack(t *testing.T) {
	memory(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world) {
		seen := newList()
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnAnyOutgoing(func(event string, args socketio.Args) {
				var n int
				var b []byte
				if err := args.Decode(&n, &b); err != nil {
					t.Error(err)
				}
				seen.add(fmt.Sprint(event, n, b))
			})
			joined <- s
		})
		p := w.open(websocket)
		p.says(pack(parser.TypeConnect, "/", -1))
		within(w, "the connection", joined)
		if err := w.io.Emit("e", 5, []byte{1, 2}); err != nil {
			t.Error(err)
		}
		want(t, "what was seen", seen.await(w, 1)[0], "e5 [1 2]")
		replies := make(chan string, 2)
		go func() {
			for reply, err := range w.io.EmitWithAck(w.Context(), "q", 6, []byte{3}) {
				replies <- fmt.Sprint(reply, err)
			}
			close(replies)
		}()
		want(t, "what was seen of the question", seen.await(w, 2)[1], "q6 [3]")
		p.says(pack(parser.TypeAck, "/", 0, "yes"))
		want(t, "the answer", within(w, "the answer", replies), `["yes"] <nil>`)
		want(t, "the end", within(w, "the end", replies), "")
	})
}

func TestBroadcastsAreValues(t *testing.T) {
	t.Run("trap 40", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			c := newCrowd(w, transport, "a", "b", "c")
			stored := w.io.To("a")
			_ = stored.To("b")
			_ = stored.Except("a")
			_ = stored.Volatile()
			c.hear("the stored one", stored.Emit, "a")
			c.hear("one made of it", stored.To("b").Emit, "a", "b")
			c.hear("another made of it", stored.In("c").Emit, "a", "c")
			c.hear("the stored one again", stored.Emit, "a")
			c.hear("nothing sticks to the server", w.io.Emit, "a", "b", "c")
			mine := c.sockets["a"].To("b")
			_ = mine.To("c")
			c.hear("that of a socket", mine.Emit, "b")
			c.hear("nothing sticks to the socket", c.sockets["a"].Broadcast().Emit, "b", "c")
		})
	})
}

func TestEachSocketOnce(t *testing.T) {
	t.Run("trap 46", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			c := newCrowd(w, transport, "abc", "b", "x")
			c.hear("three rooms", w.io.To("a").To("b", "c").Emit, "abc", "b")
			c.hear("a room and the own one", w.io.To("b", c.sockets["b"].ID()).Emit, "abc", "b")
			c.hear("from a socket", c.sockets["x"].To("a", "b", "b").Emit, "abc", "b")
			c.hear("from one of them", c.sockets["b"].To("a", "b", "c").Emit, "abc")
		})
	})
}

func TestNoRoomsIsNobody(t *testing.T) {
	t.Run("quirk 14", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			c := newCrowd(w, transport, "a", "b")
			var none []string
			c.hear("a list without rooms", w.io.To(none...).Emit)
			c.hear("no rooms", w.io.To().Emit)
			c.hear("no rooms from a socket", c.sockets["a"].To().Emit)
			c.hear("no rooms, then one", w.io.To().To("a").Emit, "a")
			c.hear("except none", w.io.Except(none...).Emit, "a", "b")
		})
	})
}
