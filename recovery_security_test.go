// SPDX-License-Identifier: MIT

// This file tests who may continue a session: the secret of a session is proof, and one
// client at a time.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
)

// Quirk 19: a client that comes back while its old connection still stands takes over,
// after the middlewares; never do two live sockets have one id, and the handlers of the
// old one have returned before the new one joins.
func TestALaterRedeemerTakesOver(t *testing.T) {
	t.Run("quirk 19", func(t *testing.T) {
		recovering(t, nil, func(w *world) {
			var log []string
			n := 0
			w.io.OnConnection(func(s *socketio.Socket) {
				n++
				i := n
				log = append(log, fmt.Sprint("+", i, " of ", len(w.io.Sockets())))
				s.OnDisconnect(func(reason socketio.DisconnectReason) { log = append(log, fmt.Sprint("-", i, " ", reason)) })
			})
			r := w.returner().comes()
			mustEmit(t, w.io, "e", 1)
			r.hears("e 1")
			thief := *r
			id := r.sid
			thief.comes()
			thief.is("recovered")
			want(t, "the id", thief.sid, id)
			r.peer.isClosed(1008)
			want(t, "log", strings.Join(log, ", "), "+1 of 1, -1 forced close, +2 of 1")
			mustEmit(t, w.io, "e", 2)
			thief.hears("e 2")
		})
	})
}

// A client that is refused does not end the old connection.
func TestARefusedRedeemerLeavesTheOldConnectionAlone(t *testing.T) {
	for name, o := range map[string]*socketio.Recovery{
		"by a middleware": {},
		"identity":        {SameIdentity: func(old, current socketio.SessionInfo) bool { return false }},
		"bad offset":      {},
	} {
		t.Run(name, func(t *testing.T) {
			recovering(t, o, func(w *world) {
				w.io.Use(func(_ context.Context, s *socketio.Socket) error {
					if strings.Contains(string(s.Handshake().Auth), "bad") {
						return &socketio.ConnectError{Message: "no"}
					}
					return nil
				})
				r := w.returner().comes()
				other := *r
				switch name {
				case "by a middleware":
					other.begins(`"token":"bad"`)
					other.peer.hears(`4{"message":"no"}`)
				case "identity":
					other.comes().is("identity")
				case "bad offset":
					other.offset = "text"
					other.comes().is("bad_offset")
				}
				_ = w.io.Emit("e")
				r.hears("e")
				r.drops()
				if name != "identity" {
					r.comes().is("recovered")
				}
			})
		})
	}
}

// Of 50 clients that present one secret at the same moment one continues the session.
func TestFiftyRedeemersAtOnce(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprint("live ", live), func(t *testing.T) {
			recovering(t, nil, func(w *world) {
				arrived, goOn := 0, make(chan struct{})
				w.io.Use(func(_ context.Context, s *socketio.Socket) error {
					if string(s.Handshake().Auth) == `{"late":1}` {
						<-goOn
					}
					return nil
				})
				r := w.returner().comes()
				if !live {
					r.drops()
				}
				_ = w.io.Emit("secret")
				all := make([]*returner, 50)
				for i := range all {
					other := *r
					all[i] = &other
					all[i].begins(`"late":1`)
				}
				w.settle()
				close(goOn)
				ids := make(map[string]bool)
				for _, other := range all {
					for other.sid == "" {
						other.takes()
					}
					w.settle()
					if other.recovered {
						arrived++
						want(t, "the id", other.sid, r.sid)
						other.hears("secret")
					} else {
						other.is("in_use")
						other.hearsNothing()
					}
					if ids[other.sid] {
						t.Error("two sockets have one id")
					}
					ids[other.sid] = true
				}
				want(t, "winners", arrived, 1)
				want(t, "sockets", len(w.io.Sockets()), 50)
			})
		})
	}
}

// A session is continued once: who presents the secret again takes over, or finds the
// session ended.
func TestAReplayedSecret(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r := w.returner().comes().drops()
		thief := *r
		r.comes().is("recovered")
		s, _ := w.io.Socket(r.sid)
		s.Disconnect()
		w.settle()
		_ = w.io.To(r.sid).Emit("secret")
		thief.comes().is("unknown_session")
		thief.hearsNothing()
		w.io.Of("/other")
		thief = *r
		thief.namespace = "/other"
		thief.comes().is("unknown_session")
	})
}

// SameIdentity compares what the middlewares have found out. Another user gets a session of
// his own, and nothing of the old one; the user gets his.
func TestAForeignIdentity(t *testing.T) {
	user := socketio.NewDataKey[string]("user")
	var asked []string
	o := &socketio.Recovery{SameIdentity: func(old, current socketio.SessionInfo) bool {
		a, _ := user.Get(old)
		b, _ := user.Get(current)
		asked = append(asked, fmt.Sprint(a, " ", old.Rooms, " ", b, " ", current.Rooms))
		if b == "panic" {
			panic(b)
		}
		return a == b
	}}
	recovering(t, o, func(w *world) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			var auth struct{ User string }
			_ = s.Handshake().DecodeAuth(&auth)
			user.Set(s, auth.User)
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			if !s.Recovered() {
				_ = s.Join("of " + s.ID()[:1])
			}
		})
		anna := w.returner().comes(`"user":"anna"`)
		id := anna.sid
		room := "of " + id[:1]
		anna.drops()
		_ = w.io.To(id).Emit("secret")
		for _, name := range []string{"ben", "panic"} {
			ben := *anna
			ben.comes(`"user":"` + name + `"`).is("identity")
			if ben.sid == id {
				t.Error("the id is a new one")
			}
			ben.hearsNothing()
			ben.drops()
		}
		anna.comes(`"user":"anna"`).is("recovered")
		want(t, "the id", anna.sid, id)
		anna.hears("secret")
		want(t, "asked", strings.Join(asked, "; "), fmt.Sprintf("anna [%s] ben []; anna [%s] panic []; anna [%s] anna []", room, room, room))
	})
}

// The secret is in no log, and in no Handshake; what else is in the auth stays.
func TestTheSecretIsHidden(t *testing.T) {
	recovering(t, nil, func(w *world) {
		var auth []string
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			auth = append(auth, string(s.Handshake().Auth))
			return nil
		})
		r := w.returner().comes(`"token":"t", "b": [1, {"pid":2}]`)
		if n := len(r.pid); n != 20 { // 120 bits
			t.Errorf("the secret has %d characters", n)
		}
		r.drops()
		_ = w.io.Emit("e")
		r.comes(`"token":"t"`, `"b": [1, {"pid":2}]`).is("recovered")
		r.hears("e")
		r.drops()
		r.pid = "unknown"
		r.comes().is("unknown_session")
		want(t, "auth", strings.Join(auth, "; "), `{"token":"t","b":[1, {"pid":2}]}; {"token":"t","b":[1, {"pid":2}]}; {}`)
		if strings.Contains(w.log.String(), r.pid) {
			t.Error("the secret is in the log")
		}
	})
}

// A handler of the old socket that does not return holds up its client for a time, and
// nobody else.
func TestATakeoverWaitsForTheHandlersOfTheOldSocket(t *testing.T) {
	recovering(t, nil, func(w *world) {
		stuck := make(chan struct{})
		w.io.On("stuck", func() { <-stuck })
		r := w.returner().comes()
		r.peer.says(`2["stuck"]`)
		r.drops()
		again := *r
		again.begins()
		w.after(10 * time.Second)
		again.hearsNothing()
		w.after(30 * time.Second)
		for again.sid == "" {
			again.takes()
		}
		again.is("in_use")
		close(stuck)
		w.settle()
		_ = w.io.Emit("e")
		r.comes().is("recovered")
		r.hears("e")
	})
}

// Observers and the log receive the outcome.
func TestRecoveryIsObserved(t *testing.T) {
	watch := recoveryWatch{newList()}
	memory(t, &socketio.Options{Recovery: &socketio.Recovery{}, Observers: []any{watch}}, func(w *world) {
		r := w.returner().comes().drops()
		_ = w.io.Emit("e")
		r.comes().drops()
		r.offset = "text"
		r.comes()
		want(t, "observed", strings.Join(watch.all(), ", "), "recovered 1, not recovered: bad_offset")
	})
}

type recoveryWatch struct{ *list }

func (w recoveryWatch) SocketRecovered(_ socketio.SocketInfo, missed int) {
	w.add(fmt.Sprint("recovered ", missed))
}

func (w recoveryWatch) SocketNotRecovered(_ socketio.SocketInfo, reason string) {
	w.add("not recovered: " + reason)
}

// An event that can't be stored is delivered, Emit says so, and a client that may
// have missed it is not recovered.
func TestAnEventThatIsNotStored(t *testing.T) {
	opts := &socketio.Recovery{Store: slowStore{adapter.NewMemoryStore()}}
	recovering(t, opts, func(w *world) {
		log := socketio.LogOf(w.io.Of("/")).(*slowLog)
		log.full = true
		r := w.returner().comes()
		s, _ := w.io.Socket(r.sid)
		for _, err := range []error{w.io.Emit("all", "text"), s.Emit("one")} {
			if !isErr(err, socketio.ErrNotStored) || !isErr(err, errFull) {
				t.Errorf("the error is %v", err)
			}
		}
		r.hears("all text", "one")
		r.drops().comes().is("store_failed")
	})
}
