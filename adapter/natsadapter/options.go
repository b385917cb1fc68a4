// SPDX-License-Identifier: MIT

// This file holds the options and the errors.

package natsadapter

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/cluster"
)

// Options configure Core and JetStream. The zero value is ready for use.
type Options struct {
	// Prefix begins the names of subjects. All servers of a cluster have the same. It
	// consists of letters, digits, hyphens and underscores. Defaults to "socketio".
	Prefix string
	// NATS has options of the connection, such as nats.UserCredentials and nats.Secure.
	// Handlers, and what concerns reconnecting, are replaced.
	NATS []nats.Option
	// MaxQueue is the maximum number of bytes that wait to be sent. When they are exceeded,
	// Emit returns ErrQueueFull. Defaults to 32 MiB.
	MaxQueue int
	// MaxPending is the maximum number of messages that have been received and wait to be
	// handled. When they are exceeded, messages are lost: the server makes a new connection
	// and says so. Defaults to 65536.
	MaxPending int
	// Counts, if not nil, counts what happens to the connection.
	Counts *Counts
	// Log has the options of JetStream. Core ignores them.
	Log LogOptions
	// Cluster has the options that all buses have in common. Ordering is ignored.
	Cluster cluster.Options
}

// LogOptions configure what JetStream stores: the events of all namespaces in the stream
// PREFIX_log, sessions in the bucket PREFIX_sessions. They count when the first server
// creates them. Those that exist already are used as they are.
type LogOptions struct {
	// Replicas is how many NATS servers store everything: 1, 3 or 5. With 1, all is
	// lost with its server, or with its disk. Defaults to 1.
	Replicas int
	// Memory keeps everything in memory. It is then lost when NATS is restarted.
	Memory bool
	// MaxAge is how long events are kept. It must be longer than Recovery.Window. Defaults
	// to 10 min.
	MaxAge time.Duration
	// MaxBytes is the maximum size of the events. The oldest are removed first. NATS reserves
	// so much. Defaults to 256 MiB.
	MaxBytes int64
	// MaxSessionBytes is the maximum size of the sessions. When it is exceeded, sessions
	// are not saved. NATS reserves so much. Defaults to 256 MiB.
	MaxSessionBytes int64
	// Domain is that of JetStream, for example behind a leaf node. Defaults to that of the
	// connection.
	Domain string
}

func (o *LogOptions) storage() jetstream.StorageType {
	if o.Memory {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

// Counts are counters of one server.
type Counts struct {
	// Connected is how often it has connected.
	Connected atomic.Uint64
	// Slow is how often messages were lost because more than Options.MaxPending waited.
	Slow atomic.Uint64
	// Unsent is the number of messages that could not be sent.
	Unsent atomic.Uint64
	// Denied is the number of times that NATS has refused a subscription or a message.
	Denied atomic.Uint64
}

// Errors of the bus. Emit and others return them when servers elsewhere do not receive an
// event. Clients of this server do.
var (
	// ErrDown wraps the reason why NATS can't be reached.
	ErrDown = errors.New("natsadapter: NATS is down")
	// ErrQueueFull is returned if NATS takes messages more slowly than they are sent.
	ErrQueueFull = errors.New("natsadapter: too many bytes wait to be sent to NATS")
	// ErrDenied wraps the permission that is missing.
	ErrDenied = errors.New("natsadapter: NATS refuses")

	errSlow       = errors.New("natsadapter: messages were lost, because too many waited to be handled")
	errFirst      = errors.New("natsadapter: not connected yet")
	errNoAnswer   = errors.New("natsadapter: NATS does not answer")
	errReplaced   = errors.New("natsadapter: the log was replaced")
	errReset      = errors.New("natsadapter: messages do not arrive")
	errSubscribes = errors.New("natsadapter: subscriptions are made again")
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	for i := range len(c.Prefix) {
		if !isPlain(c.Prefix[i]) {
			panic("natsadapter: Options.Prefix " + strings.ToValidUTF8(c.Prefix, "?") + " has other characters than letters, digits, hyphens and underscores")
		}
	}
	if c.MaxQueue <= 0 {
		c.MaxQueue = 32 << 20
	}
	if c.MaxPending <= 0 {
		c.MaxPending = 1 << 16
	}
	if c.Counts == nil {
		c.Counts = new(Counts)
	}
	if c.Log.Replicas <= 0 {
		c.Log.Replicas = 1
	}
	if c.Log.MaxAge <= 0 {
		c.Log.MaxAge = 10 * time.Minute
	}
	if c.Log.MaxBytes <= 0 {
		c.Log.MaxBytes = 256 << 20
	}
	if c.Log.MaxSessionBytes <= 0 {
		c.Log.MaxSessionBytes = 256 << 20
	}
	c.Cluster.Ordering = cluster.OrderedByNode
	return c
}
