// SPDX-License-Identifier: MIT

// This file runs the exam of clusters over real servers.

package redisadapter_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
)

// modes are the ways to use Redis.
var modes = map[string]func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster{
	"classic": redisadapter.Classic,
	"pattern": func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster {
		o.ByPattern = true
		return redisadapter.Classic(redis, o)
	},
	"sharded":         sharded(redisadapter.ModeSharded),
	"sharded private": sharded(redisadapter.ModeShardedPrivate),
	"sharded static":  sharded(redisadapter.ModeShardedStatic),
	"streams":         streams(false),
	"streams sharded": streams(true),
}

func streams(sharded bool) func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster {
	return func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster {
		return redisadapter.Streams(redis, &redisadapter.StreamsOptions{
			Prefix: o.Prefix, Stream: o.Prefix, SessionPrefix: o.Prefix + ":session:", Sharded: sharded, MaxQueue: o.MaxQueue, Cluster: o.Cluster,
		})
	}
}

func sharded(m redisadapter.Mode) func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster {
	return func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster {
		return redisadapter.Sharded(redis, m, o)
	}
}

var prefixes atomic.Int64

// newPrefix returns a prefix that keeps the clusters of one Redis apart.
func newPrefix() string { return fmt.Sprint("cluster", prefixes.Add(1)) }

// on returns the options for servers with addresses.
func on(addrs ...string) rueidis.ClientOption { return rueidis.ClientOption{InitAddress: addrs} }

// The exam of several nodes, in each mode.
func TestNodes(t *testing.T) {
	server := redistest.Start(t)
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) { runExam(t, mode, server.Addr()) })
	}
}

func runExam(t *testing.T, mode func(redis rueidis.ClientOption, o *redisadapter.Options) *cluster.Cluster, addrs ...string) {
	adaptertest.RunCluster(t, adaptertest.Factory{
		OrderedByChannel: true,
		New: func(*testing.T) func() adapter.Cluster {
			o := redisadapter.Options{Prefix: newPrefix(), Cluster: cluster.Options{Introduction: 50 * time.Millisecond}}
			return func() adapter.Cluster { return mode(on(addrs...), &o) }
		},
	})
}
