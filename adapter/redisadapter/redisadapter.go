// SPDX-License-Identifier: MIT

// This file holds the constructors of clusters.

package redisadapter

import (
	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

// Classic returns the Cluster of one server, which uses PUBLISH and SUBSCRIBE. Servers in
// Node.js use createAdapter of @socket.io/redis-adapter. The servers of a Redis Cluster
// repeat each message to each other; Sharded avoids that.
//
// redis says where Redis is: one server, a Redis Cluster, or Sentinels. The connections
// belong to the result, which makes them when its server starts, and again whenever they
// break. If o is nil, the defaults are used.
func Classic(redis rueidis.ClientOption, o *Options) *cluster.Cluster {
	opts := o.withDefaults()
	opts.Cluster.Codec, opts.Cluster.Rooms = cluster.Classic{}, cluster.RoomsAndSockets
	if opts.ByPattern {
		opts.Cluster.Rooms = cluster.RoomsByPattern
	}
	opts.Cluster.Ordering = cluster.OrderedByNode
	return cluster.New(newBus(redis, ModeClassic, &opts), &opts.Cluster)
}

// Sharded is like Classic with SPUBLISH and SSUBSCRIBE of Redis 7 and Valkey: on a Redis
// Cluster each server has a share of the channels. Servers in Node.js use
// createShardedAdapter of @socket.io/redis-adapter. All have the same mode; Sharded panics
// if it is ModeClassic.
func Sharded(redis rueidis.ClientOption, mode Mode, o *Options) *cluster.Cluster {
	if !mode.sharded() {
		panic("redisadapter: Sharded needs a sharded mode; use Classic")
	}
	opts := o.withDefaults()
	if opts.ByPattern {
		panic("redisadapter: Options.ByPattern is of Classic: Redis has no patterns for sharded channels")
	}
	opts.Cluster.Codec, opts.Cluster.Rooms = cluster.Envelope{}, mode.rooms()
	opts.Cluster.Ordering = cluster.OrderedByChannel
	return cluster.New(newBus(redis, mode, &opts), &opts.Cluster)
}
