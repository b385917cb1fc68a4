// SPDX-License-Identifier: MIT

// This file runs the exam of buses with logs.

package membus_test

import (
	"strings"
	"testing"
	"time"

	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

func TestLogs(t *testing.T) {
	for name, late := range map[string]bool{"at once": false, "late": true} {
		t.Run(name, func(t *testing.T) {
			adaptertest.RunLogCluster(t, adaptertest.LogFactory{Virtual: true, New: func(*testing.T) *adaptertest.LogWorld {
				network, names := membus.New(1), ""
				network.BoundAppends(900)
				if late {
					network.Delay(0, 30*time.Millisecond)
					network.Confirm(20 * time.Millisecond)
				}
				node := func(b cluster.LogBus) *membus.Node { return b.(membus.WithLog).Node }
				buses := make(map[cluster.LogBus]string)
				return &adaptertest.LogWorld{
					Bus: func() cluster.LogBus {
						names += "n"
						b := membus.WithLog{Node: network.Node(names)}
						buses[b] = names
						return b
					},
					Break: func(b cluster.LogBus) { node(b).Break() },
					Mend:  func(b cluster.LogBus) { node(b).Mend() },
					Stall: func(b cluster.LogBus) {
						var others []string
						for i := range names {
							if name := strings.Repeat("n", i+1); name != buses[b] {
								others = append(others, name)
							}
						}
						network.Partition(others)
					},
					Resume:  func(cluster.LogBus) { network.Partition() },
					Trim:    network.Trim,
					Replace: network.ReplaceLogs,
				}
			}})
		})
	}
}
