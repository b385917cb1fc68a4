// SPDX-License-Identifier: MIT

//go:build npm

// This file runs the delivery suite of several servers: clients of npm, and the checker of
// what all have sent and received, while servers are killed, frozen and drained, and Redis
// fails.

package redisadapter_test

import (
	"os"
	"strings"
	"testing"

	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/histserver"
)

// deliveryEnv has the engine, the prefix and the address of Redis of a server.
const deliveryEnv = "REDISADAPTER_DELIVERY"

// deliveryEngines are the engines of the suite.
var deliveryEngines = map[string]struct {
	byRoom bool
	logged bool
	make   func(addr, prefix string, o cluster.Options) *cluster.Cluster
}{
	"classic": {make: func(addr, prefix string, o cluster.Options) *cluster.Cluster {
		return redisadapter.Classic(on(addr), &redisadapter.Options{Prefix: prefix, Cluster: o})
	}},
	"sharded": {byRoom: true, make: func(addr, prefix string, o cluster.Options) *cluster.Cluster {
		return redisadapter.Sharded(on(addr), redisadapter.ModeSharded, &redisadapter.Options{Prefix: prefix, Cluster: o})
	}},
	"streams": {logged: true, make: func(addr, prefix string, o cluster.Options) *cluster.Cluster {
		return redisadapter.Streams(on(addr), &redisadapter.StreamsOptions{Stream: prefix, Prefix: prefix, Cluster: o})
	}},
}

func init() {
	serveDelivery = func() (bool, error) {
		words := strings.Split(os.Getenv(deliveryEnv), ",")
		if len(words) != 3 {
			return false, nil
		}
		return true, histserver.ServeNode(func(o cluster.Options) *cluster.Cluster {
			return deliveryEngines[words[0]].make(words[2], words[1], o)
		})
	}
}

// ENGINE has the names of engines, separated by commas. Without it all are run, those that have
// a log with three faults: each server must find the clients of a dead one within its lease.
func TestDelivery(t *testing.T) {
	for name, engine := range deliveryEngines {
		only := os.Getenv("ENGINE")
		if only != "" && !strings.Contains(","+only+",", ","+name+",") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := deliveryEngine(t, name)
			if only == "" && engine.logged {
				e.Env = append(e.Env, "NODE_FAULTS=3", "KINDS=kill,drain,restart")
			}
			e.Run(t)
		})
	}
}

// TestRebalance has servers send away clients of npm and of this project, over each
// transport, while all emit. Each is recovered on another server; nothing is missing, or
// arrives twice.
func TestRebalance(t *testing.T) { deliveryEngine(t, "streams").Rebalance(t) }

func deliveryEngine(t *testing.T, name string) *histserver.Engine {
	redis, engine := redistest.Start(t), deliveryEngines[name]
	return &histserver.Engine{
		Name: name, ByRoom: engine.byRoom, Logged: engine.logged,
		Env:    []string{deliveryEnv + "=" + name + "," + newPrefix() + "," + redis.Addr()},
		Broker: redis,
	}
}
