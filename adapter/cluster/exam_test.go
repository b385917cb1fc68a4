// SPDX-License-Identifier: MIT

// This file runs the exam of adapters.

package cluster_test

import (
	"fmt"
	"testing"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

func TestOneNode(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.Cluster { return cluster.New(membus.New(1).Node("a"), nil) })
}

func TestNodes(t *testing.T) {
	adaptertest.RunCluster(t, func(t *testing.T) func() adapter.Cluster {
		network, n := membus.New(1), 0
		return func() adapter.Cluster {
			n++
			return cluster.New(network.Node(fmt.Sprint(n)), nil)
		}
	})
}
