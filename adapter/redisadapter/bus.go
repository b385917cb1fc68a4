// SPDX-License-Identifier: MIT

// This file holds the bus: its beginning, its state, and its end.

package redisadapter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

// A bus is the cluster.Bus of one server.
type bus struct {
	redis rueidis.ClientOption
	mode  Mode
	opts  Options

	receiver cluster.Receiver // constant after Open
	table    *table
	out      *outbox
	dials    *dials

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // all goroutines
	kicked chan struct{}  // the topology may have changed
	news   chan struct{}  // the state may have changed
	routes atomic.Pointer[routes]
	start  int // of the servers of a Redis Cluster: which is chosen first

	fresh sync.Mutex
	found chan struct{} // closed when routes have been found

	mu    sync.Mutex // guards the fields below
	nodes map[string]*node
	lost  error // why no node is known
}

var (
	_ cluster.Bus         = (*bus)(nil)
	_ cluster.PeerCounter = (*bus)(nil)
)

func newBus(redis rueidis.ClientOption, mode Mode, opts *Options) *bus {
	b := &bus{
		mode: mode, opts: *opts, table: newTable(), kicked: make(chan struct{}, 1), news: make(chan struct{}, 1),
		nodes: make(map[string]*node), found: make(chan struct{}), start: rand.IntN(slots),
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.dials = &dials{ctx: b.ctx, open: make(map[*tracked]struct{})}
	b.redis = b.dials.wrap(connection(redis))
	b.out = newOutbox(opts.MaxQueue)
	return b
}

// Open implements cluster.Bus.
func (b *bus) Open(r cluster.Receiver) error {
	b.receiver = r
	b.work.Go(b.keepRoutes)
	b.work.Go(b.notify)
	b.work.Go(b.send)
	return nil
}

// topic returns what is subscribed to for a channel.
func (b *bus) topic(c cluster.Channel) topic {
	if c.Class == cluster.ClassAnyRoom || c.Class == cluster.ClassEvents && b.opts.ByPattern {
		return topic{escape(b.mode.channel(b.opts.Prefix, cluster.Channel{Class: cluster.ClassEvents, Namespace: c.Namespace})) + "*", true}
	}
	return topic{b.mode.channel(b.opts.Prefix, c), false}
}

// escape returns a pattern that matches only name.
func escape(name string) string {
	if !strings.ContainsAny(name, `*?[]\^`) {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(`*?[]\^`, name[i]) >= 0 {
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

// receive passes a message on. name is that of its channel.
func (b *bus) receive(p topic, name, message string) {
	if b.ctx.Err() != nil {
		return
	}
	c, ok := b.table.channel(p)
	if !ok {
		return // unsubscribed a moment ago
	}
	if p.pattern {
		c = cluster.Channel{Class: cluster.ClassEvents, Namespace: c.Namespace}
		if room := strings.TrimPrefix(name, b.mode.channel(b.opts.Prefix, c)); room != "" {
			c.Class, c.Name = cluster.ClassRoom, strings.TrimSuffix(room, "#")
		}
	}
	b.receiver.Receive(c, []byte(message))
}

// Publish implements cluster.Bus.
func (b *bus) Publish(c cluster.Channel, data []byte) error {
	name := b.mode.channel(b.opts.Prefix, c)
	if r := b.routes.Load(); r != nil {
		n := r.node(name)
		if n == nil {
			return errNoServer
		}
		if err := n.publishes(); err != nil {
			return err
		}
	} else if err := b.unknown(); err != nil {
		return err
	}
	return b.out.put(message{name, data})
}

// unknown returns why no node is known, or nil if none has been tried.
func (b *bus) unknown() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

// Reset implements cluster.Bus.
func (b *bus) Reset() {
	if r := b.routes.Load(); r != nil {
		if n := r.node(b.topic(cluster.Channel{Class: cluster.ClassNodes}).name); n != nil {
			n.reset()
		}
	}
	b.kick()
}

// kick makes the topology be looked at again.
func (b *bus) kick() { poke(b.kicked) }

// changed is called when the state may have changed.
func (b *bus) changed() { poke(b.news) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// notify calls Down and Up of the receiver when the state has changed.
func (b *bus) notify() {
	down := false
	for {
		select {
		case <-b.news:
		case <-b.ctx.Done():
			return
		}
		switch err := b.state(); {
		case err != nil:
			down = true
			b.receiver.Down(err)
		case down:
			down = false
			b.receiver.Up()
		}
	}
}

// state returns why the bus does not work, or nil.
func (b *bus) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost != nil {
		return b.lost
	}
	for _, n := range b.nodes {
		if err := n.err(); err != nil {
			return err
		}
	}
	return nil
}

// down returns an error that wraps ErrDown.
func down(err error) error {
	if errors.Is(err, ErrDown) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

// Close implements cluster.Bus.
func (b *bus) Close(ctx context.Context) error {
	err := b.out.close(ctx)
	b.cancel()
	b.table.close()
	stop := context.AfterFunc(ctx, b.dials.closeAll)
	defer stop()
	b.work.Wait()
	return err
}

// A pause is the growing time between attempts.
type pause time.Duration

const (
	leastPause = 50 * time.Millisecond
	mostPause  = time.Second
)

// wait waits. It returns false if ctx has ended.
func (p *pause) wait(ctx context.Context) bool {
	*p = min(max(2**p, pause(leastPause)), pause(mostPause))
	t := time.NewTimer(time.Duration(*p))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
