// SPDX-License-Identifier: MIT

// This file holds the tests of rooms: joining, leaving, their limits and their order.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/siotest"
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

// Leave accepts several rooms at once, also before the socket has joined.
func TestLeaveSeveralRooms(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			err := s.Join("a", "b", "c", "d")
			s.Leave("b", "d", "never joined")
			return err
		})
		rooms := make(chan []string, 2)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Leave(s.ID())
			rooms <- s.Rooms()
			_ = s.Join("e")
			s.Leave("a", "c", "never joined")
			rooms <- s.Rooms()
		})
		w.join(websocket)
		want(t, "rooms that are left", len(within(w, "the rooms", rooms)), 2)
		if got := within(w, "the rooms", rooms); len(got) != 1 || got[0] != "e" {
			t.Errorf("rooms: %v, want e alone", got)
		}
	})
}

func TestRoomsWhileDisconnecting(t *testing.T) {
	t.Run("trap 37", func(t *testing.T) {
		for name, end := range map[string]func(p *peer, s *socketio.Socket){
			"by the client": func(p *peer, _ *socketio.Socket) { p.says(`1`) },
			"by the server": func(_ *peer, s *socketio.Socket) { s.Disconnect() },
			"by its end":    func(p *peer, _ *socketio.Socket) { p.goes() },
		} {
			t.Run(name, func(t *testing.T) {
				overBoth(t, nil, func(w *world, transport string) {
					heard, sockets := newList(), make(chan *socketio.Socket, 1)
					w.io.OnConnection(func(s *socketio.Socket) {
						_ = s.Join("a", "b")
						rooms := func() string {
							r := s.Rooms()
							slices.Sort(r)
							return strings.Replace(strings.Join(r, " "), s.ID(), "own", 1)
						}
						s.OnDisconnecting(func(socketio.DisconnectReason) { heard.add(fmt.Sprint(len(s.Rooms()))) })
						s.OnDisconnect(func(socketio.DisconnectReason) { heard.add("[" + rooms() + "]") })
						sockets <- s
					})
					p := w.join(transport)
					end(p, within(w, "the connection", sockets))
					want(t, "the rooms before and after", strings.Join(heard.await(w, 2), " "), "3 []")
				})
			})
		}
	})
}

func TestRoomsOfRejectedSockets(t *testing.T) {
	t.Run("trap 42", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			sockets := make(chan *socketio.Socket, 1)
			w.io.Of("/picky").Use(func(_ context.Context, s *socketio.Socket) error {
				sockets <- s
				_ = s.Join("room")
				return errors.New("no")
			})
			w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
			p := w.open(transport)
			p.says(`0/picky,`)
			p.hears(`4/picky,{"message":"no"}`)
			want(t, "rooms of who was refused", len(within(w, "the middleware", sockets).Rooms()), 0)
			p.joins("/")
			s := within(w, "the connection", sockets)
			s.Disconnect()
			p.hears(`1`)
			if err := s.Join("room"); err != nil || slices.Contains(s.Rooms(), "room") {
				t.Errorf("Join after the end: %v, in rooms %v", err, s.Rooms())
			}
			_ = w.io.Of("/picky").To("room").Emit("x")
			_ = w.io.To("room").Emit("x")
			p.isOpen() // and nothing comes before the answer
		})
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
