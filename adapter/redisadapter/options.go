// SPDX-License-Identifier: MIT

// This file holds the options and the errors.

package redisadapter

import (
	"errors"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

// Options configure Classic and Sharded. The zero value is ready for use.
type Options struct {
	// Prefix begins the names of channels: the option key of createAdapter, and channelPrefix
	// of createShardedAdapter. Defaults to "socket.io".
	Prefix string
	// ByPattern makes Classic receive the broadcasts to all rooms by one subscription, as
	// Node.js does. By default each room with members on this server has one, so that
	// broadcasts to other rooms do not arrive. Servers of both kinds can share a cluster.
	ByPattern bool
	// MaxQueue is the maximum number of bytes that wait to be sent to Redis. When they are
	// exceeded, Emit returns ErrQueueFull. Defaults to 32 MiB.
	MaxQueue int
	// Cluster has the options that all buses have in common. Codec, Rooms and Ordering are
	// ignored.
	Cluster cluster.Options
}

// Errors of the bus. Emit and others return them when servers elsewhere do not receive an
// event. Clients of this server do.
var (
	// ErrDown wraps the reason why Redis can't be reached.
	ErrDown = errors.New("redisadapter: Redis is down")
	// ErrQueueFull is returned if Redis takes messages more slowly than they are sent.
	ErrQueueFull = errors.New("redisadapter: too many bytes wait to be sent to Redis")
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if c.MaxQueue <= 0 {
		c.MaxQueue = 32 << 20
	}
	return c
}

// Defaults of a connection.
const (
	answersIn  = 10 * time.Second // a busy machine may need seconds
	connectsIn = 3 * time.Second
	// sentinelsEvery is how often Sentinels are asked which server is the master, in case
	// their message was lost.
	sentinelsEvery = 5 * time.Second
	bufferSize     = 64 << 10
	ringScale      = 8 // 256 calls at once; this package makes two
)

// connection returns the options of the connections of the bus.
func connection(o rueidis.ClientOption) rueidis.ClientOption {
	if o.ConnWriteTimeout <= 0 {
		o.ConnWriteTimeout = answersIn
	}
	if o.Dialer.Timeout <= 0 {
		o.Dialer.Timeout = connectsIn
	}
	if o.ReadBufferEachConn <= 0 {
		o.ReadBufferEachConn = bufferSize
	}
	if o.WriteBufferEachConn <= 0 {
		o.WriteBufferEachConn = bufferSize
	}
	if o.RingScaleEachConn <= 0 {
		o.RingScaleEachConn = ringScale
	}
	if o.Sentinel.TopologyRefreshInterval == 0 {
		o.Sentinel.TopologyRefreshInterval = sentinelsEvery
	}
	o.PipelineMultiplex = -1  // one connection, which keeps the order
	o.AlwaysPipelining = true // notices a broken connection at once
	o.DisableAutoPipelining, o.AlwaysRESP2 = false, false
	o.DisableCache, o.DisableRetry = true, true // a message that is sent again may come twice
	o.ConnLifetime = 0
	return o
}
