// SPDX-License-Identifier: MIT

// This file tests recovery with a durable store: servers that are restarted or killed, and
// stores that are slow, fail or hang.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/engineio"
)

// A machine runs servers, one after the other, with one disk.
type machine struct {
	*testing.T
	disk    *adaptertest.Disk
	options func() *socketio.Options // of the next server; nil for none
	setup   func(*world)             // of each server; nil for none

	mu   sync.Mutex // guards the field below
	acts map[string]func(context.Context) error
}

// onAMachine runs a test in memory with a server whose store is durable.
func onAMachine(t *testing.T, setup func(*world), test func(m *machine, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &machine{T: t, disk: adaptertest.NewDisk(), setup: setup, acts: make(map[string]func(context.Context) error)}
		m.disk.Fault = func(ctx context.Context, operation string) error {
			m.mu.Lock()
			act := m.acts[operation]
			m.mu.Unlock()
			if act == nil {
				return nil
			}
			return act(ctx)
		}
		test(m, m.starts())
	})
}

// starts starts a server.
func (m *machine) starts() *world {
	opts := &socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute}}
	if m.options != nil {
		opts = m.options()
	}
	opts.Recovery.Store = m.disk.Store()
	w := newWorld(m.T, with(opts, engineio.DriverGoroutine), nil)
	w.bubble, w.patient = true, 5*time.Minute
	if m.setup != nil {
		m.setup(w)
	}
	return w
}

// restarts ends a server as how says, and starts the next.
func (m *machine) restarts(w *world, how string) *world {
	switch how {
	case "killed":
		m.disk.Kill()
		_ = w.io.Close()
	case "closed":
		_ = w.io.Close()
	case "shut down":
		_ = w.io.Shutdown(context.Background())
	}
	w.settle()
	return m.starts()
}

// does makes operations of the store do something from now on. Without operations it is
// all of them.
func (m *machine) does(act func(context.Context) error, operations ...string) {
	if operations == nil {
		operations = []string{"Append", "MarkLost", "Since", "Save", "AddReplies", "Take", "Drop", "Expire"}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range operations {
		m.acts[o] = act
	}
}

var errDisk = errors.New("the disk is broken")

func breaks(context.Context) error { return errDisk }

func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// otherRooms returns the rooms of a socket without that of its id.
func otherRooms(s *socketio.Socket) []string {
	return slices.DeleteFunc(s.Rooms(), func(room string) bool { return room == s.ID() })
}

// comesTo is comes, to another server.
func (r *returner) comesTo(w *world) *returner {
	r.w = w
	return r.comes()
}

// npm socket.io issue 5413, streams adapter issue 27: sessions and events outlive the
// server, whether it is shut down, closed or killed.
func TestAServerRestarts(t *testing.T) {
	name := socketio.NewDataKey[string]("name")
	for _, how := range []string{"shut down", "closed", "killed"} {
		t.Run(how, func(t *testing.T) {
			var seen []string
			setup := func(w *world) {
				w.io.OnConnection(func(s *socketio.Socket) {
					who, _ := name.Get(s)
					seen = append(seen, fmt.Sprint(s.Recovered(), otherRooms(s), who))
					if !s.Recovered() {
						_ = s.Join("room", "~left")
						s.Leave("~left")
						name.Set(s, "anna")
					}
				})
			}
			onAMachine(t, setup, func(m *machine, w *world) {
				r := w.returner().comes()
				id, pid := r.sid, r.pid
				mustEmit(t, w.io.To("room"), "e", 1)
				r.hears("e 1")
				for i := 2; i < 10; i += 3 {
					mustEmit(t, w.io.To("room"), "e", i) // not read
					mustEmit(t, w.io.To("~left"), "e", 0)
					w = m.restarts(w, how)
					mustEmit(t, w.io.To("room"), "e", i+1)
					mustEmit(t, w.io.To(id), "e", i+2)
					r.comesTo(w)
					r.is("recovered")
					want(t, "id and secret", r.sid+r.pid, id+pid)
					r.hears(fmt.Sprint("e ", i), fmt.Sprint("e ", i+1), fmt.Sprint("e ", i+2))
					r.hearsNothing()
				}
				again := "; true [room]anna"
				want(t, "seen", strings.Join(seen, "; "), "false []"+again+again+again)
			})
		})
	}
}

// A session that was over before the server ended is over afterwards.
func TestARestartBringsNothingBack(t *testing.T) {
	expired := newList()
	onAMachine(t, nil, func(m *machine, w *world) {
		m.options = func() *socketio.Options {
			return &socketio.Options{Recovery: &socketio.Recovery{
				Window: time.Minute, OnSessionExpired: func(i socketio.SessionInfo) { expired.add(i.ID) },
			}}
		}
		w = m.restarts(w, "closed")
		over, late := w.returner().comes(), w.returner().comes()
		id := late.sid
		over.peer.says("1")
		w.settle()
		w = m.restarts(w, "killed")
		over.comesTo(w).is("unknown_session")
		w.after(2 * time.Minute)
		late.comesTo(w).is("unknown_session")
		want(t, "expired", strings.Join(expired.all(), " "), id)
	})
}

// A client learns of its session when the session is stored, and not before. What is sent
// to it in the meantime follows.
func TestASessionIsStoredBeforeItsClientKnows(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		gate := make(chan struct{})
		m.does(func(context.Context) error { <-gate; return nil }, "Save")
		r := w.returner()
		r.begins()
		w.settle()
		_ = w.io.Emit("e", 1)
		_ = w.io.Emit("e", 2)
		r.peer.hearsNothing()
		close(gate)
		r.hears("e 1", "e 2")
		want(t, "events before the CONNECT", r.connected, 0)
		m.does(nil, "Save")
		r.comesTo(m.restarts(w, "killed")).is("recovered")
		r.hearsNothing()
	})
}

// A server that is killed while a client comes back, after it has taken the session and
// before it has stored it again, loses nothing: the next server has it as it was.
func TestAServerIsKilledWhileAClientComesBack(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		id := r.sid
		for i := range 3 {
			r.drops()
			_ = w.io.To(id).Emit("e", i)
			reached := make(chan struct{})
			m.does(func(ctx context.Context) error { close(reached); return hangs(ctx) }, "Save")
			r.begins()
			<-reached
			m.does(nil, "Save")
			w = m.restarts(w, "killed")
			r.comesTo(w).is("recovered")
			want(t, "id", r.sid, id)
			r.hears(fmt.Sprint("e ", i))
			r.hearsNothing()
		}
	})
}

// Nor if the client was sent all it has missed, and has not read it.
func TestAServerIsKilledBeforeAClientHasReadWhatItMissed(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		id := r.sid
		for i := range 3 {
			r.drops()
			_ = w.io.To(id).Emit("e", i)
			_ = w.io.Emit("e", "all")
			r.begins()
			w.settle()
			w = m.restarts(w, "killed")
			r.comesTo(w).is("recovered")
			want(t, "id", r.sid, id)
			r.hears(fmt.Sprint("e ", i), "e all")
			r.hearsNothing()
		}
	})
}

// Rooms and values are stored when the call that changes them returns.
func TestChangesOfASessionAreStored(t *testing.T) {
	name := socketio.NewDataKey[string]("name")
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		for i, change := range []func(s *socketio.Socket) error{
			func(s *socketio.Socket) error { return s.Join("a", "b") },
			func(s *socketio.Socket) error { s.Leave("a"); return nil },
			func(s *socketio.Socket) error { name.Set(s, "anna"); return nil },
		} {
			s, _ := w.io.Socket(r.sid)
			if err := change(s); err != nil {
				t.Errorf("change %d: %v", i, err)
			}
			w = m.restarts(w, "killed")
			r.comesTo(w).is("recovered")
			s, _ = w.io.Socket(r.sid)
			who, _ := name.Get(s)
			want(t, "rooms and name", fmt.Sprint(otherRooms(s), who), []string{"[a b]", "[b]", "[b]anna"}[i])
		}
	})
}

// So are replies: a client that sends an event again to the next server gets the reply of
// the first.
func TestRepliesAreStored(t *testing.T) {
	handled := newList()
	setup := func(w *world) {
		w.io.On("e", func(text string) string { handled.add(text); return text + "!" })
	}
	onAMachine(t, setup, func(m *machine, w *world) {
		const nonce = `"retryNonce":"n"`
		r := w.returner().comes(nonce)
		r.peer.says(`21["e","a"]`)
		r.peer.hears(`31["a!"]`)
		r.w = m.restarts(w, "killed")
		r.comes(nonce)
		r.is("recovered")
		r.peer.says(`21["e","a"]`)
		r.peer.hears(`31["a!"]`)
		want(t, "handled", strings.Join(handled.all(), " "), "a")
	})
}

// A change that the store could not keep is stored when it works again.
func TestAChangeThatWasNotStored(t *testing.T) {
	name := socketio.NewDataKey[string]("name")
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		for i, change := range []func(s *socketio.Socket) error{
			func(s *socketio.Socket) error { return s.Join("room", "other") },
			func(s *socketio.Socket) error { s.Leave("other"); return nil },
			func(s *socketio.Socket) error { name.Set(s, "anna"); return nil },
		} {
			s, _ := w.io.Socket(r.sid)
			m.does(breaks, "Save")
			if err := change(s); err != nil {
				t.Errorf("change %d: %v", i, err)
			}
			w.after(20 * time.Second)
			m.does(nil, "Save")
			w.after(20 * time.Second)
			w = m.restarts(w, "killed")
			_ = w.io.To("room").Emit("e")
			r.comesTo(w).is("recovered")
			r.hears("e")
			s, _ = w.io.Socket(r.sid)
			who, _ := name.Get(s)
			want(t, "rooms and name", fmt.Sprint(len(otherRooms(s)), " ", who), []string{"2 ", "1 ", "1 anna"}[i])
		}
	})
}

// A client that is sent nothing for longer than the window, on a busy server that is then
// killed, needs no events that the log has dropped.
func TestAQuietClientOfAServerThatIsKilled(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		s, _ := w.io.Socket(r.sid)
		_ = s.Join("quiet")
		for range 30 {
			_ = w.io.Except("quiet").Emit("for others")
			w.after(10 * time.Second)
		}
		w = m.restarts(w, "killed")
		w.after(40 * time.Second)
		_ = w.io.To("quiet").Emit("e")
		r.comesTo(w).is("recovered")
		r.hears("e")
		r.hearsNothing()
	})
}

// That an event was not stored is known after a restart: who may have missed it is not
// recovered; who came after the next event is.
func TestALostEventIsRememberedOverARestart(t *testing.T) {
	for name, broken := range map[string][]string{"only the event": {"Append"}, "all for a time": nil} {
		t.Run(name, func(t *testing.T) {
			onAMachine(t, nil, func(m *machine, w *world) {
				away, there, unread := w.returner().comes(), w.returner().comes(), w.returner().comes()
				away.drops()
				m.does(breaks, broken...)
				err := w.io.Emit("lost")
				if !errors.Is(err, socketio.ErrNotStored) || !errors.Is(err, errDisk) {
					t.Errorf("Emit: %v", err)
				}
				there.hears("lost")
				m.does(nil)
				w.after(10 * time.Second)
				_ = w.io.Emit("stored")
				there.hears("stored")
				later := w.returner().comes()
				w = m.restarts(w, "killed")
				_ = w.io.Emit("e")
				away.comesTo(w).is("store_failed")
				unread.comesTo(w).is("store_failed")
				there.comesTo(w).is("recovered")
				later.comesTo(w).is("recovered")
				later.hears("e")
				away.hearsNothing()
			})
		})
	}
}

// While its store fails, a server goes on: clients connect, join rooms and get all
// events; only recovery fails, and both sides are told.
func TestAStoreThatFails(t *testing.T) {
	for _, operation := range []string{"Append", "Since", "Save", "Take", "Expire", "Log"} {
		t.Run(operation, func(t *testing.T) {
			onAMachine(t, nil, func(m *machine, w *world) {
				r := w.returner().comes()
				m.does(breaks, operation)
				namespace := "/"
				if operation == "Log" {
					namespace = "/new"
				}
				ns := w.io.Of(namespace)
				other := w.returner()
				other.namespace = namespace
				other.comes()
				s, ok := ns.Socket(other.sid)
				if !ok || s.Join("room") != nil {
					t.Fatal("a client connects and joins a room")
				}
				err := ns.To("room").Emit("e", 1)
				if (err != nil) != (operation == "Append") || err != nil && !errors.Is(err, socketio.ErrNotStored) {
					t.Errorf("Emit: %v", err)
				}
				other.hears("e 1")
				_ = w.io.Except("room").Emit("e", 2)
				r.drops()
				_ = w.io.Except("room").Emit("e", 3) // not read
				w.after(20 * time.Second)
				r.comes()
				r.is(map[string]string{"Append": "store_failed", "Since": "store_failed", "Take": "store_failed", "Save": "store_failed"}[operation] +
					map[string]string{"Expire": "recovered", "Log": "recovered"}[operation])
				if log := w.log.String(); !strings.Contains(log, errDisk.Error()) {
					t.Errorf("the log has the error: %s", log)
				}
			})
		})
	}
}

// No operation of the store holds up more than its caller, and that for 10 s.
func TestAStoreThatHangs(t *testing.T) {
	for _, operation := range []string{"Since", "Save", "Take", "Expire"} {
		t.Run(operation, func(t *testing.T) {
			onAMachine(t, nil, func(m *machine, w *world) {
				r, other := w.returner().comes(), w.returner().comes()
				w.io.On("join", func(s *socketio.Socket) { _ = s.Join("room") })
				r.drops()
				_ = w.io.Emit("e", 1)
				other.hears("e 1")
				m.does(hangs, operation)
				again := *r
				again.begins()
				other.peer.says(`2["join"]`)
				w.settle()
				_ = w.io.Emit("e", 2)
				other.hears("e 2") // at once
				w.after(25 * time.Second)
				for again.sid == "" {
					again.takes()
				}
				again.is(map[string]string{"Since": "store_failed", "Take": "store_failed", "Save": "recovered", "Expire": "recovered"}[operation])
				_ = w.io.To("room").Emit("e", 3)
				other.hears("e 3")
				began := time.Now()
				_ = w.io.Close()
				if took := time.Since(began); took > 0 {
					t.Errorf("Close takes %v", took)
				}
			})
		})
	}
}

// An event that waits for the store holds up who emits it, and events of the same
// namespace; nobody else. Close ends the wait.
func TestAnEventThatIsNotStoredInTime(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		w.io.Of("/other")
		gate := make(chan struct{})
		first := true
		m.does(func(ctx context.Context) error {
			if first {
				first = false
				select {
				case <-gate:
				case <-ctx.Done():
				}
				return ctx.Err()
			}
			return nil
		}, "Append")
		ended := make(chan error, 1)
		go func() { ended <- w.io.Emit("slow") }() // ends with the store
		w.settle()
		other := w.returner()
		other.namespace = "/other"
		other.comes()
		if err := w.io.Of("/other").Emit("e"); err != nil {
			t.Errorf("Emit in another namespace: %v", err)
		}
		other.hears("e")
		w.returner().comes()
		r.hearsNothing()
		_ = w.io.Close()
		if err := <-ended; !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("Emit: %v", err)
		}
	})
}

// A store in which everything takes its time gives what a fast one gives.
func TestASlowStore(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		m.does(func(ctx context.Context) error {
			select {
			case <-time.After(300 * time.Millisecond): // of virtual time
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		n := 0
		for range 5 {
			for range 3 {
				n++
				_ = w.io.Emit("e", n)
			}
			r.drops()
			n++
			_ = w.io.Emit("e", n)
			ended := make(chan error, 1)
			go func() { ended <- w.io.Emit("e", n+1) }() // ends with the store
			r.comes()
			if err := <-ended; err != nil {
				t.Errorf("Emit: %v", err)
			}
			n++
			r.is("recovered")
		}
		var all []string
		for i := range n {
			all = append(all, fmt.Sprint("e ", i+1))
		}
		r.hears(all...)
		r.hearsNothing()
	})
}

// An application that stores the effect of events with their positions loads what was there
// when a socket joined. With the feed that follows nothing is missing, and nothing is there
// twice.
func TestStateAndFeedWithPositions(t *testing.T) {
	onAMachine(t, nil, func(_ *machine, w *world) {
		type row struct {
			number uint64
			value  int
		}
		var mu sync.Mutex // of a database: one transaction at a time
		var table []row
		number := func(position string, err error) uint64 {
			_, n, ok := adapter.ParsePosition(position)
			if err != nil || !ok {
				t.Errorf("the position is %q: %v", position, err)
			}
			return n
		}
		const writers, each = 4, 50
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				for k := range each {
					mu.Lock()
					table = append(table, row{number(w.io.To("room").EmitAt("e", i*each+k)), i*each + k})
					mu.Unlock()
					_, _ = w.io.EmitAt("other")
				}
			})
		}
		for range 10 {
			r := w.returner().comes()
			s, _ := w.io.Socket(r.sid)
			joined := number(s.JoinAt("room"))
			mu.Lock()
			var state []int
			for _, row := range table {
				if row.number <= joined {
					state = append(state, row.value)
				}
			}
			mu.Unlock()
			all.Go(func() {
				for len(state) < writers*each {
					r.takes()
					var value int
					if n, _ := fmt.Sscanf(r.events[len(r.events)-1], "e %d", &value); n == 1 {
						state = append(state, value)
					}
				}
				slices.Sort(state)
				for i, value := range state {
					if i != value {
						t.Errorf("the client has %v", state)
						break
					}
				}
			})
		}
		all.Wait()
	})
}

// Positions are those that clients see. There is none where nothing is stored.
func TestPositionsOfJoinsAndEvents(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r := w.returner().comes()
		s, _ := w.io.Socket(r.sid)
		first, err := s.JoinAt("room")
		if err != nil {
			t.Error(err)
		}
		sent, err := w.io.To("room").EmitAt("e")
		if err != nil {
			t.Error(err)
		}
		r.hears("e")
		want(t, "the position of the client", r.offset, any(sent))
		second, _ := s.JoinAt("room")
		want(t, "the position of a later join", second, sent)
		epoch, n, _ := adapter.ParsePosition(sent)
		want(t, "the position of the first join", first, adapter.Position(epoch, n-1))
		for _, none := range []func() (string, error){
			func() (string, error) { return w.io.Volatile().EmitAt("v") },
			func() (string, error) { return w.io.OfPattern(teams).EmitAt("e") },
			func() (string, error) { return w.io.EmitAt("connect") },
			func() (string, error) { return w.io.EmitAt("e", func() {}) },
			func() (string, error) { s.Disconnect(); return s.JoinAt("late") },
			func() (string, error) { _ = w.io.Close(); return w.io.EmitAt("late") },
		} {
			if position, _ := none(); position != "" {
				t.Errorf("a position where there is none: %s", position)
			}
		}
	})
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		joined, err := s.JoinAt("room")
		sent, err2 := w.io.To("room").EmitAt("e")
		want(t, "without recovery", fmt.Sprint(joined, err, sent, err2), "<nil><nil>")
		p.hears(`2["e"]`)
	})
}
