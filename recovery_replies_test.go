// SPDX-License-Identifier: MIT

// This file tests how a durable store keeps the replies to a client that may send its events
// again.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
)

// A keeping is a client on a machine whose store keeps its replies.
type keeping struct {
	*machine
	*returner
	saves, adds atomic.Int32 // operations of the store
	handled     atomic.Int32
}

const keepingNonce = `"retryNonce":"n"`

// keepsReplies runs a test with a server that echoes texts, with as many x before them as
// their number says.
func keepsReplies(t *testing.T, test func(k *keeping)) {
	k := new(keeping)
	setup := func(w *world) {
		w.io.On("e", func(size int, text string) string {
			k.handled.Add(1)
			return strings.Repeat("x", size) + text
		})
	}
	onAMachine(t, setup, func(m *machine, w *world) {
		k.machine, k.returner = m, w.returner()
		k.comes(keepingNonce)
		m.does(func(context.Context) error { k.saves.Add(1); return nil }, "Save")
		m.does(func(context.Context) error { k.adds.Add(1); return nil }, "AddReplies")
		test(k)
	})
}

// asks sends an event with the id of an acknowledgement, and expects the reply.
func (k *keeping) asks(id, size int) {
	k.Helper()
	k.peer.says(fmt.Sprintf(`2%d["e",%d,"%d"]`, id, size, id))
	k.peer.hears(fmt.Sprintf(`3%d["%s%d"]`, id, strings.Repeat("x", size), id))
}

// restarts kills the server and lets the client come back to the next one.
func (k *keeping) restarts() {
	k.Helper()
	k.w = k.machine.restarts(k.w, "killed")
	k.returner.comes(keepingNonce)
	k.is("recovered")
}

// Each reply is added to the session, which is not saved again. Again it is saved when its
// rooms change, when much was added, and when its client comes back.
func TestRepliesAreAdded(t *testing.T) {
	keepsReplies(t, func(k *keeping) {
		for id := range 100 {
			k.asks(id, 10)
		}
		want(t, "saves and additions", fmt.Sprint(k.saves.Load(), k.adds.Load()), "0 100")
		s, _ := k.w.io.Socket(k.sid)
		_ = s.Join("room")
		want(t, "saves after a join", k.saves.Load(), 1)
		k.restarts()
		for id := range 100 {
			k.asks(id, 10) // again
		}
		want(t, "handled", k.handled.Load(), 100)
	})
}

// What a store has of a session stays bounded: when as much was added as was saved, and 64
// KiB at least, all replies are saved.
func TestAddedRepliesAreBounded(t *testing.T) {
	keepsReplies(t, func(k *keeping) {
		const each, count = 4 << 10, 400
		for id := range count {
			k.asks(id, each)
		}
		if saves := k.saves.Load(); saves < 3 || saves > 20 || saves+k.adds.Load() != count {
			t.Errorf("%d saves and %d additions", saves, k.adds.Load())
		}
		k.restarts()
		for id := count - 200; id < count; id++ { // the latest 1 MiB
			k.asks(id, each)
		}
		want(t, "handled", k.handled.Load(), count)
		k.asks(0, each)
		want(t, "handled after the window", k.handled.Load(), count+1)
	})
}

// When a reply could not be added, the next one is saved with the session, and the first is
// not missing.
func TestAReplyThatWasNotAdded(t *testing.T) {
	for name, fails := range map[string]func(context.Context) error{
		"broken": breaks, "unknown session": func(context.Context) error { return adapter.ErrNoSession },
	} {
		t.Run(name, func(t *testing.T) {
			keepsReplies(t, func(k *keeping) {
				k.asks(1, 10)
				k.does(fails, "AddReplies")
				k.asks(2, 10)
				k.does(nil, "AddReplies")
				k.asks(3, 10)
				k.restarts()
				for id := 1; id < 4; id++ {
					k.asks(id, 10)
				}
				want(t, "handled", k.handled.Load(), 3)
			})
		})
	}
}

// A change of rooms is saved, also if it waits for a reply that is being added.
func TestAChangeBesideAReply(t *testing.T) {
	keepsReplies(t, func(k *keeping) {
		going, goOn := make(chan struct{}), make(chan struct{})
		k.does(func(context.Context) error { close(going); <-goOn; return nil }, "AddReplies")
		k.peer.says(`21["e",0,"1"]`)
		within(k.w, "the reply is added", going)
		s, _ := k.w.io.Socket(k.sid)
		joined := make(chan error, 1)
		go func() { joined <- s.Join("room") }() // ends when the store has answered
		k.w.settle()
		k.does(nil, "AddReplies")
		close(goOn)
		if err := within(k.w, "Join", joined); err != nil {
			t.Error(err)
		}
		k.peer.hears(`31["1"]`)
		k.restarts()
		s, _ = k.w.io.Socket(k.sid)
		want(t, "rooms", fmt.Sprint(otherRooms(s)), "[room]")
		k.asks(1, 0)
		want(t, "handled", k.handled.Load(), 1)
	})
}

// Servers that share sessions add replies too: the session is not saved again, and another
// server has them when the first was killed, or when the client comes while the first takes
// it for connected.
func TestRepliesGoToOtherServers(t *testing.T) {
	var puts, adds atomic.Int32
	network := slowNetwork()
	network.FailSessions(func(_, method string) error {
		switch method {
		case "Put":
			puts.Add(1)
		case "AddReplies":
			adds.Add(1)
		}
		return nil
	}, nil)
	sharingServers(t, 3, network, plainOptions, func(all []bused, w *watch) {
		var handled atomic.Int32
		for i := range all {
			all[i].io.On("e", func(size int, text string) string {
				handled.Add(1)
				return strings.Repeat("x", size) + text
			})
		}
		k := &keeping{machine: &machine{T: t}, returner: all[0].returner()}
		k.comes(keepingNonce)
		time.Sleep(time.Second)
		puts.Store(0)
		const count = 20
		for server := range all {
			for id := range count {
				k.asks(id, 100)
			}
			want(t, "handled", handled.Load(), count)
			switch server {
			case 0:
				want(t, "saves and additions", fmt.Sprint(puts.Load(), adds.Load()), fmt.Sprint(0, count))
			case 1:
				w.is(all[1].io, true)
				all[1].bus.Kill()
			}
			if server+1 < len(all) {
				k.w = all[server+1].world
				k.returner.comes(keepingNonce)
				k.is("recovered")
			}
		}
	})
}

// Of changes at the same time, one call may save all: the next finds nothing to do, also for a
// client that does not send events again.
func TestAChangeThatAnotherHasSaved(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		s, _ := w.io.Socket(r.sid)
		_ = s.Join("room")
		socketio.SaveChanges(s)
		w = m.restarts(w, "killed")
		r.comesTo(w).is("recovered")
	})
}

// Replies by a key of the application are not those of a session: nothing is saved.
func TestKeysSaveNothing(t *testing.T) {
	keepsReplies(t, func(k *keeping) {
		k.w.io.Deduplicate(socketio.Deduplication{Key: func(_ *socketio.Socket, event string, _ socketio.Args) string { return event }})
		k.asks(1, 10)
		k.w.after(time.Second)
		want(t, "saves and additions", fmt.Sprint(k.saves.Load(), k.adds.Load()), "0 0")
	})
}
