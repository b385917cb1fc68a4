// SPDX-License-Identifier: MIT

// This file holds the options and the errors.

package natsadapter

import (
	"errors"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

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
	// Cluster has the options that all buses have in common. Ordering is ignored.
	Cluster cluster.Options
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
	c.Cluster.Ordering = cluster.OrderedByNode
	return c
}
