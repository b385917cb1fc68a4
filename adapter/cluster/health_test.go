// SPDX-License-Identifier: MIT

// This file tests what a node knows about its bus, and about itself.

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/adapter/nodewire"
)

// A subscription that receives nothing, without an error, is noticed by the heartbeats
// that do not come back, and is made again.
func TestDeafNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(40*time.Millisecond, 40*time.Millisecond)
		n := newNode(t, network, "a", nil)
		time.Sleep(time.Minute + time.Second/2) // between two heartbeats
		want(t, "the health of a bus that works", n.health(), "")
		want(t, "the lag", n.Health().Lag, 40*time.Millisecond)
		n.bus.Deafen()
		time.Sleep(8 * time.Second) // a heartbeat within 5 s, and 3 s
		want(t, "degraded", n.Health().Degraded != nil, true)
		time.Sleep(6 * time.Second) // the next heartbeat comes back
		want(t, "the changes", n.health(), "cluster: the bus does not deliver this node's own heartbeats; <nil>")
		want(t, "the lines of the log", len(n.log.lines("degraded:"))*10+len(n.log.lines("works again")), 11)
	})
}

// A bus that is slow, but delivers, is not taken for deaf: a new connection would lose what
// is on the way. One that delivers everything but heartbeats is, a little later.
func TestSlowBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", nil)
		foe := foe(t, network)
		settled()
		network.Delay(8*time.Second, 8*time.Second)
		busy := func(d time.Duration) {
			for range d / time.Second {
				_ = foe.Publish(cluster.Channel{Class: cluster.ClassEvents, Namespace: "/"}, []byte("{}"))
				time.Sleep(time.Second)
			}
		}
		busy(30 * time.Second) // at first nothing arrives for 8 s
		before := n.health()
		busy(time.Minute)
		want(t, "changes while the bus is slow", n.health(), before)
		want(t, "the lag", n.Health().Lag, 8*time.Second)
		network.Delay(0, 0)
		busy(20 * time.Second)
		n.bus.Unsubscribe([]cluster.Channel{{Class: cluster.ClassNodes}})
		busy(30 * time.Second)
		want(t, "without heartbeats", fmt.Sprint(n.Health().Degraded), "cluster: the bus does not deliver this node's own heartbeats")
	})
}

// A node that was frozen reads what has come before it takes the bus for deaf: a new
// connection would lose that.
func TestFrozenNodeIsNotDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(40*time.Millisecond, 40*time.Millisecond)
		n := newNode(t, network, "a", nil)
		time.Sleep(time.Minute + time.Second/2) // between two heartbeats
		n.bus.Pause()
		time.Sleep(20 * time.Second)
		n.bus.Resume()
		time.Sleep(4 * time.Second)
		want(t, "the changes", n.health(), "")
		n.bus.Deafen()
		time.Sleep(15 * time.Second)
		want(t, "the changes of a bus that is deaf later", n.health(), "cluster: the bus does not deliver this node's own heartbeats; <nil>")
	})
}

// A refusingBus refuses requests of a namespace at once.
type refusingBus struct{ *membus.Node }

func (b refusingBus) Subscribe(channels []cluster.Channel, done func(error)) {
	for _, c := range channels {
		if c.Namespace == "/refused" {
			done(errors.New("refused"))
			return
		}
	}
	b.Node.Subscribe(channels, done)
}

// Who is told that the cluster is degraded may make a namespace.
func TestObserverMakesANamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cluster.New(refusingBus{membus.New(1).Node("a")}, nil)
		var spaces []adapter.Adapter
		changed := func(adapter.Health) {
			spaces = append(spaces, c.Adapter(&local{nsp: fmt.Sprint("/", len(spaces))}))
		}
		if err := c.Open(adapter.Node{ID: "a", Logger: slog.New(slog.DiscardHandler), Changed: changed}); err != nil {
			t.Fatal(err)
		}
		refused := c.Adapter(&local{nsp: "/refused"})
		synctest.Wait()
		want(t, "degraded", c.Health().Degraded != nil, true)
		_ = refused.Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		want(t, "namespaces that were made", len(spaces), 2)
		for _, s := range spaces {
			_ = s.Close()
		}
		_ = c.Close(t.Context())
	})
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, membus.New(1), "a", nil)
		ask := func() (int, string) {
			w := httptest.NewRecorder()
			n.Ready().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			return w.Code, strings.TrimSpace(w.Body.String())
		}
		check := func(when string, code int, text string) {
			t.Helper()
			synctest.Wait()
			gotCode, gotText := ask()
			want(t, when, gotCode, code)
			want(t, when, gotText, text)
		}
		check("at first", http.StatusOK, "ok")
		n.bus.Break()
		check("while the bus is down", http.StatusServiceUnavailable, "membus: the bus is down")
		n.bus.Mend()
		check("when it is up", http.StatusOK, "ok")
		_ = n.space.Close()
		_ = n.Close(context.Background())
		check("after Close", http.StatusServiceUnavailable, "cluster: closed")
	})
}

// A node that was frozen for longer than its lease takes a new epoch and announces itself
// before it answers what waited meanwhile. It has not forgotten the others.
func TestFrozenNodeAnnouncesItselfFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", nil)
		b.join("b")
		settled()
		b.bus.Pause()
		before := len(b.bus.since(0))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := a.space.FetchSockets(ctx, adapter.Target{})
		var partial *adapter.PartialError
		if !errors.As(err, &partial) || len(partial.Nodes) != 1 || partial.Nodes[0] != b.Cluster.Name() {
			t.Errorf("%v", err)
		}
		time.Sleep(20 * time.Second)
		want(t, "nodes at a", a.count(a.space), 1)
		b.bus.Resume()
		synctest.Wait()
		want(t, "nodes at a", a.count(a.space), 2)
		want(t, "nodes at b", b.count(b.space), 2)
		announced, answered := -1, -1
		for i, p := range b.bus.since(before) {
			m, err := nodewire.DecodeEnvelope([]byte(p.data))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case m.Kind == nodewire.KindHeartbeat && announced < 0 && strings.Contains(string(m.Member), `"epoch":1`):
				announced = i
			case m.Kind == nodewire.KindSockets && answered < 0:
				answered = i
			}
		}
		if announced < 0 || answered < announced {
			t.Errorf("the new epoch is message %d, the answer message %d", announced, answered)
		}
		want(t, "the lines of the log", len(b.log.lines("announced itself again")), 1)
	})
}

// After an outage that was longer than the lease, all know each other at once.
func TestOutageLongerThanTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", nil)
		settled()
		b.bus.Break()
		time.Sleep(time.Minute)
		want(t, "nodes at a", a.count(a.space), 1)
		want(t, "nodes at b, which can't know better", b.count(b.space), 2)
		b.bus.Mend()
		synctest.Wait()
		want(t, "nodes at a", a.count(a.space), 2)
		time.Sleep(time.Minute)
		want(t, "nodes at b", b.count(b.space), 2)
	})
}

func TestLeaseOfOneHeartbeat(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New does not panic")
		}
	}()
	cluster.New(membus.New(1).Node("a"), &cluster.Options{Heartbeat: 10 * time.Second})
}
