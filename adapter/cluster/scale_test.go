// SPDX-License-Identifier: MIT

// This file simulates a large cluster.

package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// The cost of a node grows with its rooms, not with the cluster, apart from one heartbeat
// of each other node and the broadcasts to all.
func TestCostOfANode(t *testing.T) {
	large := 1000
	if testing.Short() {
		large = 64
	}
	small := costOfNodes(t, 8)
	big := costOfNodes(t, large)
	want(t, "messages beside heartbeats, in a small and in a large cluster", big.events, small.events)
	want(t, "subscriptions", big.channels, small.channels)
	want(t, "heartbeats in a small cluster", small.heartbeats, 7)
	want(t, "heartbeats in a large cluster", big.heartbeats, uint64(large-1))
	t.Logf("a node of %d received %d messages and %d heartbeats, in %d channels", large, big.events, big.heartbeats, big.channels)
}

// A cost is what the first node had to do.
type cost struct {
	events, heartbeats uint64
	channels           int
}

// costOfNodes runs a cluster for one heartbeat. Each node has four rooms, each of which
// four nodes have; each room gets ten events, from nodes other than the first of the four,
// and there are five broadcasts to all.
func costOfNodes(t *testing.T, count int) (first cost) {
	const rooms, sharers, events, toAll = 4, 4, 10, 5
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		all := make([]*testNode, count)
		for i := range all {
			name := fmt.Sprint("node", i)
			bus := network.Node(name)
			all[i] = openNode(t, name, &recorder{Node: bus}, bus, &cluster.Options{Heartbeat: time.Minute, Lease: time.Hour, EchoTimeout: time.Hour})
			var names []string
			for k := range rooms {
				names = append(names, fmt.Sprint("room ", k, " of group ", i/sharers))
			}
			all[i].join(fmt.Sprint("member", i), names...)
		}
		time.Sleep(30 * time.Second)
		before := make([]cluster.Stats, count)
		for i, n := range all {
			before[i] = n.Stats()
		}
		for group := range count / sharers {
			for k := range rooms {
				for e := range events {
					_ = all[group*sharers+1+e%(sharers-1)].emit("e", fmt.Sprint("room ", k, " of group ", group))
				}
			}
		}
		for range toAll {
			_ = all[count-1].emit("to all")
		}
		time.Sleep(time.Minute)
		for i, n := range all {
			now := n.Stats()
			received, useful := now.Received-before[i].Received, now.Useful-before[i].Useful
			if received != useful {
				t.Errorf("node %d received %d messages, of which %d were useful", i, received, useful)
			}
			if got := n.count(n.space); got != count {
				t.Fatalf("node %d knows %d nodes, want %d", i, got, count)
			}
		}
		now := all[0].Stats()
		first.heartbeats = now.Heartbeats - before[0].Heartbeats
		first.events = now.Received - before[0].Received - first.heartbeats
		first.channels = network.Subscriptions(all[0].bus.Node)
	})
	return first
}
