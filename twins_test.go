// SPDX-License-Identifier: MIT

// This file holds clusters of servers inside the test process.

package socketio_test

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter/adaptertest"
	"socketio/engineio"
)

// A twin is one server of a cluster of two or more.
type twin struct {
	*world
	node *adaptertest.MemoryNode
}

// twins has a test in a cluster of n servers, in a bubble of virtual time.
func twins(t *testing.T, n int, opts func(i int) *socketio.Options, test func(twins []twin)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := new(adaptertest.InMemory)
		all := make([]twin, n)
		for i := range all {
			var o socketio.Options
			if opts != nil {
				o = *opts(i)
			}
			all[i].node = bus.Node(fmt.Sprint("node", i))
			o.Cluster = all[i].node
			all[i].world = newWorld(t, with(&o, engineio.DriverGoroutine), nil)
			all[i].bubble, all[i].patient = true, 5*time.Minute
		}
		test(all)
		for i := range all {
			_ = all[i].io.Close()
			want(t, "how often the cluster was closed", all[i].node.Closed(), 1)
		}
	})
}

// crowds makes a crowd on each, of which each knows the names of all.
func crowds(twins []twin, names ...[]string) []*crowd {
	crowds := make([]*crowd, len(twins))
	known := make(map[string]*socketio.Socket)
	for i := range twins {
		crowds[i] = newCrowd(twins[i].world, websocket, names[i]...)
		maps.Copy(known, crowds[i].sockets)
	}
	for _, c := range crowds {
		c.sockets = known
	}
	return crowds
}
