// SPDX-License-Identifier: MIT

// This file holds the bus: its beginning, its state, and its end.

package redisadapter

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A bus is the cluster.Bus of one server.
type bus struct {
	mode      Mode
	prefix    string
	byPattern bool

	receiver cluster.Receiver // constant after Open
	table    *table
	sender   *sender
	finder   *finder
	prober   *prober
	dials    *dials

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines
	news   chan struct{}  // the state may have changed
	more   faults         // of other parts of the bus; or nil
}

// faults are those of a part of the bus.
type faults interface {
	// err returns why it does not work, or nil.
	err() error
}

var (
	_ cluster.Bus         = (*bus)(nil)
	_ cluster.PeerCounter = (*bus)(nil)
	_ cluster.LossCounter = (*bus)(nil)
)

// Lost implements cluster.LossCounter. It counts messages that Redis has not answered when the
// connection broke, those that it has refused, those for a slot that nobody has, and those that
// could not wait while their slot moved.
func (b *bus) Lost() uint64 { return b.sender.lost.Load() + b.table.holder.lost.Load() }

func newBus(redis rueidis.ClientOption, mode Mode, o *Options) *bus {
	b := &bus{mode: mode, prefix: o.Prefix, byPattern: o.ByPattern, table: newTable(), news: make(chan struct{}, 1)}
	if mode.sharded() {
		b.table.holder.pass = b.receiveHeld
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.dials = newDials(b.ctx)
	b.finder = &finder{
		redis: b.dials.wrap(connection(redis)), sharded: mode.sharded(), owner: b, table: b.table, ctx: b.ctx, work: &b.work,
		kicked: make(chan struct{}, 1), found: make(chan struct{}),
	}
	b.sender = &sender{outbox: newOutbox(o.MaxQueue), finder: b.finder, ctx: b.ctx}
	b.prober = &prober{finder: b.finder, table: b.table, box: b.sender.outbox, prefix: o.Prefix, ctx: b.ctx}
	return b
}

// Open implements cluster.Bus.
func (b *bus) Open(r cluster.Receiver) error {
	b.receiver = r
	b.work.Go(b.finder.run)
	b.work.Go(b.notify)
	b.work.Go(b.sender.run)
	if b.mode.sharded() {
		b.work.Go(b.prober.run)
	}
	return nil
}

// Close implements cluster.Bus.
func (b *bus) Close(ctx context.Context) error {
	var err error
	if b.receiver != nil {
		err = b.sender.outbox.Close(ctx)
	}
	b.cancel()
	b.table.close()
	stop := context.AfterFunc(ctx, b.dials.closeAll)
	defer stop()
	b.work.Wait()
	return err
}

// topic returns what is subscribed to for a channel.
func (b *bus) topic(c cluster.Channel) topic {
	if c.Class == cluster.ClassAnyRoom || c.Class == cluster.ClassEvents && b.byPattern {
		return topic{escape(b.mode.channel(b.prefix, cluster.Channel{Class: cluster.ClassEvents, Namespace: c.Namespace})) + "*", true}
	}
	return topic{b.mode.channel(b.prefix, c), false}
}

// escape returns a pattern that matches only name.
func escape(name string) string {
	const special = `*?[]\^`
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(special, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// Subscribe implements cluster.Bus.
func (b *bus) Subscribe(channels []cluster.Channel, done func(error)) {
	b.table.add(channels, b.topic, done)
}

// Unsubscribe implements cluster.Bus.
func (b *bus) Unsubscribe(channels []cluster.Channel) { b.table.remove(channels, b.topic) }

// receiveHeld passes on a message that has waited while its slot moved.
func (b *bus) receiveHeld(p topic, channel, message string) {
	var batch adapter.Batch
	b.receive(&batch, p, channel, message)
	batch.Flush()
}

// receive implements owner: it passes a message on.
func (b *bus) receive(batch *adapter.Batch, p topic, channel, message string) {
	c, ok := b.table.channel(p)
	switch {
	case !ok:
		return // unsubscribed a moment ago
	case c.Class == classProbe:
		b.prober.heard(c)
		return
	case p.pattern:
		c = cluster.Channel{Class: cluster.ClassEvents, Namespace: c.Namespace}
		if room := strings.TrimPrefix(channel, b.mode.channel(b.prefix, c)); room != "" {
			c.Class, c.Name = cluster.ClassRoom, strings.TrimSuffix(room, "#")
		}
	}
	if many, ok := b.receiver.(cluster.BatchReceiver); ok {
		many.ReceiveMany(batch, c, []byte(message))
		return
	}
	b.receiver.Receive(c, []byte(message))
}

// Publish implements cluster.Bus.
func (b *bus) Publish(c cluster.Channel, data []byte) error {
	name := b.mode.channel(b.prefix, c)
	if r := b.finder.routes.Load(); r != nil {
		n := r.node(name)
		if n == nil {
			return errNoServer
		}
		if err := n.publishes(); err != nil {
			return err
		}
	} else if err := b.finder.err(); err != nil {
		return err
	}
	return b.sender.outbox.Put(message{name, data})
}

// Reset implements cluster.Bus.
func (b *bus) Reset() {
	if r := b.finder.routes.Load(); r != nil {
		if n := r.node(b.topic(cluster.Channel{Class: cluster.ClassNodes}).name); n != nil {
			n.reset()
		}
	}
	b.kick()
}

// Subscribers returns the number of subscribers of each channel, in the whole Redis
// Cluster. It implements cluster.PeerCounter.
func (b *bus) Subscribers(ctx context.Context, channels []cluster.Channel) ([]int, error) {
	r := b.finder.routes.Load()
	if r == nil {
		return nil, errors.Join(errCount, b.finder.err())
	}
	names := make([]string, len(channels))
	for i, c := range channels {
		names[i] = b.mode.channel(b.prefix, c)
	}
	counts := make([]int, len(channels))
	for _, n := range r.all {
		if err := count(ctx, r, n, names, counts); err != nil {
			return nil, down(err)
		}
	}
	return counts, nil
}

// kick implements owner.
func (b *bus) kick() { poke(b.finder.kicked) }

// changed implements owner.
func (b *bus) changed() { poke(b.news) }

// notify calls Down and Up of the receiver when the state has changed.
func (b *bus) notify() {
	isDown := false
	for {
		select {
		case <-b.news:
		case <-b.ctx.Done():
			return
		}
		err := b.finder.err()
		if err == nil && b.more != nil {
			err = b.more.err()
		}
		switch {
		case err != nil:
			isDown = true
			b.receiver.Down(err)
		case isDown:
			isDown = false
			b.receiver.Up()
		}
	}
}
