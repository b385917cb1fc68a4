// SPDX-License-Identifier: MIT

// This file holds the options and the errors.

package pgadapter

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/adapter/cluster"
)

// Options configure Notify and Outbox. The zero value is ready for use.
type Options struct {
	// Prefix begins the names of channels: the option channelPrefix of Node.js. Defaults to
	// "socket.io".
	Prefix string
	// Table holds the messages that do not fit into a notification: the option tableName of
	// Node.js. It may have a schema, as in "chat.attachments". Defaults to
	// "socket_io_attachments". The other tables of Outbox have names of their own, which
	// begin with TablePrefix.
	Table string
	// TablePrefix begins the names of the tables of Outbox. It may have a schema. Defaults
	// to "socket_io_".
	TablePrefix string
	// TablesExist says that the tables exist: they are not created. See Schema.
	TablesExist bool
	// KeepAttachments is how long messages in Table are kept, for servers that are slow.
	// Defaults to 30 s, as in Node.js.
	KeepAttachments time.Duration
	// KeepEvents is how long Outbox keeps events at least. It must be longer than
	// Recovery.Window, and at least a minute. Defaults to 15 minutes.
	KeepEvents time.Duration
	// MaxQueue is the maximum number of bytes that wait to be sent to Postgres. When they
	// are exceeded, Emit returns ErrQueueFull. Defaults to 32 MiB.
	MaxQueue int
	// MaxConns is the maximum number of connections of a server beside the two that send
	// and receive: for sessions, missed events and cleaning. They are opened when needed.
	// Defaults to 4.
	MaxConns int
	// Cluster has the options that all buses have in common. Codec, Rooms, Ordering and
	// NodeHeartbeats are ignored.
	Cluster cluster.Options
}

// Errors of the bus. Emit and others return them when servers elsewhere do not receive an
// event. Clients of this server do.
var (
	// ErrDown wraps the reason why Postgres can't be reached.
	ErrDown = errors.New("pgadapter: Postgres is down")
	// ErrQueueFull is returned if Postgres takes messages more slowly than they are sent.
	ErrQueueFull = errors.New("pgadapter: too many bytes wait to be sent to Postgres")
	// ErrNotifyQueueFull wraps the error of Postgres when its queue of notifications is
	// full: a session that listens, of any program, stays in a transaction, so that nothing
	// can be removed.
	ErrNotifyQueueFull = errors.New("pgadapter: the NOTIFY queue of Postgres is full: a session that listens has been in a transaction for long")
	// ErrNamespace is wrapped by the error for a namespace that Notify can't have: Postgres
	// allows 63 bytes for the name of a channel, which is Prefix, "#" and the name of the
	// namespace.
	ErrNamespace = errors.New("pgadapter: the name of the namespace is too long for a channel of Postgres")
)

const (
	maxChannel   = 63 // bytes of the name of a channel
	maxPayload   = 7999
	answersIn    = 10 * time.Second // a busy machine may need seconds
	connectsIn   = 3 * time.Second
	stalledAfter = 3 * time.Second // until Publish returns an error
	sweepEvery   = 30 * time.Second
)

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	for text, standard := range map[*string]string{&c.Prefix: "socket.io", &c.Table: "socket_io_attachments", &c.TablePrefix: "socket_io_"} {
		if *text == "" {
			*text = standard
		}
	}
	if c.KeepAttachments <= 0 {
		c.KeepAttachments = 30 * time.Second
	}
	if c.KeepEvents <= 0 {
		c.KeepEvents = 15 * time.Minute
	}
	if c.MaxQueue <= 0 {
		c.MaxQueue = 32 << 20
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 4
	}
	const mostPrefix = 24
	switch {
	case len(c.Prefix) > mostPrefix:
		panic("pgadapter: Options.Prefix is longer than 24 bytes: the names of channels have 63")
	case c.KeepEvents < time.Minute:
		panic("pgadapter: Options.KeepEvents is less than a minute")
	}
	return c
}

// connection returns the configuration of the connections of the bus.
func connection(c *pgx.ConnConfig) *pgx.ConnConfig {
	c = c.Copy()
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = connectsIn
	}
	if c.RuntimeParams == nil {
		c.RuntimeParams = make(map[string]string)
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "socket.io"
	}
	return c
}
