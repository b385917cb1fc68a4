// SPDX-License-Identifier: MIT

// This file runs the exam of clusters over real servers.

package natsadapter_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
)

var prefixes atomic.Int64

// newPrefix returns a prefix that keeps the clusters of one NATS apart.
func newPrefix() string { return fmt.Sprint("cluster", prefixes.Add(1)) }

// modes are the ways to use NATS.
var modes = map[string]func(urls string, o *natsadapter.Options) *cluster.Cluster{
	"core": natsadapter.Core,
	"core, a subject for each socket": func(urls string, o *natsadapter.Options) *cluster.Cluster {
		o.Cluster.Rooms = cluster.RoomsAndSockets
		return natsadapter.Core(urls, o)
	},
	"core, by pattern": func(urls string, o *natsadapter.Options) *cluster.Cluster {
		o.Cluster.Rooms = cluster.RoomsByPattern
		return natsadapter.Core(urls, o)
	},
	"JetStream": func(urls string, o *natsadapter.Options) *cluster.Cluster {
		o.Log.MaxBytes, o.Log.MaxSessionBytes = 16<<20, 8<<20
		return natsadapter.JetStream(urls, o)
	},
}

// The exam of several nodes, in each mode.
func TestNodes(t *testing.T) {
	server := natstest.Start(t, natstest.JetStream)
	for name, mode := range modes {
		if testing.Short() && name != "core" && name != "JetStream" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adaptertest.RunCluster(t, adaptertest.Factory{New: func(*testing.T) func() adapter.Cluster {
				o := natsadapter.Options{Prefix: newPrefix(), Cluster: cluster.Options{Introduction: 50 * time.Millisecond, JoinTimeout: 10 * time.Second}}
				return func() adapter.Cluster { return mode(server.URL(), &o) }
			}})
		})
	}
}

// The exam with each node at another server of a NATS cluster.
func TestNodesAtThreeServers(t *testing.T) {
	servers := natsadapter.StartThree(t)
	for _, mode := range []string{"core", "JetStream"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			adaptertest.RunCluster(t, adaptertest.Factory{New: func(*testing.T) func() adapter.Cluster {
				o, n := natsadapter.Options{Prefix: newPrefix(), Log: natsadapter.LogOptions{Replicas: 3, MaxBytes: 16 << 20, MaxSessionBytes: 8 << 20}, Cluster: cluster.Options{JoinTimeout: 10 * time.Second}}, 0
				if mode == "JetStream" {
					natsadapter.MakeLog(t, servers, o)
				}
				return func() adapter.Cluster {
					n++
					return modes[mode](servers[n%len(servers)].URL(), &o)
				}
			}})
		})
	}
}

// The exam with faults of the network between a node and NATS.
func TestNodesWithFaults(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	for _, mode := range []string{"core", "JetStream"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			adaptertest.RunCluster(t, adaptertest.Factory{
				Logged: mode == "JetStream",
				New: func(t *testing.T) func() adapter.Cluster {
					o := natsadapter.Options{Prefix: newPrefix(), Cluster: cluster.Options{Heartbeat: 2 * time.Second, Lease: 8 * time.Second, JoinTimeout: 10 * time.Second}}
					if testing.Short() {
						o.Cluster.Heartbeat, o.Cluster.Lease = time.Second, 6*time.Second
					}
					return func() adapter.Cluster {
						return clusterhost.NewProxied(t, server.Addr(), func(addr string) *cluster.Cluster { return modes[mode]("nats://"+addr, &o) })
					}
				},
				Faults: func(c adapter.Cluster) adaptertest.Faults { return c.(clusterhost.Proxied) },
			})
		})
	}
}
