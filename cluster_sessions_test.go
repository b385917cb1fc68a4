// SPDX-License-Identifier: MIT

// This file tests sessions that go from one server of a cluster to another.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
)

// A watch sees that there are never two live sockets with one id: a socket joins after the
// one before it has ended, unless the server of that is frozen or dead; and then no handler
// of the older one begins afterwards.
type watch struct {
	t testing.TB

	mu      sync.Mutex // guards the fields below
	sockets map[string]*watched
	away    map[*socketio.Server]bool // frozen or dead
	joined  int
	handled int // events
}

type watched struct {
	socket *socketio.Socket
	server *socketio.Server
	ended  bool
}

func newWatch(t testing.TB) *watch {
	return &watch{t: t, sockets: make(map[string]*watched), away: make(map[*socketio.Server]bool)}
}

// is marks a server as frozen or dead, or as alive again.
func (w *watch) is(io *socketio.Server, away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away[io] = away
}

// sees watches the sockets of a server.
func (w *watch) sees(io *socketio.Server) {
	io.OnConnection(func(s *socketio.Socket) {
		w.mu.Lock()
		if old := w.sockets[s.ID()]; old != nil && !old.ended && !w.away[old.server] {
			w.t.Errorf("two live sockets have the id %s", s.ID())
		}
		own := &watched{socket: s, server: io}
		w.sockets[s.ID()] = own
		w.joined++
		w.mu.Unlock()
		s.OnAny(func(event string, _ socketio.Args) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.handled++
			if w.sockets[s.ID()].socket != s {
				w.t.Errorf("the event %s of a socket is handled whose session another server has taken", event)
			}
		})
		s.OnDisconnect(func(socketio.DisconnectReason) {
			w.mu.Lock()
			defer w.mu.Unlock()
			own.ended = true
		})
	})
}

// events returns how many events were handled.
func (w *watch) events() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.handled
}

// sharingServers runs a test with n servers that share sessions, in a bubble of virtual
// time. A watch sees their sockets.
func sharingServers(t *testing.T, n int, network *membus.Network, options func() socketio.Options, test func(all []bused, w *watch)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		watch := newWatch(t)
		all := make([]bused, n)
		for i := range all {
			all[i] = sharingServer(t, network, fmt.Sprint("node", i), options())
			watch.sees(all[i].io)
		}
		time.Sleep(time.Second)
		test(all, watch)
		for i := range all {
			_ = all[i].io.Close()
		}
	})
}

// sharingServer is a server that shares its sessions.
func sharingServer(t *testing.T, network *membus.Network, name string, o socketio.Options) (b bused) {
	t.Helper()
	b.bus = network.Node(name)
	b.node = cluster.New(membus.WithLog{Node: b.bus}, &cluster.Options{Name: name})
	if o.Cluster = b.node; o.Recovery == nil {
		o.Recovery = new(socketio.Recovery)
	}
	b.world = newWorld(t, with(&o, engineio.DriverGoroutine), nil)
	b.bubble, b.patient = true, 5*time.Minute
	return b
}

// othersThan returns the rooms other than that of the id.
func othersThan(id string, rooms []string) []string {
	return slices.DeleteFunc(rooms, func(room string) bool { return room == id })
}

func plainOptions() socketio.Options { return socketio.Options{} }

// slowNetwork is a network that takes its time.
func slowNetwork() *membus.Network {
	network := membus.New(1)
	network.Delay(time.Millisecond, 10*time.Millisecond)
	return network
}

// A client that comes to another server continues its session there: when its connection
// has ended, and when the first server takes it for connected.
func TestSessionsGoToOtherServers(t *testing.T) {
	key := socketio.NewDataKey[string]("name")
	sharingServers(t, 3, slowNetwork(), plainOptions, func(all []bused, _ *watch) {
		for i := range all {
			all[i].io.OnConnection(func(s *socketio.Socket) {
				if !s.Recovered() {
					key.Set(s, "joe")
					_ = s.Join("room")
				}
			})
		}
		r := all[0].returner().comes()
		time.Sleep(time.Second)
		sid := r.sid
		for round := range 6 {
			if round%2 == 0 {
				r.drops()
				time.Sleep(time.Minute)
			}
			next := all[(round+1)%3]
			begun := time.Now()
			r.comesTo(next.world).is("recovered")
			if took := time.Since(begun); took > time.Second {
				t.Errorf("round %d: coming back took %v", round, took)
			}
			want(t, "the id", r.sid, sid)
			s, ok := next.io.Socket(sid)
			if !ok {
				t.Fatalf("round %d: no socket has the id", round)
			}
			name, _ := key.Get(s)
			want(t, "the value", name, "joe")
			want(t, "the rooms", fmt.Sprint(othersThan(sid, s.Rooms())), "[room]")
			time.Sleep(time.Second)
			for i := range all {
				want(t, "sockets of a server", len(all[i].io.Sockets()) == 1, i == (round+1)%3)
			}
		}
	})
}

// The server of the old socket does not end it before its handlers have returned. A client
// that waits too long gets a new session.
func TestASocketWhoseHandlersDoNotReturn(t *testing.T) {
	options := func() socketio.Options {
		return socketio.Options{Limits: socketio.SocketLimits{MiddlewareTimeout: 3 * time.Second}}
	}
	sharingServers(t, 2, slowNetwork(), options, func(all []bused, _ *watch) {
		release := make(chan struct{})
		all[0].io.OnConnection(func(s *socketio.Socket) {
			s.On("wait", func() { <-release })
		})
		r := all[0].returner().comes()
		sid := r.sid
		r.peer.says(`2["wait"]`)
		time.Sleep(time.Second)
		pid, offset := r.pid, r.offset
		begun := time.Now()
		r.comesTo(all[1].world).is("in_use")
		if took := time.Since(begun); took < 2*time.Second || took > 5*time.Second {
			t.Errorf("the answer took %v", took)
		}
		close(release)
		time.Sleep(time.Second)
		r.pid, r.offset = pid, offset
		r.comesTo(all[1].world).is("recovered")
		want(t, "the id", r.sid, sid)
	})
}

// Of 50 clients with one secret that come to three servers at once, one at a time has the
// session; the others begin new ones.
func TestOneOfManyClientsGetsTheSession(t *testing.T) {
	sharingServers(t, 3, slowNetwork(), plainOptions, func(all []bused, _ *watch) {
		for round := range 4 {
			first := all[round%3].returner().comes()
			sid := first.sid
			if round%2 == 0 {
				first.drops()
			}
			const many = 50
			clients := make([]*returner, many)
			for i := range clients {
				clients[i] = all[i%3].returner()
				clients[i].pid, clients[i].offset = first.pid, first.offset
				clients[i].begins()
			}
			reasons := make(map[string]int)
			for _, r := range clients {
				// A client that another overtakes at the last moment is closed, and comes again.
				switch got, err := r.peer.next(); {
				case err != nil:
					reasons["closed"]++
				case strings.Contains(got.text, first.pid):
					reasons["recovered"]++
				default:
					_, reason, _ := strings.Cut(got.text, `"notRecovered":"`)
					reasons[strings.TrimSuffix(reason, `"}`)]++
				}
			}
			time.Sleep(time.Second)
			live := 0
			for i := range all {
				if _, ok := all[i].io.Socket(sid); ok {
					live++
				}
			}
			if want(t, "live sockets with the id", live, 1); reasons["recovered"] < 1 || reasons["recovered"]+reasons["in_use"]+reasons["closed"] != many {
				t.Errorf("round %d: %v", round, reasons)
			}
			for _, r := range clients {
				r.peer.goes()
			}
			time.Sleep(time.Second)
		}
	})
}

// The answer of the store is lost when a server takes a session: the client gets it later,
// on any server.
func TestASessionIsTakenAndTheAnswerIsLost(t *testing.T) {
	network := slowNetwork()
	sharingServers(t, 3, network, plainOptions, func(all []bused, w *watch) {
		for _, first := range []string{"has lost the connection", "has the connection", "is dead"} {
			r := all[0].returner().comes()
			sid, pid := r.sid, r.pid
			time.Sleep(time.Second)
			switch first {
			case "has lost the connection":
				r.drops()
				time.Sleep(time.Second)
			case "is dead":
				w.is(all[0].io, true)
				all[0].bus.Kill()
			}
			network.FailSessions(nil, func(node, method string) error {
				if node == "node1" && method == "Take" {
					return errors.New("the answer is lost")
				}
				return nil
			})
			r.comesTo(all[1].world).is("store_failed")
			network.FailSessions(nil, nil)
			r.drops()
			r.pid = pid
			r.comesTo(all[2].world).is("recovered")
			want(t, "the id", r.sid, sid)
			r.drops()
			time.Sleep(time.Second)
		}
	})
}

// The session of a client whose server was killed goes to another server when the lease of
// the first has lapsed.
func TestAKilledServerLosesNoSession(t *testing.T) {
	sharingServers(t, 3, slowNetwork(), plainOptions, func(all []bused, w *watch) {
		all[0].io.OnConnection(func(s *socketio.Socket) {
			_ = s.Join("a", "b")
			s.Leave("a")
		})
		clients := make([]*returner, 10)
		for i := range clients {
			clients[i] = all[0].returner().comes()
		}
		time.Sleep(time.Minute)
		w.is(all[0].io, true)
		all[0].bus.Kill()
		begun := time.Now()
		var wait sync.WaitGroup
		for i, r := range clients {
			wait.Go(func() {
				sid := r.sid
				r.w = all[1+i%2].world
				r.begins()
				for r.sid == "" {
					r.takes()
				}
				r.is("recovered")
				want(t, "the id", r.sid, sid)
			})
		}
		wait.Wait()
		if took := time.Since(begun); took > 15*time.Second {
			t.Errorf("coming back took %v", took)
		}
		for i, r := range clients {
			s, ok := all[1+i%2].io.Socket(r.sid)
			if !ok || fmt.Sprint(othersThan(r.sid, s.Rooms())) != "[b]" {
				t.Errorf("client %d: %v, in %v", i, ok, s.Rooms())
			}
		}
	})
}

// A server that was frozen handles nothing of a client whose session another server has
// taken, and goes on with the others.
func TestAFrozenServer(t *testing.T) {
	sharingServers(t, 2, slowNetwork(), plainOptions, func(all []bused, w *watch) {
		var heard sync.Map
		busy := make(chan struct{})
		all[0].io.OnConnection(func(s *socketio.Socket) {
			s.On("e", func(n int) { heard.Store(fmt.Sprint(s.ID(), n), true) })
			s.On("busy", func() { <-busy })
			s.On("ask", func(ack socketio.Ack) { _ = ack() })
		})
		stays, leaves := all[0].returner().comes(), all[0].returner().comes()
		id, old := leaves.sid, leaves.peer
		old.says(`2["busy"]`)
		old.says(`2["e",3]`)
		time.Sleep(time.Second)
		w.is(all[0].io, true)
		all[0].bus.Pause()
		time.Sleep(20 * time.Second)
		leaves.comesTo(all[1].world).is("recovered")
		want(t, "the id", leaves.sid, id)

		old.says(`2["e",1]`)
		stays.peer.says(`2["e",2]`)
		stays.peer.says(`27["ask"]`)
		newcomer := all[0].returner()
		newcomer.begins()
		time.Sleep(3 * time.Second)
		close(busy) // the next event of the socket is taken out of its inbox
		time.Sleep(time.Second)
		want(t, "events that were handled", w.events(), 1)
		want(t, "sockets of the frozen server", len(all[0].io.Sockets()), 2)
		all[0].bus.Resume()
		time.Sleep(3 * time.Second)
		_, ok := heard.Load(fmt.Sprint(stays.sid, 2))
		want(t, "the event of the client that stays", ok, true)
		for _, n := range []int{1, 3} {
			_, ok = heard.Load(fmt.Sprint(id, n))
			want(t, "those of the client that has left", ok, false)
		}
		stays.peer.hears(`37[]`)
		for newcomer.sid == "" {
			newcomer.takes()
		}
		w.is(all[0].io, false)
		if _, ok := all[0].io.Socket(id); ok {
			t.Error("the frozen server still has the socket")
		}
		leaves.drops().comesTo(all[0].world).is("recovered")
		stays.drops().comesTo(all[1].world).is("recovered")
	})
}

// A server that was frozen after it has answered a client, and before its OnConnection has
// run, does not run it when another server has taken the session: before the server knows,
// and when it has learned of it.
func TestFrozenBeforeOnConnection(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprint("known ", known), func(t *testing.T) {
			var stop *stopper
			options := func() socketio.Options {
				if stop == nil { // its channels must be those of the bubble
					stop = &stopper{stopped: make(chan struct{}), goOn: make(chan struct{})}
				}
				return socketio.Options{Observers: []any{stop}}
			}
			sharingServers(t, 2, slowNetwork(), options, func(all []bused, w *watch) {
				var connections atomic.Int32
				r := all[0].returner().comes().drops()
				all[0].io.OnConnection(func(*socketio.Socket) { connections.Add(1) })
				stop.next.Store(true)
				r.begins()
				<-stop.stopped
				w.is(all[0].io, true)
				all[0].bus.Pause()
				time.Sleep(20 * time.Second)
				r.comesTo(all[1].world).is("recovered")
				if !known {
					close(stop.goOn)
					time.Sleep(time.Second)
				}
				all[0].bus.Resume()
				time.Sleep(3 * time.Second)
				if known {
					close(stop.goOn)
					time.Sleep(time.Second)
				}
				want(t, "calls of OnConnection", connections.Load(), 0)
				want(t, "sockets of the frozen server", len(all[0].io.Sockets()), 0)
				w.is(all[0].io, false)
				r.drops().comesTo(all[0].world).is("recovered")
			})
		})
	}
}

// A stopper is a socketio.SocketObserver that holds up the next socket.
type stopper struct {
	next          atomic.Bool
	stopped, goOn chan struct{}
}

func (s *stopper) SocketJoined(socketio.SocketInfo) {
	if s.next.Swap(false) {
		close(s.stopped)
		<-s.goOn
	}
}

func (s *stopper) SocketRefused(socketio.SocketInfo, error)                         {}
func (s *stopper) SocketLeft(socketio.SocketInfo, socketio.DisconnectReason, error) {}

// Sessions expire on the server that had the client, or when that has died on another.
func TestSharedSessionsExpire(t *testing.T) {
	var mu sync.Mutex
	var expired []string
	number := 0
	options := func() socketio.Options {
		own := number
		number++
		return socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute, OnSessionExpired: func(i socketio.SessionInfo) {
			mu.Lock()
			defer mu.Unlock()
			expired = append(expired, fmt.Sprint(own, " ", strings.Join(i.Rooms, ",")))
		}}}
	}
	sharingServers(t, 3, slowNetwork(), options, func(all []bused, w *watch) {
		for i := range all {
			all[i].io.OnConnection(func(s *socketio.Socket) { _ = s.Join(fmt.Sprint("room", i)) })
		}
		gone, back, killed := all[0].returner().comes(), all[1].returner().comes(), all[2].returner().comes()
		gone.drops()
		back.drops()
		time.Sleep(50 * time.Second)
		back.comesTo(all[0].world).is("recovered")
		time.Sleep(30 * time.Second)
		list := func() string {
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(expired, ";")
		}
		want(t, "expired", list(), "0 room0")
		gone.comesTo(all[1].world).is("unknown_session")
		w.is(all[2].io, true)
		all[2].bus.Kill()
		_ = killed
		time.Sleep(50 * time.Second)
		want(t, "while its client may come back", list(), "0 room0")
		time.Sleep(time.Minute)
		got := list()
		if got != "0 room0;0 room2" && got != "0 room0;1 room2" {
			t.Errorf("expired: %s", got)
		}
	})
}

// A client that disconnects on purpose, or is disconnected, has no session on any server.
func TestEndedOnPurposeEverywhere(t *testing.T) {
	sharingServers(t, 2, slowNetwork(), plainOptions, func(all []bused, _ *watch) {
		r := all[0].returner().comes()
		r.peer.says("1")
		time.Sleep(time.Second)
		r.comesTo(all[1].world).is("unknown_session")
		s, _ := all[1].io.Socket(r.sid)
		s.Disconnect()
		time.Sleep(time.Second)
		r.comesTo(all[0].world).is("unknown_session")
	})
}

// A client that has disconnected on purpose and comes to another server before the store knows
// is not recovered there.
func TestEndedOnPurposeAndComesAtOnce(t *testing.T) {
	network := slowNetwork()
	sharingServers(t, 1, network, plainOptions, func(all []bused, _ *watch) {
		b := bused{bus: network.Node("slow")}
		b.node = cluster.New(slowDrops{membus.WithLog{Node: b.bus}}, nil)
		b.world = newWorld(all[0].TB, with(&socketio.Options{Cluster: b.node, Recovery: new(socketio.Recovery)}, engineio.DriverGoroutine), nil)
		b.bubble, b.patient = true, 5*time.Minute
		ended := make(chan socketio.DisconnectReason, 1)
		b.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(reason socketio.DisconnectReason) { ended <- reason })
		})
		time.Sleep(time.Second)
		r := b.returner().comes()
		r.peer.says("1")
		want(t, "the reason", <-ended, socketio.ReasonClientDisconnect)
		r.comesTo(all[0].world).is("unknown_session")
		_ = b.io.Close()
	})
}

// slowDrops is a bus whose store takes its time to drop sessions.
type slowDrops struct{ membus.WithLog }

func (b slowDrops) Sessions() cluster.Sessions { return slowDropStore{b.WithLog.Sessions()} }

type slowDropStore struct{ cluster.Sessions }

func (s slowDropStore) Drop(ctx context.Context, namespace, secret, owner string) error {
	time.Sleep(3 * time.Second)
	return s.Sessions.Drop(ctx, namespace, secret, owner)
}

// Middlewares and SameIdentity decide before the old socket is ended, on whichever server.
func TestStrangersEndNoSocket(t *testing.T) {
	options := func() socketio.Options {
		return socketio.Options{Recovery: &socketio.Recovery{SameIdentity: func(old, current socketio.SessionInfo) bool {
			return fmt.Sprint(old.Rooms) == fmt.Sprint(current.Rooms)
		}}}
	}
	sharingServers(t, 2, slowNetwork(), options, func(all []bused, _ *watch) {
		for i := range all {
			all[i].io.Use(func(_ context.Context, s *socketio.Socket) error {
				var auth struct{ User string }
				if err := s.Handshake().DecodeAuth(&auth); err != nil {
					return err
				}
				if auth.User == "" {
					return errors.New("no user")
				}
				return s.Join(auth.User)
			})
		}
		r := all[0].returner().comes(`"user":"ann"`)
		sid, pid := r.sid, r.pid
		stranger := all[1].returner()
		stranger.pid = pid
		stranger.comes(`"user":"bob"`).is("identity")
		refused := all[1].returner()
		refused.pid = pid
		refused.begins()
		refused.peer.hears(`4{"message":"no user"}`)
		if _, ok := all[0].io.Socket(sid); !ok {
			t.Error("the socket has ended")
		}
		r.w = all[1].world
		r.comes(`"user":"ann"`).is("recovered")
		want(t, "the id", r.sid, sid)
	})
}

// A share of the clients is moved to another server, a few at a time.
func TestRebalance(t *testing.T) {
	sharingServers(t, 2, slowNetwork(), plainOptions, func(all []bused, _ *watch) {
		const clients, perSecond = 40, 5
		all[0].io.OnConnection(func(s *socketio.Socket) { _ = s.Join("room") })
		var mu sync.Mutex // guards the fields below
		moved, ended := make(map[int]int), 0
		begun := time.Now()
		var lives sync.WaitGroup
		for range clients {
			r := all[0].returner().comes()
			lives.Go(func() {
				if _, err := r.peer.next(); err == nil {
					t.Error("a message came")
				}
				mu.Lock()
				ended++
				moved[int(time.Since(begun)/time.Second)]++
				mu.Unlock()
				r.w = all[1].world
				r.begins()
				for r.sid == "" {
					r.takes()
				}
				r.is("recovered")
				_, _ = r.peer.next()
			})
		}
		all[0].io.OnConnection(func(*socketio.Socket) { t.Error("a client has come back to the first server") })
		time.Sleep(time.Second)
		for _, s := range all[0].io.Sockets() {
			s.OnDisconnect(func(reason socketio.DisconnectReason) {
				if cause := context.Cause(s.Context()); reason != "forced close" || !errors.Is(cause, socketio.ErrMoved) {
					t.Errorf("the socket has ended with %q, %v", reason, cause)
				}
			})
		}
		begun = time.Now()
		n, err := all[0].io.Rebalance(context.Background(), 0.5, perSecond)
		want(t, "moved", fmt.Sprint(n, err), "20 <nil>")
		time.Sleep(3 * time.Second)
		want(t, "sockets", fmt.Sprint(len(all[0].io.Sockets()), len(all[1].io.Sockets())), "20 20")
		for _, s := range all[1].io.Sockets() {
			want(t, "the rooms", fmt.Sprint(othersThan(s.ID(), s.Rooms())), "[room]")
		}
		mu.Lock()
		for second, n := range moved {
			if n > perSecond+1 {
				t.Errorf("%d clients were moved in second %d", n, second)
			}
		}
		want(t, "connections that have ended", ended, 20)
		mu.Unlock()

		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		n, err = all[0].io.Rebalance(ctx, 1, perSecond)
		if n < 9 || n > 11 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("until the context ends: %d, %v", n, err)
		}
		n, err = all[0].io.Rebalance(context.Background(), 0, perSecond)
		want(t, "nothing", fmt.Sprint(n, err), "0 <nil>")
		for _, wrong := range []func(){
			func() { _, _ = all[0].io.Rebalance(context.Background(), 1.1, 1) },
			func() { _, _ = all[0].io.Rebalance(context.Background(), 0.5, 0) },
		} {
			func() {
				defer func() {
					if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "Rebalance") {
						t.Errorf("wrong arguments: %v", p)
					}
				}()
				wrong()
			}()
		}
		if _, err := all[0].io.Rebalance(context.Background(), 1, 100); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		want(t, "sockets", fmt.Sprint(len(all[0].io.Sockets()), len(all[1].io.Sockets())), fmt.Sprint(0, clients))
		for i := range all {
			_ = all[i].io.Close()
		}
		lives.Wait()
	})
}
