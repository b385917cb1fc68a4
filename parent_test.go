// SPDX-License-Identifier: MIT

// This file holds the tests of namespaces that are created on demand: by pattern, by
// function, once, and for as long as they are in use.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"socketio"
	"socketio/adapter"
)

var teams = regexp.MustCompile(`^/team-\d+$`)

// names are those of namespaces, in order.
func names(all []*socketio.Namespace) string {
	var names []string
	for _, ns := range all {
		names = append(names, ns.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// Handlers registered with a parent apply to its children, before those registered with a
// child, also if the child exists.
func TestOfPattern(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		calls := newList()
		parent := w.io.OfPattern(teams)
		parent.Use(func(_ context.Context, s *socketio.Socket) error {
			calls.add("use " + s.Namespace().Name())
			return nil
		})
		parent.OnConnection(func(s *socketio.Socket) {
			calls.add("connection")
			s.On("ask", func() string { return s.Namespace().Name() })
			s.On("fail", func() error { return errors.New("failed") })
		})
		w.io.OnNewNamespace(func(ns *socketio.Namespace) {
			calls.add("new " + ns.Name())
			ns.Use(func(context.Context, *socketio.Socket) error { calls.add("own use"); return nil })
			ns.OnConnection(func(*socketio.Socket) { calls.add("own connection") })
		})
		p := w.open(transport)
		p.joins("/team-7")
		p.says(`2/team-7,1["ask"]`)
		p.hears(`3/team-7,1["/team-7"]`)
		parent.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { calls.add(err.Error()) })
		p.says(`2/team-7,2["fail"]`)
		p.hears(`3/team-7,2[{"error":*}]`)
		p.says(`0/team-x,`)
		p.hears(`4/team-x,{"message":"Invalid namespace"}`)
		want(t, "children", names(parent.Children()), "/team-7")
		got := calls.await(w, 6)
		want(t, "calls", strings.Join(got, ", "), "new /team-7, use /team-7, own use, connection, own connection, "+got[5])
		if !strings.Contains(got[5], "failed") {
			t.Errorf("the error of the handler is %q", got[5])
		}
	})
}

// Parents are asked in order, after existing namespaces; a function gets the name and the
// handshake.
func TestOfMatch(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		joined := newList()
		on := func(what string) func(*socketio.Socket) {
			return func(s *socketio.Socket) { joined.add(what + s.Namespace().Name()) }
		}
		w.io.Of("/static").OnConnection(on("static "))
		w.io.OfMatch(func(name string, h socketio.Handshake) bool {
			var auth struct{ Token string }
			return h.DecodeAuth(&auth) == nil && auth.Token == "secret" && h.HeaderValue("User-Agent") != "nobody"
		}).OnConnection(on("func "))
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			if name == "/panic" {
				panic("boom")
			}
			return false
		})
		w.io.OfPattern(teams).OnConnection(on("pattern "))
		p := w.open(transport)
		p.joins("/static", `{"token":"secret"}`)
		p.joins("/a", `{"token":"secret"}`)
		p.joins("/team-1", `{"token":"secret"}`)
		p.joins("/team-2")
		p.says(`0/b,{"token":"wrong"}`)
		p.hears(`4/b,{"message":"Invalid namespace"}`)
		p.says(`0/panic,`)
		p.hears(`4/panic,{"message":"internal error"}`)
		p.isOpen()
		got := joined.await(w, 4)
		slices.Sort(got) // the sockets run side by side
		want(t, "joined", strings.Join(got, ", "), "func /a, func /team-1, pattern /team-2, static /static")
	})
}

// A name that no application could make is not asked for.
func TestDynamicNamesAreBounded(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
		p := w.open(websocket)
		p.joins("/" + strings.Repeat("x", 254))
		long := "/" + strings.Repeat("x", 255)
		p.says("0" + long + ",")
		p.hears("4" + long + `,{"message":"Invalid namespace"}`)
	})
}

// Many that arrive together find one child, and none before it has been announced.
// The trap is number 38 of docs/conformance.md.
func TestConcurrentFirstJoinsMakeOneChild(t *testing.T) {
	t.Run("trap 38", func(t *testing.T) {
		for _, run := range []func(*testing.T, func(*world)){
			func(t *testing.T, f func(*world)) { memory(t, nil, f) },
			func(t *testing.T, f func(*world)) { tcp(t, nil, f) },
		} {
			run(t, func(w *world) {
				var made, joined, early atomic.Int32
				gate := make(chan struct{})
				var announced atomic.Bool
				w.io.OnNewNamespace(func(ns *socketio.Namespace) {
					made.Add(1)
					<-gate
					announced.Store(true)
				})
				parent := w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
				parent.OnConnection(func(s *socketio.Socket) {
					if !announced.Load() {
						early.Add(1)
					}
					joined.Add(1)
				})
				peers := make([]*peer, 20)
				for i := range peers {
					peers[i] = w.open(websocket)
					peers[i].says(`0/same,`)
				}
				close(gate)
				for _, p := range peers {
					p.hears(`0/same,{"sid":"*"}`)
				}
				want(t, "made", made.Load(), 1)
				want(t, "joined before it was announced", early.Load(), 0)
				want(t, "children", len(parent.Children()), 1)
				want(t, "sockets", len(parent.Children()[0].Sockets()), 20)
				_ = parent.Children()[0].Emit("all")
				for _, p := range peers {
					p.hears(`2/same,["all"]`)
				}
			})
		}
	})
}

// A child is removed with its last socket, whether that had joined or was rejected, and
// joining sockets count. The trap is number 39 of docs/conformance.md.
func TestChildrenGoWhenEmpty(t *testing.T) {
	t.Run("trap 39", func(t *testing.T) {
		memory(t, nil, func(w *world) {
			gate := make(chan struct{})
			parent := w.io.OfPattern(teams)
			parent.Use(func(_ context.Context, s *socketio.Socket) error {
				var auth struct{ Do string }
				_ = s.Handshake().DecodeAuth(&auth)
				switch auth.Do {
				case "refuse":
					return errors.New("no")
				case "wait":
					<-gate
				}
				return nil
			})
			a, b, c := w.open(websocket), w.open(polling), w.open(websocket)
			children := func(what, expected string) {
				t.Helper()
				w.settle()
				want(t, what, names(parent.Children()), expected)
			}
			a.says(`0/team-1,{"do":"refuse"}`)
			a.hears(`4/team-1,{"message":"no"}`)
			children("after a refusal", "")
			a.joins("/team-1")
			b.joins("/team-1")
			c.says(`0/team-1,{"do":"wait"}`)
			a.says(`1/team-1,`)
			children("one of three has left", "/team-1")
			first := parent.Children()[0]
			b.goes()
			children("one is still joining", "/team-1")
			close(gate)
			c.hears(`0/team-1,{"sid":"*"}`)
			children("it has joined", "/team-1")
			want(t, "the same namespace", len(first.Sockets()), 1)
			first.Sockets()[0].CloseConn()
			children("all have left", "")
			a.joins("/team-1")
			children("made anew", "/team-1")
			if w.io.Of("/team-1") == first {
				t.Error("the namespace that had gone is back")
			}
			a.says(`1/team-1,`)
			children("the application has asked for it: it stays", "/team-1")
		})
		memory(t, &socketio.Options{Limits: socketio.SocketLimits{KeepEmptyNamespaces: true}}, func(w *world) {
			parent := w.io.OfPattern(teams)
			p := w.open(websocket)
			p.joins("/team-1")
			p.says(`1/team-1,`)
			w.settle()
			want(t, "kept", names(parent.Children()), "/team-1")
		})
	})
}

// A namespace made by Of whose name a pattern matches has that parent.
func TestOfMakesAChildOfAPattern(t *testing.T) {
	memory(t, nil, func(w *world) {
		joined := newList()
		parent := w.io.OfPattern(teams)
		parent.OnConnection(func(*socketio.Socket) { joined.add("parent") })
		w.io.OfMatch(func(string, socketio.Handshake) bool { t.Error("a function was asked"); return true })
		w.io.Of("/team-1").OnConnection(func(*socketio.Socket) { joined.add("own") })
		w.open(websocket).joins("/team-1")
		want(t, "handlers", strings.Join(joined.await(w, 2), " "), "parent own")
		want(t, "children", names(parent.Children()), "/team-1")
	})
}

// The bound on dynamic namespaces, at it and over it; leaving makes room.
func TestMaxDynamicNamespaces(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxDynamicNamespaces: 3}}, func(w *world) {
		w.io.OfPattern(teams)
		w.io.Of("/team-100") // the application's own do not count
		p := w.open(websocket)
		for i := range 3 {
			p.joins(fmt.Sprintf("/team-%d", i))
		}
		p.joins("/team-100")
		p.says(`0/team-3,`)
		p.hears(`4/team-3,{"message":"Invalid namespace"}`)
		if !strings.Contains(w.log.String(), "MaxDynamicNamespaces") {
			t.Errorf("the log names the option:\n%s", w.log)
		}
		p.says(`1/team-0,`)
		w.settle()
		p.joins("/team-3")
	})
}

// Packets for a namespace that is being searched for: an event is too early, a second
// CONNECT is one too many, a DISCONNECT revokes the CONNECT.
func TestPacketsDuringASearch(t *testing.T) {
	for packet, closes := range map[string]bool{`2/slow,["x"]`: true, `0/slow,`: true, `1/slow,`: false} {
		memory(t, nil, func(w *world) {
			gate := make(chan struct{})
			parent := w.io.OfMatch(func(name string, _ socketio.Handshake) bool { <-gate; return name == "/slow" })
			parent.OnConnection(func(*socketio.Socket) { t.Error("the socket has joined") })
			p := w.open(websocket)
			p.says(`0/slow,`)
			w.settle()
			p.says(packet)
			w.settle()
			close(gate)
			w.settle()
			want(t, "children", len(parent.Children()), 0)
			if closes {
				p.isClosed(1002)
			} else {
				p.isOpen()
			}
		})
	}
}

// A client that goes during a search leaves nothing behind.
func TestTheClientGoesDuringASearch(t *testing.T) {
	memory(t, nil, func(w *world) {
		gate := make(chan struct{})
		parent := w.io.OfMatch(func(string, socketio.Handshake) bool { <-gate; return true })
		p := w.open(websocket)
		p.says(`0/slow,`)
		w.settle()
		p.goes()
		w.settle()
		close(gate)
		w.settle()
		want(t, "children", len(parent.Children()), 0)
	})
}

// MaxNamespaces counts what is being looked for.
func TestMaxNamespacesCountsSearches(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxNamespaces: 3}}, func(w *world) {
		gate := make(chan struct{})
		w.io.OfMatch(func(string, socketio.Handshake) bool { <-gate; return true })
		p := w.open(websocket)
		p.joins("/")
		p.says(`0/a,`, `0/b,`, `0/c,`)
		p.hears(`4/c,{"message":"Too many namespaces"}`)
		close(gate)
		p.hears(`0/*`, `0/*`)
	})
}

// A socket that is joining keeps its namespace when the last one in it leaves.
func TestJoiningSocketsKeepANamespace(t *testing.T) {
	t.Run("quirk 22", func(t *testing.T) {
		memory(t, nil, func(w *world) {
			gate := make(chan struct{})
			parent := w.io.OfPattern(teams)
			parent.Use(func(_ context.Context, s *socketio.Socket) error {
				if string(s.Handshake().Auth) != `{}` {
					<-gate
				}
				return nil
			})
			a, b := w.open(websocket), w.open(websocket)
			a.joins("/team-1")
			ns := parent.Children()[0]
			b.says(`0/team-1,{"wait":true}`)
			w.settle()
			a.says(`1/team-1,`)
			w.settle()
			close(gate)
			b.hears(`0/team-1,{"sid":"*"}`)
			_ = ns.Emit("x")
			b.hears(`2/team-1,["x"]`)
		})
	})
}

// A steppedAdapter reports its creation and its close, which waits for permission.
type steppedAdapter struct {
	*adapter.Memory
	log  *list
	gate chan struct{}
}

func (a steppedAdapter) Close() error { <-a.gate; a.log.add("close"); return a.Memory.Close() }

// A namespace that is created again begins when its predecessor has ended.
func TestNamespacesOfOneNameFollowEachOther(t *testing.T) {
	var log *list
	var gate chan struct{} // both of the bubble
	opts := &socketio.Options{Cluster: adapter.Each(func(l adapter.Local) adapter.Adapter {
		if l.Namespace() != "/team-1" {
			return adapter.NewMemory()
		}
		log.add("init")
		return steppedAdapter{adapter.NewMemory(), log, gate}
	})}
	memory(t, opts, func(w *world) {
		log, gate = newList(), make(chan struct{})
		w.io.OfPattern(teams)
		p := w.open(websocket)
		p.joins("/team-1")
		p.says(`1/team-1,`)
		w.settle()
		p.says(`0/team-1,`)
		p.hearsNothing()
		close(gate)
		p.hears(`0/team-1,{"sid":"*"}`)
		want(t, "lives", strings.Join(log.all(), " "), "init close init")
	})
}

// An adapter that panics affects only the client that asked for its namespace.
func TestAdapterPanics(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	opts := &socketio.Options{
		Cluster: adapter.Each(func(l adapter.Local) adapter.Adapter {
			if l.Namespace() != "/" && broken.Load() {
				panic("boom")
			}
			return adapter.NewMemory()
		}),
		Limits: socketio.SocketLimits{MaxDynamicNamespaces: 1},
	}
	memory(t, opts, func(w *world) {
		w.io.OfPattern(teams)
		p := w.open(websocket)
		for range 3 {
			p.says(`0/team-1,`)
			p.hears(`4/team-1,{"message":"internal error"}`)
		}
		func() {
			defer func() { _ = recover() }()
			w.io.Of("/fixed")
			t.Error("Of hides the panic of an adapter")
		}()
		broken.Store(false)
		w.io.Of("/fixed")
		p.joins("/fixed")
		p.joins("/team-1")
	})
}

// The names of namespaces that the server has taken a client out of are bounded, and
// late packets for the latest of them do no harm.
func TestManyNamespacesLeft(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxNamespaces: 3}}, func(w *world) {
		w.io.OfPattern(teams).OnConnection(func(s *socketio.Socket) { s.Disconnect() })
		p := w.open(websocket)
		for i := range 50 {
			p.joins(fmt.Sprintf("/team-%d", i))
			p.hears(fmt.Sprintf("1/team-%d,", i))
		}
		p.says(`2/team-49,["late"]`, `2/team-45,["late"]`)
		p.isOpen()
		p.says(`2/team-1,["of long ago"]`)
		p.isClosed(1002)
	})
}

// A remaker asks for a namespace when it hears that it has gone.
type remaker struct{ io *socketio.Server }

func (*remaker) NamespaceCreated(socketio.NamespaceInfo)     {}
func (r *remaker) NamespaceRemoved(n socketio.NamespaceInfo) { r.io.Of(n.Name) }

func TestOfWhenANamespaceGoes(t *testing.T) {
	r := new(remaker)
	memory(t, &socketio.Options{Observers: []any{r}}, func(w *world) {
		r.io = w.io
		parent := w.io.OfPattern(teams)
		p := w.open(websocket)
		p.joins("/team-1")
		p.says(`1/team-1,`)
		w.settle()
		want(t, "made anew", names(parent.Children()), "/team-1")
		p.joins("/team-1")
	})
}

// Functions that end their goroutine reject the client that they were called for.
func TestGoexitInASearch(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxDynamicNamespaces: 1}}, func(w *world) {
		exits := true
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool {
			if name == "/exit" {
				runtime.Goexit()
			}
			return name == "/made"
		})
		w.io.OnNewNamespace(func(*socketio.Namespace) {
			if exits {
				runtime.Goexit()
			}
		})
		p := w.open(websocket)
		for _, name := range []string{"/exit", "/made"} {
			p.says("0" + name + ",")
			p.hears("4" + name + `,{"message":"internal error"}`)
		}
		exits = false
		p.joins("/made")
	})
}
