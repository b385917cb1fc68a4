// SPDX-License-Identifier: MIT

// This file tests rounds of clients that connect, work and disconnect: nothing of them is
// left, and the memory does not grow.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
	"weak"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/wheel"
)

// soakRounds are how many rounds of how many clients there are. SOAK sets them:
// "20x1000".
func soakRounds(t *testing.T) (rounds, clients int) {
	text := os.Getenv("SOAK")
	switch {
	case text == "" && testing.Short():
		return 2, 100
	case text == "":
		return 3, 300
	}
	if _, err := fmt.Sscanf(text, "%dx%d", &rounds, &clients); err != nil || rounds < 1 || clients < 5 {
		t.Fatalf("SOAK=%s: want rounds and clients, as 20x1000", text)
	}
	return rounds, clients
}

// An anyTask stands for the engine's type of tasks, whatever it is.
type anyTask struct{ timer wheel.Timer[*anyTask] }

func (t *anyTask) Timer() *wheel.Timer[*anyTask] { return &t.timer }
func (t *anyTask) Wake(time.Time) bool           { return false }
func (t *anyTask) Finish()                       {}

// kept is the state of a server and this process without clients.
type kept struct {
	held
	namespaces, dynamic, making int // of the registry
	leaving, pending, timers    int // of the engine
	dynamicMembers              int
}

// A sojourn is a server whose clients come in rounds.
type sojourn struct {
	*world
	rooms *adapter.Memory // of "/"
	teams *socketio.ParentNamespace

	mu       sync.Mutex // guards the fields below
	gate     chan struct{}
	adapters map[*adapter.Memory]bool // of dynamic namespaces
	sockets  []weak.Pointer[socketio.Socket]

	connects, disconnects, waits, slow atomic.Int64
}

// engineField is a field of the engine that only its own package sees.
// Its mechanism is a field of the server.
func (s *sojourn) engineField(mechanism, name string) reflect.Value {
	return reflect.ValueOf(s.io.Engine()).Elem().FieldByName(mechanism).Elem().FieldByName(name)
}

// lockOf is the lock that a field is, which only its own package sees.
func lockOf(field reflect.Value) *sync.RWMutex {
	if field.Type() != reflect.TypeFor[sync.RWMutex]() {
		panic("the field is a " + field.Type().String())
	}
	return (*sync.RWMutex)(unsafe.Pointer(field.UnsafeAddr()))
}

func (s *sojourn) kept() kept {
	k := kept{held: s.held(s.rooms)}
	mu := lockOf(s.engineField("sessions", "mu"))
	mu.RLock()
	k.leaving, k.pending = s.engineField("sessions", "leaving").Len(), s.engineField("sessions", "pending").FieldByName("conns").Len()
	mu.RUnlock()
	k.namespaces, k.making, k.dynamic = socketio.Registered(s.io)
	wheels := s.engineField("svc", "wheels")
	for _, w := range *(*[]*wheel.Wheel[*anyTask])(unsafe.Pointer(wheels.UnsafeAddr())) { // never changes
		k.timers += w.Len()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.adapters {
		k.dynamicMembers += len(a.Members(adapter.Target{}))
	}
	return k
}

func (k kept) within(before kept) bool {
	return k.held.within(before.held) && k.namespaces == before.namespaces && k.dynamic == 0 && k.making == 0 &&
		k.leaving == 0 && k.pending == 0 && k.timers == 0 && k.dynamicMembers == 0
}

// newSojourn serves what the clients ask for.
func newSojourn(t *testing.T, driver engineio.Driver) *sojourn {
	s := &sojourn{rooms: adapter.NewMemory(), gate: make(chan struct{}), adapters: make(map[*adapter.Memory]bool)}
	opts := &socketio.Options{
		Cluster: adapter.Each(func(l adapter.Local) adapter.Adapter {
			if l.Namespace() == "/" {
				return s.rooms
			}
			a := adapter.NewMemory()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.adapters[a] = true
			return a
		}),
		Engine: engineio.Options{Driver: driver, MaxPending: 1 << 20},
	}
	tcp(t, opts, func(w *world) { s.world = w })
	s.patient = time.Minute
	arrived := func(sock *socketio.Socket) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sockets = append(s.sockets, weak.Make(sock))
	}
	visits := socketio.NewDataKey[[]byte]("visits")
	s.io.OnConnection(func(sock *socketio.Socket) {
		s.connects.Add(1)
		arrived(sock)
		visits.Set(sock, make([]byte, 1000))
		sock.OnAnyOutgoing(func(string, socketio.Args) {})
		sock.OnDisconnect(func(socketio.DisconnectReason) { s.disconnects.Add(1) })
		sock.On("echo", func(n int) int { return n })
		sock.On("join", func(n int) error { return sock.Join(fmt.Sprint("room ", n), fmt.Sprint("room ", n/7)) })
		sock.On("tell", func(n int) error { return sock.To(fmt.Sprint("room ", n)).Emit("told", n) })
		sock.On("kick", func() { sock.CloseConn() })
		sock.On("wait", func(int) bool { // an acknowledgement that never arrives, until the client disconnects
			s.waits.Add(1)
			go func() {
				_, err := sock.EmitWithAck(context.Background(), "question")
				if !errors.Is(err, socketio.ErrClosed) {
					s.Errorf("a question whose client has gone: %v", err)
				}
				s.waits.Add(-1)
			}()
			return true
		})
	})
	s.teams = s.io.OfPattern(regexp.MustCompile(`^/team-\d+$`))
	s.teams.OnConnection(func(sock *socketio.Socket) {
		arrived(sock)
		_ = sock.Join("members")
	})
	s.io.OfMatch(func(name string, _ socketio.Handshake) bool {
		if !strings.HasPrefix(name, "/slow-") {
			return false
		}
		s.mu.Lock()
		gate := s.gate
		s.mu.Unlock()
		s.slow.Add(1)
		<-gate
		s.slow.Add(-1)
		return true
	})
	return s
}

// round connects n clients, which work, and disconnect in five ways.
func (s *sojourn) round(n int) {
	s.Helper()
	s.mu.Lock()
	s.sockets = nil
	clear(s.adapters)
	s.gate = make(chan struct{})
	gate := s.gate
	s.mu.Unlock()
	guests := make([]*guest, n)
	each(s, guests, func(i int, _ *guest) (err error) {
		guests[i], err = s.enter()
		return err
	})
	if s.Failed() {
		s.FailNow()
	}
	each(s, guests, func(i int, g *guest) error {
		for _, text := range []string{fmt.Sprintf("40/team-%d,", i%50), fmt.Sprintf("40/team-%d,", 50+i)} {
			if err := g.c.WriteText(text); err != nil {
				return err
			}
		}
		if i%10 == 0 {
			if err := g.c.WriteText(fmt.Sprintf("40/slow-%d,", i)); err != nil {
				return err
			}
		}
		for _, event := range []string{"join", "wait", "echo", "tell"} {
			if err := g.ask(event, i%100); err != nil {
				return err
			}
		}
		return nil
	})
	each(s, guests, func(_ int, g *guest) error { return g.settle() })
	eventually(s.world, "the searches have begun", func() bool { return s.slow.Load() == int64((n+9)/10) })
	for _, err := range []error{s.io.Emit("x", n), s.teams.Emit("y"), s.io.SocketsJoin("all of them")} {
		if err != nil {
			s.Error(err)
		}
	}
	for reply, err := range s.teams.Timeout(time.Millisecond).EmitWithAck(context.Background(), "question") {
		if err == nil {
			s.Errorf("%s has answered what nobody answers", reply.SocketID)
		}
	}
	each(s, guests, func(i int, g *guest) error {
		if err := g.leaveBy(i % 5); err != nil {
			return fmt.Errorf("way %d: %w", i%5, err)
		}
		<-g.ended
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.fault
	})
	close(gate)
	eventually(s.world, "all have gone", func() bool {
		return s.disconnects.Load() == s.connects.Load() && s.waits.Load() == 0 && s.slow.Load() == 0
	})
}

// settles waits until no more is kept than before, and no socket is left.
func (s *sojourn) settles(before kept) {
	s.Helper()
	limit := time.After(time.Minute)
	for now := s.kept(); !now.within(before); now = s.kept() {
		select {
		case <-limit:
			s.Fatalf("left are %+v, before %+v", now, before)
		case <-time.After(5 * time.Millisecond):
		}
	}
	eventually(s.world, "no socket is reachable", func() bool {
		runtime.GC()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, sock := range s.sockets {
			if sock.Value() != nil {
				return false
			}
		}
		return true
	})
}

// Rounds of clients leave nothing behind: no goroutine, descriptor, map entry, timer or
// socket; and the heap does not grow from round to round.
func TestRoundsOfClients(t *testing.T) {
	rounds, clients := soakRounds(t)
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		t.Run(string("driver "+driver), func(t *testing.T) {
			s := newSojourn(t, driver)
			before := s.kept()
			s.round(4 * runtime.GOMAXPROCS(0) * 5) // what stays for ever is there after the first
			eventually(s.world, "the first have gone", func() bool {
				now := s.kept()
				same := now == before
				before = now
				return same && now.within(now)
			})
			heaps := make([]int64, 0, rounds)
			for range rounds {
				s.round(clients)
				if t.Failed() {
					return
				}
				s.settles(before)
				heaps = append(heaps, heap())
			}
			// The first rounds grow what has the size of a round.
			const slack = 512 << 10
			if grown := heaps[rounds-1] - heaps[min(1+rounds/4, rounds-1)]; grown > slack {
				t.Errorf("the heap has grown by %d bytes: %d", grown, heaps)
			}
			t.Logf("%d rounds of %d clients; heap %d; kept %+v", rounds, clients, heaps, s.kept())
		})
	}
}
