// SPDX-License-Identifier: MIT

// This file holds dialogues after the npm server's own tests of namespaces and of
// messages to many, where no other test has them. conformance/official.md lists all.

package socketio_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

// Binary to a namespace, to a room and to the rest; nobody else hears of it.
func TestOfficialBinaryToMany(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("join", func(room string) error { return s.Join(room) })
			s.On("rest", func(b []byte) error { return s.Broadcast().Emit("bin", b) })
			s.On("room", func(room string, b []byte) error { return s.To(room).Emit("bin", b, room) })
		})
		w.io.Of("/far")
		at := func(namespace string) *siotest.Client {
			return w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: namespace})
		}
		alice, bob, carol, far := at("/"), at("/"), at("/"), at("/far")
		silent := func(clients ...*siotest.Client) {
			w.Helper()
			for _, c := range clients {
				c.WantNothing()
			}
		}
		_ = w.io.Emit("bin", []byte{1, 2, 3})
		for _, c := range []*siotest.Client{alice, bob, carol} {
			c.Want("bin", []byte{1, 2, 3})
		}
		silent(far)
		alice.Emit("rest", []byte{4})
		bob.Want("bin", []byte{4})
		carol.Want("bin", []byte{4})
		silent(alice, far)
		for _, c := range []*siotest.Client{bob, carol} {
			c.EmitWithAck("join", "room")
		}
		bob.Emit("room", "room", []byte{5})
		carol.Want("bin", []byte{5}, "room")
		silent(alice, bob, far)
	})
}

// A namespace finds its own sockets and those of its own rooms, whatever the rooms of
// other namespaces are called.
func TestOfficialNamespacesFindTheirOwn(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		join := func(s *socketio.Socket) {
			s.On("join", func(room string) error { return s.Join(room) })
		}
		chat, other := w.io.Of("/chat"), w.io.Of("/other")
		chat.OnConnection(join)
		other.OnConnection(join)
		in := func(namespace, room string) string {
			c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: namespace})
			c.EmitWithAck("join", room)
			return c.ID()
		}
		foo, bar, far := in("/chat", "foo"), in("/chat", "bar"), in("/other", "foo")
		finds := func(what string, from socketio.Broadcast, ids ...string) {
			w.Helper()
			found, err := from.FetchSockets(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			var got []string
			for _, s := range found {
				got = append(got, s.ID())
			}
			slices.Sort(got)
			slices.Sort(ids)
			want(w, what, strings.Join(got, " "), strings.Join(ids, " "))
		}
		finds("the namespace", chat.Except(), foo, bar)
		finds("a room", chat.In("foo"), foo)
		finds("two rooms", chat.In("foo", "bar"), foo, bar)
		finds("the room of another namespace", other.In("foo"), far)
		finds("the main namespace", w.io.In("foo"))
	})
}

// Every listener of a namespace hears of each of its sockets, and of no others.
func TestOfficialConnectionListeners(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		heard := newList()
		for _, namespace := range []string{"/news", "/chat"} {
			for _, listener := range []string{" first", " second"} {
				w.io.Of(namespace).OnConnection(func(s *socketio.Socket) { heard.add(s.Namespace().Name() + listener) })
			}
		}
		root := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport})
		for _, namespace := range []string{"/news", "/chat"} {
			c := root.Conn().Join(namespace, nil)
			want(t, "the namespace", c.Namespace(), namespace)
		}
		again := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: "/news"})
		want(t, "who is heard of", strings.Join(heard.await(w, 6), ", "),
			"/news first, /news second, /chat first, /chat second, /news first, /news second")
		if again.ID() == root.ID() || len(w.io.Of("/news").Sockets()) != 2 {
			t.Error("a second client of a namespace is a second socket")
		}
	})
}

// A slow middleware lets in when it is done, with what it found out; that of another
// namespace does not run.
func TestOfficialLengthyMiddleware(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		name := socketio.NewDataKey[string]("name")
		w.io.Use(func(context.Context, *socketio.Socket) error {
			t.Error("the main namespace is not asked for")
			return nil
		})
		chat, order := w.io.Of("/chat"), newList()
		for _, step := range []string{"1", "2", "3"} {
			chat.Use(func(_ context.Context, s *socketio.Socket) error {
				order.add(step)
				<-time.After(100 * time.Millisecond)
				before, _ := name.Get(s)
				name.Set(s, before+step)
				return nil
			})
		}
		chat.OnConnection(func(s *socketio.Socket) {
			found, _ := name.Get(s)
			order.add("connection with " + found)
			s.On("name", func() string { return found })
		})
		start := time.Now()
		c := w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: "/chat"})
		want(t, "the wait", time.Since(start), 300*time.Millisecond)
		c.Ask("name").Want("123")
		want(t, "the order", strings.Join(order.all(), ", "), "1, 2, 3, connection with 123")
	})
}
