// SPDX-License-Identifier: MIT

// This file holds the emitter.

package pgadapter

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// EmitterOptions configure an Emitter. The zero value is ready for use.
type EmitterOptions struct {
	// Prefix, Table and TablePrefix are those of the servers; see Options.
	Prefix, Table, TablePrefix string
	// Timeout limits how long a call waits for Postgres. Defaults to 5 s.
	Timeout time.Duration
	// MaxMessage is the maximum size of a message in bytes. Defaults to 16 MiB, as for
	// servers.
	MaxMessage int
}

// An Executor sends statements: a *pgxpool.Pool, a *pgx.Conn, or a pgx.Tx.
type Executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// An Emitter sends events to the clients of a cluster from a process that is not one of
// its servers.
type Emitter = cluster.Emitter

// An EmitterBroadcast selects sockets; see cluster.EmitterBroadcast.
type EmitterBroadcast = cluster.EmitterBroadcast

// An emitter publishes.
type emitter struct {
	db     Executor
	opts   EmitterOptions
	name   naming
	format format
	schema *schema // of the log; nil for Notify
	wake   string  // the channel of wake-ups
	count  atomic.Uint64
}

// NewEmitter returns an Emitter for the namespace "/" of servers with Notify, and of servers
// in Node.js with @socket.io/postgres-adapter. db stays the caller's. If o is nil, the
// defaults are used.
//
//	e := pgadapter.NewEmitter(pool, nil)
//	err := e.To("orders").Emit("paid", order)
//
// Each call waits until Postgres has the message, which says nothing about the servers. In
// a transaction, the event is sent when the transaction ends, and not at all if it is rolled
// back. Calls of one goroutine arrive in order. The methods of the Emitter may be called
// from any goroutine if the Executor allows it.
func NewEmitter(db Executor, o *EmitterOptions) *Emitter {
	opts, core := newEmitter(db, o)
	core.name, core.format.node = asNode(opts.Prefix), true
	return cluster.NewEmitter(core.send)
}

// NewOutboxEmitter is NewEmitter for servers with Outbox. A transaction that has emitted
// keeps all servers from sending until it ends: it should emit last.
func NewOutboxEmitter(db Executor, o *EmitterOptions) *Emitter {
	opts, core := newEmitter(db, o)
	core.name, core.schema, core.wake = hashed(opts.Prefix), newSchema(&opts, true), wakeChannel(opts.Prefix)
	return cluster.NewEmitter(core.send)
}

func newEmitter(db Executor, o *EmitterOptions) (Options, *emitter) {
	core := &emitter{db: db}
	if o != nil {
		core.opts = *o
	}
	if core.opts.Timeout <= 0 {
		core.opts.Timeout = 5 * time.Second
	}
	if core.opts.MaxMessage <= 0 {
		core.opts.MaxMessage = 16 << 20
	}
	opts := (&Options{Prefix: core.opts.Prefix, Table: core.opts.Table, TablePrefix: core.opts.TablePrefix}).withDefaults()
	core.format = format{self: nodewire.FromEmitter, table: opts.Table}
	return opts, core
}

// send sends a message and waits for the answer of Postgres.
func (e *emitter) send(m *nodewire.Message) error {
	data, err := nodewire.AppendEnvelope(nil, m, false)
	if err == nil && len(data) > maxPayload-maxCount {
		data, err = nodewire.AppendEnvelope(nil, m, true) // attachments are MessagePack
	}
	if err != nil {
		return err
	}
	if len(data) > e.opts.MaxMessage {
		return cluster.ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.opts.Timeout)
	defer cancel()
	if e.schema != nil && m.Kind != nodewire.KindServerSideEmit {
		_, err = e.db.Exec(ctx, e.schema.appendSQL(), e.schema.lock("log"), m.Namespace, nodewire.FromEmitter, data, e.wake)
		return err
	}
	return e.notify(ctx, e.name(cluster.Channel{Class: cluster.ClassRequests, Namespace: m.Namespace}), data)
}

// maxCount is the length of the number of a notification.
const maxCount = 32

// notify sends a notification. Postgres keeps one of two that are equal in a transaction,
// so each has a number, which servers ignore.
func (e *emitter) notify(ctx context.Context, channel string, data []byte) error {
	if err := checkChannel(channel); err != nil {
		return err
	}
	if data[0] == '{' {
		data = fmt.Appendf(data[:len(data)-1], `,"count":%d}`, e.count.Add(1))
	}
	text, ok := e.format.payload(data)
	if !ok {
		_, err := e.db.Exec(ctx, e.format.insertSQL(), data, channel, e.format.header())
		return err
	}
	_, err := e.db.Exec(ctx, "SELECT pg_notify($1, $2)", channel, text)
	return err
}
