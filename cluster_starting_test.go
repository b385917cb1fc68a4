// SPDX-License-Identifier: MIT

// This file tests a server that has not found the end of its log yet.

package socketio_test

import (
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
)

// A client is answered when its server gets what others emit from then on, with recovery and
// without. While the broker does not answer, it waits for a bounded time.
func TestClientsOfAStartingServer(t *testing.T) {
	for name, test := range map[string]struct {
		recovery *socketio.Recovery
		most     time.Duration
	}{
		"with recovery":    {new(socketio.Recovery), 5 * time.Second},
		"without recovery": {nil, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := membus.New(1)
				start := func(name string) (b bused) {
					b.bus = network.Node(name)
					b.node = cluster.New(membus.WithLog{Node: b.bus}, &cluster.Options{Name: name})
					b.world = newWorld(t, with(&socketio.Options{Cluster: b.node, Recovery: test.recovery}, engineio.DriverGoroutine), nil)
					b.bubble, b.patient = true, 5*time.Minute
					return b
				}
				other := start("other")
				time.Sleep(time.Second)
				for name, row := range map[string]struct{ opens, answered time.Duration }{
					"soon": {700 * time.Millisecond, 700 * time.Millisecond},
					"late": {time.Minute, test.most},
				} {
					network.Confirm(row.opens)
					b, began := start(name), time.Now()
					r := b.returner().comes()
					want(t, name+": the time until the answer", time.Since(began), row.answered)
					if name == "soon" {
						mustEmit(t, other.io, "first", 1)
						r.hears("first 1")
					}
					_ = b.io.Close()
				}
				_ = other.io.Close()
			})
		})
	}
}
