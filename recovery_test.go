// SPDX-License-Identifier: MIT

// This file tests recovery: clients that come back continue their sessions.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// npm socket.io issue 5538: a client that never got an event is recovered too.
func TestAClientWithoutAnyEventIsRecovered(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r := w.returner().comes()
		id := r.sid
		r.drops()
		mustEmit(t, w.io, "missed", 1)
		r.comes()
		r.is("recovered")
		want(t, "the id", r.sid, id)
		r.hears("missed 1")
		mustEmit(t, w.io, "live", 2)
		r.hears("live 2")
		r.hearsNothing()
	})
}

// npm socket.io issue 5282, streams adapter issue 48: a quiet connection may be older than
// the window, and the log may have dropped all that came before.
func TestAQuietConnectionMayBeOlderThanTheWindow(t *testing.T) {
	recovering(t, &socketio.Recovery{Window: time.Minute}, func(w *world) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error { return s.Join("quiet") })
		r := w.returner().comes()
		mustEmit(t, w.io, "first")
		r.hears("first")
		for range 60 {
			mustEmit(t, w.io.Except("quiet"), "for others")
			w.after(10 * time.Second)
		}
		r.drops()
		w.after(50 * time.Second)
		mustEmit(t, w.io.To("quiet"), "missed")
		r.comes()
		r.is("recovered")
		r.hears("missed")
		r.hearsNothing()
	})
}

// npm socket.io issue 4880; socket.io issue 5419 and streams adapter issue 39: recovery
// works again and again, and nothing comes twice.
func TestTenRecoveriesInARow(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r := w.returner().comes()
		id, pid := r.sid, r.pid
		for i := range 10 {
			mustEmit(t, w.io, "live", i)
			r.hears(fmt.Sprint("live ", i))
			r.drops()
			if i%3 > 0 {
				mustEmit(t, w.io, "missed", i)
			}
			r.comes()
			r.is("recovered")
			want(t, "the id", r.sid, id)
			want(t, "the secret", r.pid, pid)
			if i%3 > 0 {
				r.hears(fmt.Sprint("missed ", i))
			}
			if i%3 == 2 { // dropped before anything was read, so it comes again
				r.drops()
				mustEmit(t, w.io, "more", i)
				r.comes()
				r.is("recovered")
				r.hears(fmt.Sprint("more ", i))
			}
			r.hearsNothing()
		}
	})
}

// What was sent again, but not read by the client, is sent again the next time.
func TestMissedEventsMayBeMissedAgain(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r := w.returner().comes()
		r.drops()
		mustEmit(t, w.io, "a", 1)
		mustEmit(t, w.io, "a", 2)
		for range 3 {
			old := *r
			r.comes()
			r.is("recovered")
			r.drops()
			r.offset, r.events = old.offset, nil // it died with the bytes unread
		}
		r.comes()
		r.is("recovered")
		r.hears("a 1", "a 2")
		r.hearsNothing()
	})
}

// Broadcasts, and events to the socket alone, while a slow middleware decides about the
// client leave no hole.
func TestNoHoleDuringASlowMiddleware(t *testing.T) {
	recovering(t, nil, func(w *world) {
		slow := make(chan struct{})
		first := true
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if !first {
				<-slow
			}
			first = false
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) { _ = s.Join("room") })
		r := w.returner().comes()
		id := r.sid
		mustEmit(t, w.io, "e", 1)
		r.hears("e 1")
		r.drops()
		mustEmit(t, w.io, "e", 2)
		r.begins()
		w.settle()
		mustEmit(t, w.io, "e", 3)
		mustEmit(t, w.io.To("room"), "e", 4)
		mustEmit(t, w.io.To(id), "e", 5)
		r.peer.hearsNothing() // nothing leaks before the middleware has passed
		close(slow)
		r.hears("e 2", "e 3", "e 4", "e 5")
		r.is("recovered")
		mustEmit(t, w.io, "e", 6)
		r.hears("e 6")
		r.hearsNothing()
	})
}

// A client that is refused by a middleware gets nothing of its session, which stays as it
// is; so for a user whose rights were revoked.
func TestARevokedUserGetsNothing(t *testing.T) {
	recovering(t, nil, func(w *world) {
		revoked := false
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if len(s.Rooms()) > 0 || s.Recovered() {
				t.Error("the middleware sees the old session")
			}
			if revoked {
				return &socketio.ConnectError{Message: "revoked"}
			}
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) { _ = s.Join("secrets") })
		r := w.returner().comes()
		id := r.sid
		r.drops()
		_ = w.io.To("secrets").Emit("secret")
		revoked = true
		r.begins()
		r.peer.hears(`4{"message":"revoked"}`)
		r.peer.hearsNothing()
		r.drops()
		revoked = false
		r.comes()
		r.is("recovered")
		want(t, "the id", r.sid, id)
		r.hears("secret")
	})
}

// Rooms, values and Recovered are there when OnConnection runs. Values that a middleware
// has set win.
func TestRoomsAndDataAreRestored(t *testing.T) {
	t.Run("trap 49", func(t *testing.T) {
		role := socketio.NewDataKey[string]("role")
		name := socketio.NewDataKey[string]("name")
		watch := newRoomWatch()
		opts := &socketio.Options{Recovery: &socketio.Recovery{}, Observers: []any{watch}, Limits: socketio.SocketLimits{ReserveSocketIDs: true, MaxRooms: 5}}
		memory(t, opts, func(w *world) {
			var seen []string
			n := 0
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				n++
				role.Set(s, fmt.Sprint("role ", n))
				return s.Join("entrance")
			})
			w.io.OnConnection(func(s *socketio.Socket) {
				rooms := slices.DeleteFunc(s.Rooms(), func(room string) bool { return room == s.ID() })
				r, _ := role.Get(s)
				who, _ := name.Get(s)
				seen = append(seen, fmt.Sprint(s.Recovered(), rooms, r, " ", who))
				if n == 1 {
					name.Set(s, "anna")
					_ = s.Join("chat", "left")
					s.Leave("left")
				}
				s.OnDisconnecting(func(socketio.DisconnectReason) { _ = s.Join("too late") })
			})
			r := w.returner().comes()
			r.drops().comes()
			r.is("recovered")
			want(t, "seen", strings.Join(seen, "; "), "false [entrance]role 1 ; true [chat entrance]role 2 anna")
			s, ok := w.io.Socket(r.sid)
			if !ok || s.ID() != r.sid {
				t.Fatal("the socket is found by the id")
			}
			_ = w.io.To(r.sid).Emit("to the id")
			r.hears("to the id")
			if err := s.Join("c", "d", "e"); err != nil {
				t.Error(err)
			}
			if s.Join("f") == nil {
				t.Error("restored rooms count towards MaxRooms")
			}
			other := w.returner().comes()
			o, _ := w.io.Socket(other.sid)
			if o.Join(r.sid) == nil {
				t.Error("the id is reserved for the socket that continues the session")
			}
			want(t, "rooms", strings.Join(watch.all()[:7], " "), "+entrance +chat +left -left -chat -entrance +entrance")
		})
	})
}

// A roomWatch notes the rooms that sockets join and leave.
type roomWatch struct{ *list }

func newRoomWatch() roomWatch { return roomWatch{newList()} }

func (w roomWatch) RoomJoined(_ socketio.SocketInfo, room string) { w.add("+" + room) }
func (w roomWatch) RoomLeft(_ socketio.SocketInfo, room string)   { w.add("-" + room) }

// A client gets the events of a room from the time when it was in the room: not those from
// before it joined or after it left, and those from before it left.
func TestMissedEventsAreThoseOfTheRoomsAtTheirTime(t *testing.T) {
	recovering(t, nil, func(w *world) {
		var s *socketio.Socket
		handlers := make(chan struct{})
		w.io.OnConnection(func(joined *socketio.Socket) { s = joined })
		w.io.On("wait", func() { <-handlers })
		r := w.returner().comes()
		room := func(i int) {
			mustEmit(t, w.io.To("room"), "room", i)
			mustEmit(t, w.io.Except("room"), "others", i)
		}
		offset := r.offset
		room(1)
		_ = s.Join("room")
		room(2)
		s.Leave("room")
		room(3)
		_ = s.Join("room")
		s.Leave(s.ID())
		mustEmit(t, w.io.To(s.ID()), "to its id", 3)
		mustEmit(t, s, "to it", 3)
		s.OnDisconnecting(func(socketio.DisconnectReason) {
			room(4)
			s.Leave("room")
			room(5)
			mustEmit(t, s.Broadcast(), "from it")
		})
		r.drops()
		room(6)
		r.offset, r.events = offset, nil // the client got nothing of all this
		r.comes()
		r.is("recovered")
		r.hears("others 1", "room 2", "others 3", "to it 3", "room 4", "others 5", "others 6")
		r.hearsNothing()
	})
}

// The kinds of events: those that a client has missed and gets again, and what a client
// takes for its position.
func TestKindsOfEvents(t *testing.T) {
	t.Run("quirk 18", func(t *testing.T) {
		recovering(t, nil, func(w *world) {
			var s *socketio.Socket
			w.io.OnConnection(func(joined *socketio.Socket) { s = joined })
			r := w.returner().comes()
			send := func(i int) {
				for _, emit := range []func() error{
					func() error { return s.Emit("direct", i) },
					func() error { return s.Emit("direct string", "text") },
					func() error { return s.Emit("none") },
					func() error { return w.io.Emit("all", i, "text") },
					func() error { return s.Volatile().Emit("volatile", i) },
					func() error { return s.Volatile().Emit("volatile string", "text") },
					func() error { return s.Volatile().Emit("volatile none") },
					func() error { return w.io.Volatile().Emit("volatile all", "text") },
					func() error { return w.io.Emit("object", map[string]any{}) },
				} {
					if err := emit(); err != nil {
						t.Error(err)
					}
					w.settle() // or what is volatile would be dropped
				}
			}
			send(1)
			r.hears("direct 1", "direct string text", "none", "all 1 text", "volatile 1", "volatile string text", "volatile none", "volatile all text", "object map[]")
			if position, _ := r.offset.(string); !strings.HasPrefix(position, socketio.LogOf(w.io.Of("/")).Epoch()) {
				t.Errorf("the position is %v", r.offset)
			}
			for range 2 {
				r.drops().comes()
				r.is("recovered")
				r.hearsNothing()
			}
			asked := make(chan error, 1)
			go func() { // ends with the socket
				_, err := s.EmitWithAck(w.Context(), "acknowledged", "text")
				asked <- err
			}()
			w.settle()
			r.peer.hears(`20["acknowledged","text"]`) // without a position: for the client its last argument is a function
			mustEmit(t, s, "direct", 2)
			mustEmit(t, s, "direct string", "text")
			mustEmit(t, w.io.Volatile(), "volatile", "text")
			mustEmit(t, w.io, "all", 2)
			r.drops() // with these events unread
			if err := within(w, "the end of the wait", asked); !isErr(err, socketio.ErrClosed) {
				t.Errorf("EmitWithAck: %v", err)
			}
			mustEmit(t, w.io, "all", 3)
			if err := s.Emit("late"); !isErr(err, socketio.ErrClosed) {
				t.Errorf("the socket has gone: %v", err)
			}
			r.comes()
			r.is("recovered")
			r.hears("direct 2", "direct string text", "all 2", "all 3")
			r.hearsNothing()
		})
	})
}

// A position of another namespace, or text of the application, is no guess: the client is
// not recovered, and told why.
func TestAForeignOffset(t *testing.T) {
	for _, offset := range []any{"some text", "aaaaaaaaaaaa.5", 5, map[string]any{}, strings.Repeat("x", 500), "of another namespace", "of the future"} {
		t.Run(fmt.Sprintf("%.20v", offset), func(t *testing.T) {
			recovering(t, nil, func(w *world) {
				w.io.Of("/other")
				_ = w.io.Of("/other").Emit("e")
				r := w.returner().comes()
				id := r.sid
				_ = w.io.Emit("e")
				r.hears("e")
				proper := r.offset
				r.drops()
				r.offset = offset
				switch offset {
				case "of another namespace":
					r.offset = socketio.LogOf(w.io.Of("/other")).Epoch() + ".1"
				case "of the future":
					r.offset = socketio.LogOf(w.io.Of("/")).Epoch() + ".zz"
				}
				pid := r.pid
				r.comes()
				r.is("bad_offset")
				if r.sid == id {
					t.Error("the id is a new one")
				}
				r.drops()
				r.pid, r.offset = pid, proper // the session is still there
				r.comes()
				r.is("recovered")
				want(t, "the id", r.sid, id)
			})
		})
	}
}

// After a failure the client keeps the old position until an event comes. The session that
// began with it can be continued with it.
func TestTheOldPositionOfANewSession(t *testing.T) {
	recovering(t, &socketio.Recovery{Window: time.Minute}, func(w *world) {
		r := w.returner()
		r.pid, r.offset = "of an earlier server", "otherepoch12.9"
		r.comes()
		r.is("unknown_session")
		r.drops()
		_ = w.io.Emit("missed")
		r.comes()
		r.is("recovered")
		r.hears("missed")
		r.drops()
		w.after(3 * time.Minute)
		r.comes()
		r.is("unknown_session")
	})
}

// The order of npm socket.io: missed events before the CONNECT.
func TestMissedFirst(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			recovering(t, &socketio.Recovery{MissedFirst: first}, func(w *world) {
				r := w.returner().comes()
				r.drops()
				_ = w.io.Emit("missed", 1)
				_ = w.io.Emit("missed", 2)
				r.comes()
				want(t, "events before the CONNECT", r.connected, map[bool]int{true: 2}[first])
				r.hears("missed 1", "missed 2")
			})
		})
	}
}

// With SkipMiddleware a client that is recovered does not pass the middlewares; one that is
// not recovered does.
func TestSkipMiddleware(t *testing.T) {
	recovering(t, &socketio.Recovery{SkipMiddleware: true}, func(w *world) {
		calls := 0
		w.io.Use(func(context.Context, *socketio.Socket) error { calls++; return nil })
		r := w.returner().comes()
		r.drops().comes()
		r.is("recovered")
		want(t, "calls", calls, 1)
		r.drops()
		r.offset = "text"
		r.comes()
		r.is("bad_offset")
		want(t, "calls", calls, 2)
	})
}

// Sessions that are ended on purpose can't be continued: trap 49, quirk 20.
func TestASessionEndedOnPurpose(t *testing.T) {
	for name, end := range map[string]func(w *world, r *returner){
		"by the client":       func(_ *world, r *returner) { r.peer.says("1") },
		"by the server":       func(w *world, r *returner) { s, _ := w.io.Socket(r.sid); s.Disconnect() },
		"with its connection": func(w *world, r *returner) { s, _ := w.io.Socket(r.sid); s.CloseConn() },
	} {
		t.Run(name, func(t *testing.T) {
			expired := newList()
			o := &socketio.Recovery{OnSessionExpired: func(i socketio.SessionInfo) { expired.add(i.ID) }}
			recovering(t, o, func(w *world) {
				r := w.returner().comes()
				id := r.sid
				end(w, r)
				w.settle()
				r.drops().comes()
				r.is("unknown_session")
				if r.sid == id {
					t.Error("the id is a new one")
				}
				r.drops()
				w.after(5 * time.Minute)
				want(t, "expired", strings.Join(expired.all(), " "), r.sid)
			})
		})
	}
}

// streams adapter issue 26: a client that comes back faster than the server notices that
// it was gone, or than its session is stored.
func TestAFastReconnectIsRecovered(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		m.does(func(ctx context.Context) error {
			time.Sleep(time.Second) // of virtual time
			return nil
		}, "Save", "Take")
		for i := range 10 {
			gone := r.peer
			if i%2 == 0 {
				gone.goes() // and comes back at once
			}
			_ = w.io.Emit("e", i)
			r.comes()
			r.is("recovered")
			r.hears(fmt.Sprint("e ", i))
			r.hearsNothing()
			gone.goes()
		}
	})
}

// npm socket.io issues 4040 and 3507, client issue 1436: a client whose timers are throttled,
// so that its connection ends with a ping timeout, misses nothing.
func TestAfterAPingTimeoutAClientIsRecovered(t *testing.T) {
	var reason socketio.DisconnectReason
	recovering(t, nil, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.DisconnectReason) { reason = r })
		})
		r := w.returner().comes()
		r.peer.mute.Store(true)
		w.after(time.Minute)
		want(t, "the end", reason, socketio.ReasonPingTimeout)
		_ = w.io.Emit("missed")
		r.comes().is("recovered")
		r.hears("missed")
	})
}

// A tracingStore keeps the contexts with which events are read.
type tracingStore struct {
	adapter.Store
	contexts *[]context.Context
}

type tracingLog struct {
	adapter.Log
	contexts *[]context.Context
}

func (s tracingStore) Log(namespace string) (adapter.Log, error) {
	l, err := s.Store.Log(namespace)
	return tracingLog{l, s.contexts}, err
}

func (l tracingLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[adapter.KeptEvent, error] {
	*l.contexts = append(*l.contexts, ctx)
	return l.Log.Since(ctx, after, upTo)
}

// The context of a reading ends with it: a store may start work that ends with the context.
func TestTheContextOfAReadingEnds(t *testing.T) {
	var contexts []context.Context
	recovering(t, &socketio.Recovery{Store: tracingStore{adapter.NewMemoryStore(), &contexts}}, func(w *world) {
		r := w.returner().comes()
		_ = w.io.Emit("e", "first")
		r.hears(`e first`)
		r.drops()
		_ = w.io.Emit("e", "missed")
		r.comes()
		r.is("recovered")
		r.hears(`e missed`)
		if len(contexts) == 0 {
			t.Fatal("nothing was read")
		}
		for i, ctx := range contexts {
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("the context of reading %d of %d has the error %v", i+1, len(contexts), ctx.Err())
			}
		}
	})
}

// The secret and the position are found in the auth of another format too, and events end
// with their position in it.
func TestRecoveryWithMsgpack(t *testing.T) {
	memory(t, &socketio.Options{Codec: new(msgpack.Codec), Recovery: &socketio.Recovery{}}, func(w *world) {
		var auths []string
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			var auth map[string]any
			_ = s.Handshake().DecodeAuth(&auth)
			auths = append(auths, fmt.Sprint(auth))
			return nil
		})
		joins := func(auth map[string]any) (p *peer, sid, pid, reason string) {
			p = w.open(websocket)
			p.says(pack(parser.TypeConnect, "/", parser.NoID, auth))
			got, data := unpack(p)
			if got.Type != parser.TypeConnect {
				t.Fatalf("the client hears %+v %v", got, data)
			}
			reply := data.(map[string]any)
			sid, pid = reply["sid"].(string), reply["pid"].(string)
			reason, _ = reply["notRecovered"].(string)
			return p, sid, pid, reason
		}
		hears := func(p *peer, event string, args ...any) (position string) {
			_, data := unpack(p)
			list := data.([]any)
			position, _ = list[len(list)-1].(string)
			want(t, "the event", fmt.Sprint(list[:len(list)-1]), fmt.Sprint(append([]any{event}, args...)))
			return position
		}
		p, id, secret, _ := joins(map[string]any{"token": "t"})
		_ = w.io.Emit("e", []byte{1}, "text")
		position := hears(p, "e", []byte{1}, "text")
		p.goes()
		w.settle()
		_ = w.io.Emit("missed", 2)
		p, sid, pid, _ := joins(map[string]any{"token": "t", "pid": secret, "offset": position})
		want(t, "id and secret", sid+pid, id+secret)
		hears(p, "missed", 2)
		p.goes()
		w.settle()
		_, sid, _, reason := joins(map[string]any{"pid": secret, "offset": "text"})
		want(t, "the reason", reason, "bad_offset")
		if sid == id {
			t.Error("the id is a new one")
		}
		want(t, "auth", strings.Join(auths, " "), "map[token:t] map[token:t] map[]")
	})
}
