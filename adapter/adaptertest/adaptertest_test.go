// SPDX-License-Identifier: MIT

// This file examines Memory.

package adaptertest_test

import (
	"fmt"
	"testing"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestMemory(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.Cluster { return adapter.Alone() })
}

func TestInMemory(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.Cluster { return new(adaptertest.InMemory).Node("node") })
	adaptertest.RunCluster(t, adaptertest.Factory{New: func(*testing.T) func() adapter.Cluster {
		bus, n := new(adaptertest.InMemory), 0
		return func() adapter.Cluster {
			n++
			return bus.Node(fmt.Sprint("node", n))
		}
	}})
}

func TestMemoryStore(t *testing.T) {
	adaptertest.RunStore(t, func(*testing.T) func() adapter.Store { return adapter.NewMemoryStore })
}

func TestDisk(t *testing.T) {
	adaptertest.RunStore(t, func(*testing.T) func() adapter.Store { return adaptertest.NewDisk().Store })
}
