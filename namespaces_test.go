// SPDX-License-Identifier: MIT

// This file holds the tests of namespaces: their names, Of and Lookup, and their
// independence.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

// Of creates a namespace without the middlewares of OfMatch; Lookup creates none.
func TestLookupMakesNothing(t *testing.T) {
	d := diary{newList()}
	memory(t, &socketio.Options{Observers: []any{d}}, func(w *world) {
		asked := newList()
		tenants := w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			asked.add(name)
			return name == "/tenant-1"
		})
		tenants.Use(func(_ context.Context, s *socketio.Socket) error {
			if string(s.Handshake().Auth) != `{"token":"t"}` {
				return errors.New("not authorized")
			}
			return nil
		})
		w.io.Of("/fixed")
		before := len(d.all())
		for _, name := range []string{
			"/tenant-1", "tenant-1", "/tenant-2", "/nowhere", "/a,b", "/\x00", "/\xff", "/" + strings.Repeat("x", 300), "/fixed?x=1", "/FIXED",
		} {
			if ns, ok := w.io.Lookup(name); ok || ns != nil {
				t.Errorf("Lookup(%q) finds %v", name, ns)
			}
		}
		for _, name := range []string{"/fixed", "fixed", "/", ""} {
			ns, ok := w.io.Lookup(name)
			if !ok || ns != w.io.Of(name) {
				t.Errorf("Lookup(%q) finds %v, %v", name, ns, ok)
			}
		}
		want(t, "namespaces made", len(d.all()), before)
		want(t, "functions asked", len(asked.all()), 0)
		p := w.open(websocket)
		p.says(`0/tenant-2,`)
		p.hears(`4/tenant-2,{"message":"Invalid namespace"}`)
		p.says(`0/tenant-1,`)
		p.hears(`4/tenant-1,{"message":"not authorized"}`)
		p.joins("/tenant-1", `{"token":"t"}`)
		ns, ok := w.io.Lookup("tenant-1")
		if !ok || ns.Name() != "/tenant-1" || len(ns.Sockets()) != 1 {
			t.Fatalf("one with a socket in it: %v %v", ns, ok)
		}
		_ = ns.Emit("hello")
		p.hears(`2/tenant-1,["hello"]`)
		p.says(`1/tenant-1,`)
		w.settle()
		if _, ok := w.io.Lookup("/tenant-1"); ok {
			t.Error("Lookup has kept a namespace that is empty")
		}
		_ = ns.Emit("to nobody") // does no harm
		p.isOpen()
	})
}

// Lookup runs beside clients that come and go.
func TestLookupRace(t *testing.T) {
	tcp(t, nil, func(w *world) {
		w.io.OfPattern(regexp.MustCompile(`^/team-\d$`))
		stop := make(chan struct{})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if ns, ok := w.io.Lookup("/team-1"); ok {
							_ = ns.Volatile().Emit("x") // it must not fill a queue
						}
					}
				}
			})
		}
		p := w.open(websocket)
		for range 15 {
			p.says(`0/team-1,`)
			for {
				got, err := p.next()
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(got.text, "0/team-1,") {
					break
				}
			}
			p.says(`1/team-1,`)
		}
		close(stop)
		all.Wait()
		p.goes()
	})
}

// Of logs a warning if a function of OfMatch might have created the namespace, since it
// has none of its middlewares.
func TestOfPastTheFunctionsWarns(t *testing.T) {
	opts, lines := recorded(slog.LevelWarn)
	memory(t, opts, func(w *world) {
		w.io.Of("/before")
		w.io.OfPattern(regexp.MustCompile(`^/early-`))
		want(t, "without functions", strings.Join(lines(), "\n"), "")
		w.io.Of("/early-1")
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { return strings.HasPrefix(name, "/tenant-") })
		w.io.OfPattern(regexp.MustCompile(`^/late-`))
		w.io.Of("/before")
		w.io.Of("")
		w.io.Of("/early-2") // its pattern comes before the function
		w.io.Lookup("/tenant-1")
		w.open(websocket).joins("/tenant-1")
		w.io.Of("/tenant-1") // was made by the function
		want(t, "where a function was asked, or is not concerned", strings.Join(lines(), "\n"), "")
		for _, name := range []string{"/tenant-2", "/other\u202e", "/late-1"} {
			w.io.Of(name)
		}
		got := lines()
		if len(got) != 1 || !strings.Contains(got[0], "Of made a namespace without asking the functions of OfMatch") ||
			!strings.Contains(got[0], "Lookup") || !strings.HasSuffix(got[0], " nsp=/tenant-2") {
			t.Errorf("the warnings are\n%s", strings.Join(got, "\n"))
		}
		time.Sleep(time.Minute)
		w.io.Of("/late-2")
		if got := lines(); len(got) != 1 || !strings.HasSuffix(got[0], " more=2 nsp=/late-2") {
			t.Errorf("a minute later the warnings are\n%s", strings.Join(got, "\n"))
		}
	})
}

// A name from a request is looked up, so that clients can't create namespaces.
func ExampleServer_Lookup() {
	io := socketio.NewServer(nil)
	defer io.Close()

	known := func(name string, _ socketio.Handshake) bool { return name == "/tenant-1" }
	io.OfMatch(known).Use(func(context.Context, *socketio.Socket) error { return nil }) // who may come in

	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/news", func(w http.ResponseWriter, r *http.Request) {
		tenant, ok := io.Lookup("/" + r.PathValue("tenant")) // not Of
		if !ok {
			http.Error(w, "nobody is there", http.StatusNotFound)
			return
		}
		_ = tenant.Emit("news", r.FormValue("text"))
	})
	_, ok := io.Lookup("/tenant-2")
	fmt.Println(ok)
	// Output: false
}

// Rule 7: packets for one namespace do not wait for another.
func TestNamespacesAreIndependent(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		release := make(chan struct{})
		w.io.Of("/slow").OnConnection(func(s *socketio.Socket) {
			s.On("x", func() string { <-release; return "slow" })
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("x", func() string { return "fast" })
		})
		p := w.join(transport)
		p.joins("/slow")
		p.says(`2/slow,1["x"]`, `22["x"]`)
		p.hears(`32["fast"]`)
		close(release)
		p.hears(`3/slow,1["slow"]`)
	})
}

func TestNamespaceNames(t *testing.T) {
	io := socketio.NewServer(nil)
	defer io.Close()
	if io.Of("") != io.Of("/") || io.Of("chat") != io.Of("/chat") || io.Of("/chat").Name() != "/chat" {
		t.Error("the leading slash may be left out")
	}
	io.Of("/" + strings.Repeat("n", 254))
	for _, name := range []string{"/a,b", "/\x00", "/\x7f", "/\xff", "/" + strings.Repeat("n", 255)} {
		if msg := panicOf(func() { io.Of(name) }); !strings.Contains(msg, "no client can join") {
			t.Errorf("Of(%q) panics with %q", name, msg)
		}
	}
}

func TestEmptyNamespaceIsMain(t *testing.T) {
	t.Run("trap 36", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			if w.io.Of("") != w.io.Of("/") || w.io.Of("custom") != w.io.Of("/custom") {
				t.Error("a missing slash makes another namespace")
			}
			w.io.Of("").OnConnection(func(s *socketio.Socket) { _ = s.Emit("in", s.Namespace().Name()) })
			for _, connect := range []string{`0`, `0/`, `0/,`} {
				p := w.open(transport)
				p.says(connect)
				p.hears(`0{"sid":"*"}`, `2["in","/"]`)
			}
		})
	})
}

// A namespace finds its own sockets and those of its own rooms, whatever the names of
// rooms in other namespaces.
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
