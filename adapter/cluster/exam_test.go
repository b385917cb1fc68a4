// SPDX-License-Identifier: MIT

// This file runs the exams of adapters.

package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

func TestOneNode(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.Cluster { return cluster.New(membus.New(1).Node("a"), nil) })
}

func TestOneNodeWithLog(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.Cluster {
		return cluster.New(membus.WithLog{Node: membus.New(1).Node("a")}, nil)
	})
}

// A member of the cluster, with its faults.
type faulty struct {
	*cluster.Cluster
	*membus.Node
}

func (f faulty) Close(ctx context.Context) error { return f.Cluster.Close(ctx) }
func (f faulty) Open(n adapter.Node) error       { return f.Cluster.Open(n) }

// The exam of several nodes, with a perfect network and with a bad one, in each mode.
func TestNodes(t *testing.T) {
	for name, test := range map[string]struct {
		options cluster.Options
		network func(w *membus.Network)
	}{
		"at once":           {cluster.Options{}, func(*membus.Network) {}},
		"late":              {cluster.Options{}, late},
		"by channel":        {cluster.Options{Ordering: cluster.OrderedByChannel}, func(w *membus.Network) { late(w); w.OrderByChannel() }},
		"each socket":       {cluster.Options{Rooms: cluster.RoomsAndSockets}, late},
		"together":          {cluster.Options{Rooms: cluster.RoomsTogether}, late},
		"by pattern":        {cluster.Options{Rooms: cluster.RoomsByPattern}, late},
		"repeated":          {cluster.Options{}, func(w *membus.Network) { late(w); w.Duplicate(0.3) }},
		"sealed":            {cluster.Options{Secret: secret, Sealed: true}, late},
		"packed":            {cluster.Options{Codec: cluster.Envelope{Packed: true}}, late},
		"classic":           {cluster.Options{Codec: cluster.Classic{}, Rooms: cluster.RoomsAndSockets}, late},
		"counting":          {cluster.Options{Name: "counting"}, late},
		"log":               {cluster.Options{Name: "log"}, func(*membus.Network) {}},
		"log, late":         {cluster.Options{Name: "log"}, late},
		"log, sealed":       {cluster.Options{Name: "log", Secret: secret, Sealed: true, Codec: cluster.Envelope{Packed: true}}, late},
		"log, repeated":     {cluster.Options{Name: "log"}, func(w *membus.Network) { late(w); w.Duplicate(0.3) }},
		"classic, counting": {cluster.Options{Name: "counting", Codec: cluster.Classic{}, Rooms: cluster.RoomsByPattern}, late},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.RunCluster(t, adaptertest.Factory{
				Virtual: true, Logged: test.options.Name == "log", OrderedByChannel: test.options.Ordering == cluster.OrderedByChannel,
				New: func(*testing.T) func() adapter.Cluster {
					network, n := membus.New(1), 0
					test.network(network)
					return func() adapter.Cluster {
						n++
						bus, options := network.Node(fmt.Sprint(n)), test.options
						switch options.Name {
						case "counting":
							return faulty{cluster.New(membus.Counting{Node: bus}, &options), bus}
						case "log":
							return faulty{cluster.New(membus.WithLog{Node: bus}, &options), bus}
						}
						return faulty{cluster.New(bus, &options), bus}
					}
				},
				Faults: func(c adapter.Cluster) adaptertest.Faults { return c.(faulty).Node },
			})
		})
	}
}

// late makes messages and subscriptions take their time.
func late(w *membus.Network) {
	w.Delay(0, 30*time.Millisecond)
	w.Confirm(20 * time.Millisecond)
}
