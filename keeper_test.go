// SPDX-License-Identifier: MIT

// What recovery attaches to: sessions that are kept, and sockets that continue them.

package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"socketio"
	"socketio/siotest"
)

// A memoryKeeper keeps sessions by the "pid" of their client's auth.
type memoryKeeper struct {
	mu     sync.Mutex
	saved  map[string]socketio.Session // by namespace and id
	log    []string
	ended  map[string]string // by namespace and id: why
	offers map[string]socketio.Session
}

func newMemoryKeeper() *memoryKeeper {
	return &memoryKeeper{saved: make(map[string]socketio.Session), ended: make(map[string]string), offers: make(map[string]socketio.Session)}
}

func (k *memoryKeeper) Restore(ctx context.Context, namespace string, auth []byte) (socketio.Session, bool) {
	var a struct{ PID string }
	if ctx == nil || json.Unmarshal(auth, &a) != nil {
		return socketio.Session{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.offers[namespace+" "+a.PID]
	delete(k.offers, namespace+" "+a.PID)
	return s, ok
}

func (k *memoryKeeper) Changed(namespace, id string, now func() socketio.Session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := now()
	k.saved[namespace+" "+id] = s
	k.log = append(k.log, fmt.Sprint(s.Rooms, string(s.Data)))
}

func (k *memoryKeeper) Ended(namespace, id string, reason socketio.DisconnectReason, last socketio.Session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saved[namespace+" "+id] = last
	k.ended[namespace+" "+id] = string(reason)
}

// offer lets the client with a pid continue the session of a socket.
func (k *memoryKeeper) offer(pid, namespace, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.offers[namespace+" "+pid] = k.saved[namespace+" "+id]
}

func (k *memoryKeeper) session(namespace, id string) (s socketio.Session, ended string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.saved[namespace+" "+id], k.ended[namespace+" "+id]
}

// keeping runs a test with a server that keeps sessions.
func keeping(t *testing.T, opts *socketio.Options, test func(w *world, k *memoryKeeper)) {
	memory(t, opts, func(w *world) {
		k := newMemoryKeeper()
		socketio.Keep(w.io, k)
		test(w, k)
	})
}

var keptName = socketio.NewDataKey[string]("name")

func TestSessionsAreSavedAtEachChange(t *testing.T) {
	keeping(t, nil, func(w *world, k *memoryKeeper) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			keptName.Set(s, "new")
			return s.Join("before") // saved with the CONNECT
		})
		var s *socketio.Socket
		w.io.OnConnection(func(joined *socketio.Socket) { s = joined })
		alice := w.kit.Connect()
		w.settle()
		for _, change := range []func(){
			func() { _ = s.Join("a", "b") },
			func() { s.Leave("before") },
			func() { keptName.Set(s, "alice") },
			func() { _ = w.io.To("a").SocketsJoin("c") },
			func() { _ = w.io.SocketsLeave("b") },
			func() { keptName.Delete(s) },
		} {
			change()
		}
		if err := s.Join(strings.Repeat("x", 513)); err == nil {
			t.Error("a room with a long name is no change")
		}
		want(t, "saved", strings.Join(k.log, "\n"), `[before]{"name":"new"}
[a b before]{"name":"new"}
[a b]{"name":"new"}
[a b]{"name":"alice"}
[a b c]{"name":"alice"}
[a c]{"name":"alice"}
[a c]{}`)
		alice.Conn().Kill()
		w.settle()
		last, ended := k.session("/", s.ID())
		want(t, "last", fmt.Sprint(last.Rooms, " ", ended), "[a c] transport close")
		n := len(k.log)
		_ = s.Join("late")
		keptName.Set(s, "late")
		if len(k.log) != n {
			t.Error("a socket that has ended is not saved again")
		}
	})
}

// The keeper gets the states of a socket in order, whichever goroutine changes it.
func TestTheLatestStateIsSaved(t *testing.T) {
	keeping(t, nil, func(w *world, k *memoryKeeper) {
		var s *socketio.Socket
		w.io.OnConnection(func(joined *socketio.Socket) { s = joined })
		w.kit.Connect()
		w.settle()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for n := range 50 {
					room := fmt.Sprint(i, n)
					_ = s.Join(room)
					if n%2 == 0 {
						s.Leave(room)
					}
				}
			})
		}
		all.Wait()
		last, _ := k.session("/", s.ID())
		rooms := slices.DeleteFunc(s.Rooms(), func(room string) bool { return room == s.ID() })
		if len(rooms) != 200 || !slices.Equal(last.Rooms, rooms) {
			t.Errorf("%d rooms, saved %d", len(rooms), len(last.Rooms))
		}
	})
}

func TestASessionIsContinued(t *testing.T) {
	watch := newRoomWatch()
	opts := &socketio.Options{Observers: []any{watch}, Limits: socketio.SocketLimits{ReserveSocketIDs: true}}
	keeping(t, opts, func(w *world, k *memoryKeeper) {
		var seen, sockets []string
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			name, _ := keptName.Get(s)
			seen = append(seen, fmt.Sprintf("%t %v %s", s.ID() != "", s.Rooms(), name))
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			sockets = append(sockets, s.ID())
			name, ok := keptName.Get(s)
			if !ok {
				_ = s.Join("chat", "news")
				keptName.Set(s, "alice")
				return
			}
			seen = append(seen, fmt.Sprintf("%s %d", name, len(s.Rooms())))
		})
		alice := w.kit.Connect()
		w.settle()
		alice.Conn().Kill()
		w.settle()
		k.offer("secret", "/", sockets[0])

		again := w.kit.ConnectWith(withAuth(map[string]string{"pid": "secret"}))
		w.settle()
		want(t, "seen", strings.Join(seen, ", "), "true [] , true [chat news] alice, alice 3")
		if len(sockets) != 2 || again.ID() != sockets[0] || sockets[1] != sockets[0] {
			t.Fatalf("the ids are %v, that of the client is %s", sockets, again.ID())
		}
		if s, ok := w.io.Socket(sockets[0]); !ok || s.ID() != again.ID() {
			t.Error("the socket is found by the id")
		}
		_ = w.io.To("chat").Emit("to the room")
		again.WantEvent("to the room")
		_ = w.io.To(again.ID()).Emit("to the id")
		again.WantEvent("to the id")
		want(t, "rooms", strings.Join(watch.all(), " "), "+chat +news -chat -news +chat +news")

		other := w.kit.Connect()
		w.settle()
		s, _ := w.io.Socket(other.ID())
		if err := s.Join(again.ID()); err == nil {
			t.Error("the id is reserved for the socket that continues the session")
		}
	})
}

// What can't be continued is a new socket: a session of a live socket, a pid that was used
// before, or that of another namespace.
func TestASessionIsNotContinued(t *testing.T) {
	keeping(t, nil, func(w *world, k *memoryKeeper) {
		w.io.Of("/other")
		alice := w.kit.Connect()
		w.settle()
		k.offer("secret", "/", alice.ID())
		auth := withAuth(map[string]string{"pid": "secret"})
		live := w.kit.ConnectWith(auth)
		w.settle()
		if live.ID() == alice.ID() {
			t.Error("two live sockets have one id")
		}
		_ = w.io.To(alice.ID()).Emit("alone")
		alice.WantEvent("alone")
		alice.Disconnect()
		w.settle()
		k.offer("secret", "/", alice.ID())
		other := withAuth(map[string]string{"pid": "secret"})
		other.Namespace = "/other"
		if c := w.kit.ConnectWith(other); c.ID() == alice.ID() {
			t.Error("the session is one of another namespace")
		}
		first, second := w.kit.ConnectWith(auth), w.kit.ConnectWith(auth)
		if first.ID() != alice.ID() || second.ID() == alice.ID() {
			t.Error("the session is continued once")
		}
	})
}

// Restored rooms count towards MaxRooms.
func TestRoomsOfASessionCount(t *testing.T) {
	opts := &socketio.Options{Limits: socketio.SocketLimits{MaxRooms: 3}}
	keeping(t, opts, func(w *world, k *memoryKeeper) {
		k.offers["/ secret"] = socketio.Session{ID: "stored", Rooms: []string{"a", "b"}}
		w.kit.ConnectWith(withAuth(map[string]string{"pid": "secret"}))
		w.settle()
		s, ok := w.io.Socket("stored")
		if !ok {
			t.Fatal("the socket has the id of its session")
		}
		want(t, "room", fmt.Sprint(s.Join("a"), s.Join("c"), s.Join("d") != nil), "<nil> <nil> true")
	})
}

func withAuth(auth any) *siotest.ClientOptions { return &siotest.ClientOptions{Auth: auth} }

// A roomWatch notes the rooms that sockets join and leave, those of one call by name.
type roomWatch struct{ *list }

func newRoomWatch() roomWatch { return roomWatch{newList()} }

func (w roomWatch) RoomJoined(_ socketio.SocketInfo, room string) { w.add("+" + room) }
func (w roomWatch) RoomLeft(_ socketio.SocketInfo, room string)   { w.add("-" + room) }
