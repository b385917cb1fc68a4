// SPDX-License-Identifier: MIT

// This file tests what recovery keeps, for how long, and what happens at its bounds.

package socketio_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
)

// npm socket.io issue 5250: the application is told when a session ends for good, with its
// rooms and its data.
func TestOnSessionExpired(t *testing.T) {
	expired := newList()
	o := &socketio.Recovery{Window: time.Minute, OnSessionExpired: func(i socketio.SessionInfo) {
		name, _ := keptName.Get(i)
		expired.add(fmt.Sprint(i.ID, " ", i.Namespace, " ", i.Rooms, " ", name))
	}}
	recovering(t, o, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			_ = s.Join("b", "a", "left")
			s.Leave("left")
			keptName.Set(s, "anna")
		})
		r := w.returner().comes()
		id := r.sid
		r.drops()
		w.after(50 * time.Second)
		r.comes().drops()
		w.after(50 * time.Second)
		want(t, "expired", len(expired.all()), 0)
		w.after(20 * time.Second)
		want(t, "expired", strings.Join(expired.all(), "; "), id+" / [a b] anna")
		r.comes()
		r.is("unknown_session")
		w.after(time.Hour)
		want(t, "expired", len(expired.all()), 1)
	})
}

// The calls of OnSessionExpired come one at a time, however long they take: no sweep begins
// while another runs. What ends meanwhile is reported afterwards.
func TestOnSessionExpiredIsSlow(t *testing.T) {
	var running, expired, most atomic.Int32
	o := func() *socketio.Options {
		return &socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute, OnSessionExpired: func(socketio.SessionInfo) {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(30 * time.Second)
			running.Add(-1)
			expired.Add(1)
		}}}
	}
	test := func(w *world) {
		const count = 5
		for i := range 300 {
			if i%12 == 0 && i/12 < count {
				w.returner().comes().drops()
			}
			_ = w.io.Emit("e")
			w.after(time.Second)
		}
		want(t, "expired", expired.Swap(0), count)
		want(t, "at a time", most.Load(), 1)
		w.after(5 * time.Minute)
		w.returner().comes().drops()
		w.after(5 * time.Minute)
		want(t, "expired later", expired.Swap(0), 1)
	}
	t.Run("a store in memory", func(t *testing.T) { memory(t, o(), test) })
	t.Run("a durable store", func(t *testing.T) {
		onAMachine(t, nil, func(m *machine, w *world) {
			m.options = o
			test(m.restarts(w, "closed"))
		})
	})
}

var keptName = socketio.NewDataKey[string]("name")

// A session that is older than the window, and that no sweep has dropped yet, is expired.
func TestExpiredBeforeTheSweep(t *testing.T) {
	recovering(t, &socketio.Recovery{Window: time.Minute}, func(w *world) {
		r := w.returner().comes().drops()
		w.after(59 * time.Second)
		r.comes()
		r.is("recovered")
		r.drops()
		mustEmit(t, w.io, "lost")
		w.after(time.Minute + time.Millisecond)
		r.comes()
		r.is("expired")
		r.hearsNothing()
	})
}

// Sessions over MaxSessions are dropped, the first to end first, and the application is
// told; one over MaxSessionBytes is not kept.
func TestSessionsAreBounded(t *testing.T) {
	expired := newList()
	o := &socketio.Recovery{
		MaxSessions: 2, MaxSessionBytes: 4 << 10,
		OnSessionExpired: func(i socketio.SessionInfo) { expired.add(i.ID) },
	}
	recovering(t, o, func(w *world) {
		var all []*returner
		for range 3 {
			all = append(all, w.returner().comes())
		}
		first := all[0].sid
		for _, r := range all {
			r.drops()
		}
		w.after(time.Minute)
		want(t, "expired", strings.Join(expired.all(), " "), first)
		for i, r := range all {
			r.comes()
			r.is([]string{"unknown_session", "recovered", "recovered"}[i])
		}
		s, _ := w.io.Socket(all[1].sid)
		keptName.Set(s, strings.Repeat("x", 4<<10))
		all[1].drops().comes()
		all[1].is("unknown_session")
		w.after(3 * time.Minute)
		want(t, "expired in the end", len(expired.all()), 1)
	})
}

// A client that needs events which the log no longer has is not recovered; one that does
// not need them is.
func TestTheLogIsBounded(t *testing.T) {
	recovering(t, &socketio.Recovery{MaxBytes: 64 << 10}, func(w *world) {
		busy, quiet := w.returner().comes(), w.returner().comes()
		mustEmit(t, w.io, "e")
		busy.hears("e")
		quiet.hears("e")
		busy.drops()
		for range 100 {
			mustEmit(t, w.io, "large", strings.Repeat("x", 1000))
		}
		for range 100 {
			quiet.takes()
		}
		quiet.drops()
		quiet.comes()
		quiet.is("recovered")
		busy.comes()
		busy.is("log_trimmed")
	})
}

// A client that has missed more than MaxSessionBytes is not recovered.
func TestTooMuchMissed(t *testing.T) {
	recovering(t, &socketio.Recovery{MaxSessionBytes: 8 << 10}, func(w *world) {
		r := w.returner().comes().drops()
		for range 5 {
			mustEmit(t, w.io, "e", strings.Repeat("x", 1000))
		}
		r.comes()
		r.is("recovered")
		r.events = nil
		r.drops()
		for range 10 {
			mustEmit(t, w.io, "e", strings.Repeat("x", 1000))
		}
		r.comes()
		r.is("too_much_missed")
		mustEmit(t, w.io, "new")
		r.hears("new") // and nothing of the old session
		r.hearsNothing()
	})
}

// Of the memberships that have ended the latest are remembered. A client that needs
// earlier ones is not recovered.
func TestMembershipsOfASessionAreBounded(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r := w.returner().comes()
		s, _ := w.io.Socket(r.sid)
		offset := r.offset
		for i := range 1100 {
			room := fmt.Sprint(i)
			_ = s.Join(room)
			_ = w.io.To(room).Emit("e", i)
			s.Leave(room)
		}
		for range 1099 {
			r.takes()
		}
		r.events = nil
		r.drops()
		early := *r
		early.offset = offset
		early.comes().is("too_much_missed")
		r.comes().is("recovered")
		r.hears("e 1099")
	})
}

// What is sent to a client while its missed events are read is held. A client for which
// more is held than its send queue takes is disconnected, and can come back.
func TestHeldEventsAreBounded(t *testing.T) {
	store := &gatedStore{Store: adapter.NewMemoryStore()}
	opts := &socketio.Options{Recovery: &socketio.Recovery{Store: store}}
	opts.Engine.MaxQueueMessages = 10
	memory(t, opts, func(w *world) {
		var joined []string
		w.io.OnConnection(func(s *socketio.Socket) { joined = append(joined, s.ID()) })
		r := w.returner().comes().drops()
		for _, held := range []int{9, 11} {
			_ = w.io.Emit("before")
			store.gate = make(chan struct{})
			r.begins()
			store.gate <- struct{}{} // the first read; the socket is a member at the second
			w.settle()
			for i := range held {
				_ = w.io.Emit("held", i)
			}
			_ = w.io.Volatile().Emit("volatile")
			r.peer.hearsNothing()
			close(store.gate)
			w.settle()
			if held == 11 {
				r.peer.isClosed(1008)
				w.settle()
				want(t, "sockets that have joined", len(joined), 2)
				r.comes()
			}
			for r.sid == "" {
				r.takes()
			}
			r.is("recovered")
			for range 1 + held {
				r.takes()
			}
			want(t, "the last event", r.events[len(r.events)-1], fmt.Sprint("held ", held-1))
			r.events = nil
			r.hearsNothing()
			r.drops()
		}
	})
}

// A gatedStore reads events when the test says so, if it has a gate.
type gatedStore struct {
	adapter.Store
	gate chan struct{}
}

func (s *gatedStore) Log(namespace string) (adapter.Log, error) {
	l, err := s.Store.Log(namespace)
	return gatedLog{l, s}, err
}

type gatedLog struct {
	adapter.Log
	store *gatedStore
}

func (l gatedLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[adapter.KeptEvent, error] {
	if l.store.gate != nil {
		<-l.store.gate
	}
	return l.Log.Since(ctx, after, upTo)
}
