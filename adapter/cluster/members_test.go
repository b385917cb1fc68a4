// SPDX-License-Identifier: MIT

// This file tests which nodes a node knows in its namespaces.

package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A request right after a namespace was created waits until the others are known.
func TestNewNamespaceKnowsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(20*time.Millisecond, 50*time.Millisecond)
		a := newNode(t, network, "a", nil)
		settled()
		start := time.Now()
		b := newNode(t, network, "b", nil)
		want(t, "nodes", b.count(b.space), 2)
		want(t, "the wait", time.Since(start) <= 300*time.Millisecond, true)
		want(t, "nodes", a.count(a.space), 2)
		want(t, "nodes of all namespaces", a.Nodes(), 2)
		_ = b.space.Close()
		time.Sleep(time.Second)
		want(t, "nodes after the namespace has ended", a.count(a.space), 1)
		want(t, "the node is still there", a.Nodes(), 2)
	})
}

// Nodes that could not hear each other's introductions learn of all namespaces by
// heartbeats, and of those that ended.
func TestManyNamespacesByHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 100 // four heartbeats name them
		network := membus.New(1)
		nodes := []*testNode{newNode(t, network, "a", nil), newNode(t, network, "b", nil)}
		settled()
		network.Partition([]string{"a"}, []string{"b"})
		var spaces [2][]adapter.Adapter
		for i, n := range nodes {
			for k := range count {
				spaces[i] = append(spaces[i], n.Adapter(&local{nsp: fmt.Sprint("/", k)}))
			}
		}
		t.Cleanup(func() {
			for i := range spaces {
				for _, s := range spaces[i] {
					_ = s.Close()
				}
			}
		})
		time.Sleep(30 * time.Second)
		want(t, "nodes while they are cut off", nodes[0].count(nodes[0].space), 1)
		network.Partition()
		time.Sleep(5 * 5 * time.Second)
		for i, n := range nodes {
			for k, s := range spaces[i] {
				if got := n.count(s); got != 2 {
					t.Fatalf("node %d knows %d nodes of namespace %d", i, got, k)
				}
			}
		}
		network.Lose(1)
		_ = spaces[1][7].Close()
		time.Sleep(time.Second)
		network.Lose(0)
		want(t, "nodes right after", nodes[0].count(spaces[0][7]), 2)
		time.Sleep(3 * 4 * 5 * time.Second)
		want(t, "nodes after three rounds of heartbeats", nodes[0].count(spaces[0][7]), 1)
		want(t, "nodes of another namespace", nodes[0].count(spaces[0][8]), 2)
	})
}

// A heartbeat that is lost takes no node out of the namespaces that it names.
func TestLostHeartbeatOfManyNamespaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 50 // two heartbeats name them
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", nil)
		var spaces []adapter.Adapter
		for k := range count {
			for _, n := range []*testNode{a, b} {
				spaces = append(spaces, n.Adapter(&local{nsp: fmt.Sprint("/", k)}))
			}
		}
		t.Cleanup(func() {
			for _, s := range spaces {
				_ = s.Close()
			}
		})
		time.Sleep(time.Minute + 2*time.Second) // between two heartbeats
		for range 2 {                           // five heartbeats later: one of them has the names that come last
			network.Lose(1)
			time.Sleep(5 * time.Second)
			network.Lose(0)
			for range 4 {
				for i := 0; i < len(spaces); i += 2 {
					want(t, "nodes after a lost heartbeat", a.count(spaces[i]), 2)
				}
				time.Sleep(5 * time.Second)
			}
		}
	})
}

// Events have the id of the server that emitted them, without it being sent.
func TestOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", nil)
		got := make(chan adapter.Meta, 1)
		b.space.Add(&listening{member: &member{id: "m"}, got: got}, nil)
		settled()
		before := len(a.bus.since(0))
		p := &adapter.Packet{Message: "e", Meta: adapter.Meta{Origin: "a", Version: adapter.Version}}
		if _, err := a.space.Broadcast(p, adapter.Target{}); err != nil {
			t.Error(err)
		}
		want(t, "the Meta", fmt.Sprint(<-got), "{a  1}")
		for _, p := range a.bus.since(before) {
			if p.channel.Class == cluster.ClassEvents {
				want(t, "the message", p.data[strings.Index(p.data, `"go"`):], `"go":{"n":3}}`)
			}
		}
	})
}

// A listening member passes on the Meta of what it gets.
type listening struct {
	*member
	got chan adapter.Meta
}

func (l *listening) Deliver(p *adapter.Packet) { l.got <- p.Meta }

// A short lease ends too.
func TestShortLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		options := &cluster.Options{Heartbeat: 500 * time.Millisecond, Lease: time.Second}
		a, b := newNode(t, network, "a", options), newNode(t, network, "b", options)
		settled()
		want(t, "nodes", a.count(a.space), 2)
		time.Sleep(time.Minute)
		want(t, "nodes after a minute", a.count(a.space), 2)
		b.bus.Kill()
		time.Sleep(2500 * time.Millisecond)
		want(t, "nodes without the dead one", a.count(a.space), 1)
	})
}
