// SPDX-License-Identifier: MIT

// This file holds the bus: its beginning, and its end.

package pgadapter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A bus is the cluster.Bus of one server.
type bus struct {
	opts     Options
	name     naming
	table    *table
	state    *state
	queue    *queue
	listener *listener
	sender   *sender
	links    *links
	sweeper  *sweeper

	opened bool
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines
}

var (
	_ cluster.Bus         = (*bus)(nil)
	_ cluster.LossCounter = (*bus)(nil)
)

// newBus returns the bus of Notify, or what Outbox adds a log to.
func newBus(config *pgx.ConnConfig, o *Options, name naming, node bool) *bus {
	b := &bus{opts: *o, name: name, table: newTable(name), state: newState(), queue: newQueue(o.MaxQueue)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	config = connection(config)
	f := &format{self: newUID(), table: o.Table, node: node}
	b.links = newLinks(b.ctx, config, o.MaxConns)
	b.listener = &listener{config: config, table: b.table, state: b.state, format: f, ctx: b.ctx}
	b.sender = &sender{config: config, queue: b.queue, state: b.state, format: f, schema: newSchema(o, !node), probe: o.Prefix + "-probe", ctx: b.ctx}
	b.sweeper = &sweeper{links: b.links, schema: newSchema(o, !node), keepAttachments: o.KeepAttachments}
	return b
}

// newUID returns 16 random hexadecimal digits, as identifiers have in Node.js.
func newUID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Open implements cluster.Bus.
func (b *bus) Open(r cluster.Receiver) error {
	b.opened = true
	b.listener.receive = func(_ *adapter.Batch, c cluster.Channel, data []byte) { r.Receive(c, data) }
	if many, ok := r.(cluster.BatchReceiver); ok {
		b.listener.receive = many.ReceiveMany
	}
	b.work.Go(b.listener.run)
	b.work.Go(b.sender.run)
	b.work.Go(func() { b.state.notify(b.ctx, r) })
	b.work.Go(func() { b.sweeper.run(b.ctx) })
	return nil
}

// Close implements cluster.Bus.
func (b *bus) Close(ctx context.Context) error {
	var err error
	if b.opened {
		err = b.queue.Close(ctx)
	}
	b.cancel()
	b.table.close()
	b.work.Wait()
	b.links.close()
	return err
}

// Publish implements cluster.Bus.
func (b *bus) Publish(c cluster.Channel, data []byte) error {
	if err := b.state.publishes(); err != nil {
		return err
	}
	name := b.name(c)
	if err := checkChannel(name); err != nil {
		return err
	}
	return b.queue.Put(message{channel: name, data: data})
}

// Lost implements cluster.LossCounter.
func (b *bus) Lost() uint64 { return b.sender.lost.Load() }

// Subscribe implements cluster.Bus.
func (b *bus) Subscribe(channels []cluster.Channel, done func(error)) { b.table.add(channels, done) }

// Unsubscribe implements cluster.Bus.
func (b *bus) Unsubscribe(channels []cluster.Channel) { b.table.remove(channels) }

// Reset implements cluster.Bus.
func (b *bus) Reset() { b.listener.reset() }

// CheckNamespace implements cluster.NamespaceChecker.
func (b *bus) CheckNamespace(name string) error {
	return checkChannel(b.name(cluster.Channel{Class: cluster.ClassEvents, Namespace: name}))
}
