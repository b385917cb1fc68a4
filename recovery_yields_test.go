// SPDX-License-Identifier: MIT

// This file tests clients that come back while an earlier attempt of theirs still continues
// the session.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
	"socketio/internal/rawclient"
)

// slowly is the auth of clients whose middleware takes 100 ms, which is until a client that
// waits for another gets its turn. It takes no notice of clients that have gone.
const slowly = `"slowly":1`

// yielding runs a test with a client whose session has ended, or not.
func yielding(t *testing.T, test func(t *testing.T, w *world, r *returner)) {
	for name, live := range map[string]bool{"it has ended": false, "it is connected": true} {
		t.Run(name, func(t *testing.T) {
			recovering(t, nil, func(w *world) {
				w.io.Use(func(_ context.Context, s *socketio.Socket) error {
					var auth struct{ Slowly, Slower int }
					if err := s.Handshake().DecodeAuth(&auth); err != nil {
						return err
					}
					time.Sleep(time.Duration(auth.Slowly)*100*time.Millisecond + time.Duration(auth.Slower)*time.Second)
					return nil
				})
				r := w.returner().comes()
				if !live {
					r.drops()
				}
				test(t, w, r)
			})
		})
	}
}

// also returns one more client with the secret, on its way.
func (r *returner) also(auth ...string) *returner {
	other := *r
	other.begins(auth...)
	other.w.settle()
	return &other
}

// outcome takes packets until the client is answered.
func (r *returner) outcome(want string) {
	r.w.Helper()
	for r.sid == "" {
		r.takes()
	}
	r.is(want)
}

// An attempt to continue a session whose connection has ended gives way to the next one.
func TestAnEarlierAttemptGivesWay(t *testing.T) {
	yielding(t, func(_ *testing.T, w *world, r *returner) {
		_ = w.io.Emit("missed")
		sid := r.sid
		r.also(slowly).drops()
		begun := time.Now()
		r.comes().is("recovered")
		want(w.TB, "the id", r.sid, sid)
		r.hears("missed")
		if took := time.Since(begun); took > 150*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// If the earlier attempt does not give way in time, the client gets a new session. A later
// attempt gets the old one.
func TestAnEarlierAttemptThatStays(t *testing.T) {
	yielding(t, func(_ *testing.T, w *world, r *returner) {
		first := r.also(`"slower":2`)
		begun, next := time.Now(), *r
		r.comes().is("in_use")
		if took := time.Since(begun); took != time.Second {
			t.Errorf("it took %v", took)
		}
		first.drops()
		next.comes().is("recovered")
	})
}

// A middleware that goes on although its client has gone keeps nobody from the session, and
// ends nobody's connection.
func TestAnEarlierAttemptWhoseMiddlewareGoesOn(t *testing.T) {
	yielding(t, func(_ *testing.T, w *world, r *returner) {
		r.also(`"slower":1`).drops()
		begun, sid := time.Now(), r.sid
		r.comes().is("recovered")
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v", took)
		}
		w.after(2 * time.Second)
		want(w.TB, "the id", r.sid, sid)
		if _, ok := w.io.Socket(sid); !ok {
			t.Error("the socket has ended")
		}
		r.hearsNothing()
	})
}

// A client that leaves a namespace and joins it again with the old secret, while a handler
// of its old socket runs, keeps its connection.
func TestTheSecretOfASessionThatWasLeft(t *testing.T) {
	recovering(t, nil, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) { time.Sleep(50 * time.Millisecond) })
		})
		r := w.returner().comes()
		r.peer.says("1", fmt.Sprintf(`0{"pid":%q}`, r.pid))
		r.sid = ""
		r.outcome("unknown_session")
		r.peer.isOpen()
	})
}

// The earlier attempt succeeds: it has the session, and the other one does not take it over,
// unless the connection ends within that time.
func TestAnEarlierAttemptThatSucceeds(t *testing.T) {
	yielding(t, func(_ *testing.T, w *world, r *returner) {
		first := r.also(slowly)
		second := r.also()
		first.outcome("recovered")
		second.outcome("in_use")
		if _, ok := w.io.Socket(first.sid); !ok {
			t.Error("the socket has ended")
		}
		third := first.also(slowly)
		fourth := first.also()
		third.outcome("recovered")
		third.drops()
		fourth.outcome("recovered")
	})
}

// One waits, the latest.
func TestOneWaitsForAnEarlierAttempt(t *testing.T) {
	yielding(t, func(_ *testing.T, _ *world, r *returner) {
		first := r.also(slowly)
		second := r.also()
		third := r.also()
		begun := time.Now()
		second.outcome("in_use")
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v", took)
		}
		first.drops()
		third.outcome("recovered")
	})
}

// The earlier attempt was on another server, which has taken the session and saves it.
func TestAnEarlierAttemptElsewhereGivesWay(t *testing.T) {
	network := slowNetwork()
	sharingServers(t, 2, network, plainOptions, func(all []bused, _ *watch) {
		slow := bused{bus: network.Node("slow")}
		stored := make(chan struct{}, 1)
		slow.node = cluster.New(slowPuts{membus.WithLog{Node: slow.bus}, stored}, nil)
		slow.world = newWorld(all[0].TB, with(&socketio.Options{Cluster: slow.node, Recovery: new(socketio.Recovery)}, engineio.DriverGoroutine), nil)
		slow.bubble, slow.patient = true, 5*time.Minute
		r := all[0].returner().comes()
		time.Sleep(time.Second)
		sid := r.sid
		first := *r
		first.w = slow.world
		first.begins()
		<-stored
		first.peer.goes()
		r.comesTo(all[1].world).is("recovered")
		want(t, "the id", r.sid, sid)
		_ = slow.io.Close()
	})
}

// A client that polls and has gone has no poll waiting. Its attempt does not take the session
// from the socket with which the client goes on, and does not keep the client from it.
func TestAnEarlierAttemptWithoutAPoll(t *testing.T) {
	yielding(t, func(t *testing.T, w *world, r *returner) {
		_, body := w.fetch("GET", "EIO=4&transport=polling", "")
		open, err := rawclient.ParseOpen(body)
		if err != nil {
			t.Fatal(err)
		}
		session := "EIO=4&transport=polling&sid=" + open.SID
		w.fetch("POST", session, fmt.Sprintf(`40{"pid":%q}`, r.pid))
		w.settle()
		r.comes().is("recovered")
		w.after(10 * time.Second)
		if _, ok := w.io.Socket(r.sid); !ok {
			t.Error("the socket has ended")
		}
		if _, body = w.fetch("GET", session, ""); !strings.HasPrefix(body, fmt.Sprintf(`40{"sid":%q`, r.sid)) {
			t.Errorf("the client is there after all, and gets %s", body)
		}
		r.peer.isClosed(1008)
	})
}

// The earlier attempt waits for a server that has died, and ends with its client.
func TestAnEarlierAttemptEndsWithItsClient(t *testing.T) {
	sharingServers(t, 2, slowNetwork(), plainOptions, func(all []bused, watch *watch) {
		r := all[0].returner().comes()
		sid := r.sid
		all[0].bus.Kill()
		watch.is(all[0].io, true)
		first := *r
		first.w = all[1].world
		first.begins()
		time.Sleep(time.Second)
		first.peer.goes()
		time.Sleep(time.Millisecond)
		r.comesTo(all[1].world).is("recovered")
		want(t, "the id", r.sid, sid)
		time.Sleep(time.Minute)
		mustEmit(t, all[1].io, "later")
		r.hears("later")
	})
}

// slowPuts is a bus whose store has saved a session for 50 ms before it says so.
type slowPuts struct {
	membus.WithLog
	stored chan<- struct{} // told each time
}

func (b slowPuts) Sessions() cluster.Sessions { return slowPutStore{b.WithLog.Sessions(), b.stored} }

type slowPutStore struct {
	cluster.Sessions
	stored chan<- struct{}
}

func (s slowPutStore) Put(ctx context.Context, namespace, owner string, session *adapter.Session) error {
	err := s.Sessions.Put(ctx, namespace, owner, session)
	select {
	case s.stored <- struct{}{}:
	default: // that of the end is not awaited
	}
	time.Sleep(50 * time.Millisecond)
	return err
}
