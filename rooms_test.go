// SPDX-License-Identifier: MIT

// This file holds rooms and broadcasts: who gets what, and how often.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
)

// A crowd is some clients by name, each in the rooms of its name's letters.
type crowd struct {
	w       *world
	names   []string
	peers   map[string]*peer
	sockets map[string]*socketio.Socket
}

func newCrowd(w *world, transport string, names ...string) *crowd {
	c := &crowd{w: w, names: names, peers: make(map[string]*peer), sockets: make(map[string]*socketio.Socket)}
	joined := make(chan *socketio.Socket, 1)
	w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
	for _, name := range names {
		c.peers[name] = w.join(transport)
		s := within(w, "the connection", joined)
		if err := s.Join(strings.Split(name, "")...); err != nil {
			w.Fatal(err)
		}
		c.sockets[name] = s
	}
	return c
}

// hear expects that an emit reaches exactly these clients, once.
func (c *crowd) hear(what string, emit func(event string, args ...any) error, names ...string) {
	c.w.Helper()
	if err := emit("e", what); err != nil {
		c.w.Errorf("%s: %v", what, err)
	}
	if err := c.w.io.Emit("end"); err != nil {
		c.w.Error(err)
	}
	for _, name := range c.names {
		p := c.peers[name]
		if slices.Contains(names, name) {
			p.hears(fmt.Sprintf(`2["e",%q]`, what))
		}
		p.hears(`2["end"]`)
	}
}

// A socket is found by its id, in its namespace, while it is connected.
func TestSocketByID(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		var early bool
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			_, early = w.io.Socket(s.ID())
			return nil
		})
		c := newCrowd(w, transport, "a", "b")
		a, b := c.sockets["a"], c.sockets["b"]
		want(t, "in a middleware", early, false)
		if err := b.Join(a.ID()); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*socketio.Socket{a, b} {
			if got, ok := w.io.Socket(s.ID()); got != s || !ok {
				t.Errorf("the id of %v finds %v, %v", s.ID(), got, ok)
			}
		}
		b.Leave(b.ID())
		if got, ok := w.io.Socket(b.ID()); got != b || !ok {
			t.Errorf("a socket that has left the room of its id is found as %v, %v", got, ok)
		}
		for what, found := range map[string]func() (*socketio.Socket, bool){
			"the name of a room":        func() (*socketio.Socket, bool) { return w.io.Socket("b") },
			"nothing":                   func() (*socketio.Socket, bool) { return w.io.Socket("") },
			"in another namespace":      func() (*socketio.Socket, bool) { return w.io.Of("/other").Socket(a.ID()) },
			"gone, another in its room": func() (*socketio.Socket, bool) { a.Disconnect(); return w.io.Socket(a.ID()) },
		} {
			if s, ok := found(); s != nil || ok {
				t.Errorf("%s: finds %v, %v", what, s, ok)
			}
		}
	})
}

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

// Namespaces know nothing of each other's rooms.
func TestRoomsBelongToANamespace(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		for _, name := range []string{"/", "/other"} {
			w.io.Of(name).OnConnection(func(s *socketio.Socket) {
				_ = s.Join("room")
				_ = s.Emit("ready")
			})
		}
		p := w.join(transport)
		p.hears(`2["ready"]`)
		p.joins("/other")
		p.hears(`2/other,["ready"]`)
		_ = w.io.Of("/other").To("room").Emit("x", 1)
		_ = w.io.To("room").Emit("x", 2)
		p.hears(`2/other,["x",1]`, `2["x",2]`)
	})
}

// A volatile event is dropped, whole, for who can't take it now.
func TestVolatile(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		p := w.open(polling)
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		p.joins("/")
		s := within(w, "the connection", joined)
		w.settle()
		_ = w.io.Volatile().Emit("v", 1)
		p.hears(`2["v",1]`)
		c.peers["a"].hears(`2["v",1]`)
		close(p.pause)
		w.settle()
		_ = w.io.Emit("last") // it ends the last poll
		p.hears(`2["last"]`)
		c.peers["a"].hears(`2["last"]`)
		w.settle()
		_ = s.To().Volatile().Emit("v", 2)
		_ = w.io.Volatile().Emit("v", 3, []byte("with an attachment"))
		_ = w.io.Emit("kept", 4, []byte{4})
		c.peers["a"].hears(`51-["v",3,{"_placeholder":true,"num":0}]`, []byte("with an attachment"), `51-["kept",4,{"_placeholder":true,"num":0}]`, []byte{4})
		status, body := p.request("GET", "?EIO=4&transport=polling&sid="+p.sid, "")
		want(t, "the status", status, 200)
		want(t, "what waited", body, "451-[\"kept\",4,{\"_placeholder\":true,\"num\":0}]\x1ebBA==")
	})
}

func TestRoomLimits(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxRooms: 3}}, func(w *world) {
		s := newCrowd(w, websocket, "a").sockets["a"]
		if err := s.Join("b", "c", "d"); !errors.Is(err, socketio.ErrTooManyRooms) || len(s.Rooms()) != 2 {
			t.Errorf("three more than one are too many, and none is joined: %v %v", err, s.Rooms())
		}
		for i, test := range []struct {
			rooms []string
			fits  bool
		}{
			{[]string{"b"}, true}, {[]string{"b", "a"}, true}, {[]string{"c"}, true}, {[]string{"d"}, false},
			{[]string{"a", "b", "c", s.ID()}, true}, {nil, true},
		} {
			if err := s.Join(test.rooms...); test.fits != (err == nil) {
				t.Errorf("%d: Join%v: %v", i, test.rooms, err)
			}
		}
		s.Leave("a")
		if err := s.Join("d"); err != nil {
			t.Errorf("a room that was left makes room: %v", err)
		}
		want(t, "rooms and its own", len(s.Rooms()), 4)

		s.Leave("b")
		for n, fits := range map[int]bool{511: true, 512: true, 513: false} {
			err := s.Join(strings.Repeat("r", n))
			if fits && err != nil || !fits && !errors.Is(err, socketio.ErrRoomName) {
				t.Errorf("a name of %d bytes: %v", n, err)
			}
			s.Leave(strings.Repeat("r", n))
		}
	})
}

// The reader who does not read is disconnected; the others do not notice.
func TestSlowConsumer(t *testing.T) {
	memory(t, &socketio.Options{Engine: engineio.Options{MaxQueueMessages: 20}}, func(w *world) {
		c := newCrowd(w, websocket, "a")
		slow := w.open(polling)
		reasons := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(fmt.Sprint(r, ", ", context.Cause(s.Context()))) })
		})
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		slow.joins("/")
		s := within(w, "the connection", joined)
		w.settle() // its GET waits, and takes the first event
		close(slow.pause)
		w.settle()
		_ = w.io.Emit("n", -1)
		w.settle()
		c.peers["a"].hears(`2["n",-1]`)
		for i := range 25 {
			if err := w.io.Emit("n", i); err != nil {
				t.Errorf("a broadcast does not fail for one of its members: %v", err)
			}
			c.peers["a"].hears(fmt.Sprintf(`2["n",%d]`, i))
		}
		if n := len(reasons.all()); n != 0 {
			t.Errorf("it has 10 s: %v", reasons.all())
		}
		want(t, "the end", reasons.await(w, 1)[0], "transport error, "+socketio.ErrSlowConsumer.Error()+
			": 25 packets wait, for 10s more than MaxQueueMessages (20)")
		want(t, "warnings", strings.Count(w.log.String(), "Options.MaxQueueMessages"), 1)
		if err := s.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the socket is closed: %v", err)
		}
	})
}

// An emit to one who does not read fails when 16 times the bound of the queue wait.
func TestSlowConsumerOfADirectEmit(t *testing.T) {
	memory(t, &socketio.Options{Engine: engineio.Options{MaxQueueBytes: 1000}}, func(w *world) {
		joined, result := make(chan *socketio.Socket, 1), newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.DisconnectReason) { result.add(string(r)) })
			joined <- s
		})
		p := w.open(polling)
		p.joins("/")
		s := within(w, "the connection", joined)
		close(p.pause)
		w.settle()
		_ = s.Emit("last") // it ends the last poll
		w.settle()
		if err := s.Emit("big", strings.Repeat("x", 20_000)); err != nil {
			t.Errorf("an empty queue takes a packet of any size: %v", err)
		}
		if err := s.Emit("small"); !errors.Is(err, socketio.ErrSlowConsumer) {
			t.Errorf("the next fails with ErrSlowConsumer, not %v", err)
		}
		if err := s.Emit("small"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the next fails with ErrClosed, not %v", err)
		}
		want(t, "the reason", result.await(w, 1)[0], "transport error")
	})
}

// More attachments than a client takes are not sent.
func TestTooManyAttachments(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		ten := make([]any, 10)
		for i := range ten {
			ten[i] = []byte{byte(i)}
		}
		for _, emit := range []func(string, ...any) error{w.io.Emit, c.sockets["a"].Emit} {
			if err := emit("x", append(ten, []byte{10})...); !errors.Is(err, socketio.ErrTooManyAttachments) {
				t.Errorf("eleven are too many: %v", err)
			}
		}
		c.peers["a"].hearsNothing()
		if err := w.io.Emit("x", ten...); err != nil {
			t.Errorf("ten are not: %v", err)
		}
		c.peers["a"].hears(`510-["x",*]`, []byte{0}, []byte{1}, []byte{2}, []byte{3}, []byte{4}, []byte{5}, []byte{6}, []byte{7}, []byte{8}, []byte{9})
	})
}

// What can't be encoded is an error of Emit and harms nobody.
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

// What a client takes for an attachment that is not there would make it close the
// connection: data of one client that is passed on to others must not do that.
func TestPlaceholdersOfOthersAreRefused(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		data := []byte{1}
		bad := []any{
			map[string]any{"_placeholder": true, "num": 0},
			map[string]any{"_placeholder": true, "num": 99, "more": "x"},
			json.RawMessage(`[{"num":7, "_placeholder" : true}]`),
			json.RawMessage(`{"\u005fplaceholder":true,"num":7}`),
		}
		good := []any{
			map[string]any{"_placeholder": false},
			[]any{"_placeholder", true},
			`{"_placeholder":true,"num":1}`,
			json.RawMessage(`{"\u005fplaceholders":true,"a":"\""}`),
		}
		for i, v := range bad {
			const want = `beside binary values, an object in which "_placeholder" is true`
			if err := w.io.Emit("x", v, data); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%d: %v", i, err)
			}
			if err := w.io.Emit("text", v); err != nil {
				t.Errorf("%d, without binary values: %v", i, err)
			}
			c.peers["a"].hears(`2["text",*`)
		}
		for i, v := range good {
			if err := w.io.Emit("_placeholder", v, data); err != nil {
				t.Errorf("%d: %v", i, err)
			}
			c.peers["a"].hears(`51-["_placeholder",*`, data)
		}
		c.peers["a"].hearsNothing()
	})
}

// Rooms come in order, so that what is shown or compared does not change from call to
// call: of a socket that joins, that is in, and of one that was fetched.
func TestRoomsAreSorted(t *testing.T) {
	const order = "a b c d e f g h i j"
	memory(t, nil, func(w *world) {
		shuffled := strings.Fields("j d f a b i c h e g a j")
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if err := s.Join(shuffled...); err != nil {
				return err
			}
			if got := strings.Join(s.Rooms(), " "); got != order {
				t.Errorf("in a middleware: %s", got)
			}
			return nil
		})
		w.join(websocket)
		s := w.io.Sockets()[0]
		want(t, "in order", slices.IsSorted(s.Rooms()), true)
		want(t, "all, with its own", len(s.Rooms()), 11)
		s.Leave(s.ID())
		want(t, "the rooms", strings.Join(s.Rooms(), " "), order)
		got := s.Rooms()
		got[0] = "mine"
		want(t, "the rooms, which the caller owns", strings.Join(s.Rooms(), " "), order)
		remote, err := w.io.FetchSockets(w.Context())
		if err != nil || len(remote) != 1 {
			t.Fatalf("%v %v", remote, err)
		}
		want(t, "those of a RemoteSocket", strings.Join(remote[0].Rooms(), " "), order)
	})
	memory(t, &socketio.Options{Cluster: adapter.Each(func(adapter.Local) adapter.Adapter { return backwards{adapter.NewMemory()} })}, func(w *world) {
		w.join(websocket)
		s := w.io.Sockets()[0]
		if err := s.Join("a", "b", "c"); err != nil {
			t.Error(err)
		}
		s.Leave(s.ID())
		want(t, "those of another adapter", strings.Join(s.Rooms(), " "), "a b c")
	})
	twins(t, 2, nil, func(tw []twin) {
		c := crowds(tw, nil, []string{"dacb"})
		c[1].sockets["dacb"].Leave(c[1].sockets["dacb"].ID())
		found, err := tw[0].io.To("a").FetchSockets(tw[0].Context())
		if err != nil || len(found) != 1 {
			t.Fatalf("%v %v", found, err)
		}
		want(t, "those of another server", strings.Join(found[0].Rooms(), " "), "a b c d")
		want(t, "no auth on another server", string(found[0].Handshake().Auth), `{}`)
	})
}

// backwards is an adapter that has rooms in an order of its own.
type backwards struct{ adapter.Adapter }

func (a backwards) Rooms(m adapter.Member) []string {
	rooms := a.Adapter.Rooms(m)
	slices.SortFunc(rooms, func(a, b string) int { return -strings.Compare(a, b) })
	return rooms
}
