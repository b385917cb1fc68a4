// SPDX-License-Identifier: MIT

// This file tests messages that come again, and messages that do not come.

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A message that comes again is ignored, in whichever order messages come, unless a
// thousand others came between, or the sender does not number its messages.
func TestMessagesThatComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", nil)
		m := n.join("m")
		foe := foe(t, network)
		settled()
		send := func(text, uid, number string) {
			message := `{"type":3,"data":{"packet":{"type":2,"data":["` + text + `"]},"opts":{}},"uid":"` + uid + `","nsp":"/"` + number + `}`
			if err := foe.Publish(cluster.Channel{Class: cluster.ClassEvents, Namespace: "/"}, []byte(message)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		numbered := func(uid string, numbers ...uint64) {
			for _, i := range numbers {
				send(fmt.Sprint(uid, i), uid, fmt.Sprintf(`,"go":{"n":%d}`, i))
			}
		}
		heard := func(what, expected string) {
			t.Helper()
			want(t, what, m.heard(), expected)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.got = nil
		}
		numbered("x", 5, 5, 3, 5, 3, 4, 9, 8, 9)
		heard("one node", "x5 x3 x4 x9 x8")
		numbered("y", 5, 9, 5)
		heard("another", "y5 y9")
		send("emitter", "emitter", "")
		send("emitter", "emitter", "")
		heard("without numbers", "emitter emitter")
		numbered("z", 1000, 1010, 1024, 2030, 1010, 1006, 1007, 1024, 1<<40, 1<<40, 2030, 1<<40-1)
		heard("beyond the window", "z1000 z1010 z1024 z2030 z1006 z1007 z1099511627776 z2030 z1099511627775")
		want(t, "ignored", n.Stats().Repeated, 4+1+3)
		want(t, "dropped", n.Stats().Dropped, 0)
		time.Sleep(10 * time.Minute)
		numbered("y", 9)
		heard("after ten minutes", "y9")
		send("bad", "x", `,"go":{"n":-1}`)
		send("bad", "x", `,"go":{"n":1e300}`)
		send("bad", "x", `,"go":{"n":"1"}`)
		want(t, "dropped", n.Stats().Dropped, 3)
	})
}

// Messages that are lost make requests partial. They do not make events come twice or in
// another order, and nothing waits for longer than its context.
func TestMessagesThatAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(7)
		network.Delay(0, 10*time.Millisecond)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", nil)
		here, there := a.join("a"), b.join("b", "r")
		here.answers, there.answers = true, true
		settled()
		network.Lose(0.3)
		network.Duplicate(0.3)
		partial, complete := 0, 0
		for i := range 200 {
			if err := a.emit(fmt.Sprint(i), "r"); err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			start := time.Now()
			_, err := a.space.FetchSockets(ctx, adapter.Target{})
			c := adapter.NewCall()
			asked := a.space.BroadcastWithAck(ctx, &adapter.Packet{Message: "q", Call: c, AckID: 1}, adapter.Target{})
			c.Seal()
			for _, ok := c.Next(ctx); ok; _, ok = c.Next(ctx) {
			}
			if took := time.Since(start); took > time.Second {
				t.Fatalf("requests took %v", took)
			}
			if asked != nil { // the cluster is degraded: the node's own heartbeats are lost too
				partial++
			}
			for _, err := range []error{err, c.Err(ctx.Err())} {
				var e *adapter.PartialError
				if errors.As(err, &e) {
					partial++
				} else if complete++; err != nil && a.Health().Degraded == nil {
					t.Error(err)
				}
			}
			c.Close()
			cancel()
		}
		if partial == 0 || complete == 0 {
			t.Errorf("%d requests were partial and %d complete", partial, complete)
		}
		last, events := -1, 0
		for text := range strings.FieldsSeq(there.heard()) {
			var n int
			if _, err := fmt.Sscan(text, &n); err != nil {
				continue // "q"
			}
			if events++; n <= last {
				t.Errorf("%d came after %d", n, last)
			}
			last = n
		}
		if events == 0 || events == 200 {
			t.Errorf("%d of 200 events came", events)
		}
	})
}
