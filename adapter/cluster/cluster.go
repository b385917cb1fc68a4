// SPDX-License-Identifier: MIT

// This file holds the node: its beginning, what it receives, and its end.

package cluster

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// A Cluster connects a server to others by a Bus. It is an adapter.Cluster. All methods
// may be called from any goroutine.
type Cluster struct {
	node *node // a field, so that the methods of a Receiver are not those of a Cluster
}

// A node is the Receiver of the bus.
type node struct {
	*services
	lease lease
}

var _ adapter.Cluster = (*Cluster)(nil)

// New returns the Cluster of one server. It owns the bus. If o is nil, the defaults are
// used. New panics if Options.Lease is less than two heartbeats, or if a secret is missing
// or short.
func New(bus Bus, o *Options) *Cluster {
	opts := o.withDefaults()
	if _, ok := bus.(LogBus); ok {
		opts.Rooms = RoomsTogether // each node reads the whole log
	}
	ctx, cancel := context.WithCancel(context.Background())
	uid := newUID()
	name := uid
	if opts.Name != "" {
		name = opts.Name + "-" + uid[:4]
	}
	return &Cluster{node: &node{services: &services{
		opts: opts, bus: bus, uid: uid, name: name, ctx: ctx, cancel: cancel,
		members: newMembers(), health: &health{log: slog.New(slog.DiscardHandler)}, pending: &pending{all: make(map[string]waiter)},
		repeats:   &repeats{windows: make(map[string]*window)},
		gate:      gate{echoes: make(chan struct{}, 1)},
		answering: make(chan struct{}, opts.MaxAnswering), handing: make(chan struct{}, maxHanding), spaces: make(map[string]namespace), logs: make(map[string]*eventLog),
	}}}
}

// Open implements adapter.Cluster.
func (c *Cluster) Open(info adapter.Node) error {
	n := c.node
	n.services.node, n.log = info, info.Logger.With("node", n.name)
	n.health.open(n.log, info.Changed)
	n.reporter = &reporter{log: n.log, last: make(map[string]*report)}
	n.lease.renewed(time.Now())
	n.members.begin(time.Now())
	if err := n.bus.Open(n); err != nil {
		return err
	}
	n.subscribe([]Channel{{Class: ClassNodes}}, func() bool { return n.ctx.Err() == nil }, func() { n.beat() })
	n.start(n.keepBeating)
	return nil
}

// Adapter implements adapter.Cluster.
func (c *Cluster) Adapter(l adapter.Local) adapter.Adapter { return newSpace(c.node.services, l) }

// Close implements adapter.Cluster. Other nodes learn that this one has left.
func (c *Cluster) Close(ctx context.Context) error {
	n := c.node
	n.mu.Lock()
	closed := n.closed
	n.closed = true
	n.mu.Unlock()
	if closed {
		return nil
	}
	_ = n.announce(Channel{Class: ClassNodes}, nodewire.KindBye, &announcement{})
	n.gate.end()
	n.cancel()
	done := make(chan struct{})
	go func() { // ends with the goroutines of the node, which end with n.ctx
		n.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	return errors.Join(n.bus.Close(ctx), ctx.Err())
}

// CheckNamespace implements adapter.NamespaceChecker, if the bus does.
func (c *Cluster) CheckNamespace(name string) error {
	if checker, ok := c.node.bus.(adapter.NamespaceChecker); ok {
		return checker.CheckNamespace(name)
	}
	return nil
}

// Name is the name of this node in logs, and in the errors of other nodes.
func (c *Cluster) Name() string { return c.node.name }

// Ordering is Options.Ordering.
func (c *Cluster) Ordering() Ordering { return c.node.opts.Ordering }

// Health returns whether the bus works.
func (c *Cluster) Health() adapter.Health { return c.node.health.get() }

// Nodes returns the number of nodes that are known, including this one. Nodes that share
// no namespace with this one count too. A server in Node.js that announces itself counts
// once for each of its namespaces; one that does not is not counted.
func (c *Cluster) Nodes() int { return 1 + c.node.members.size() }

// Stats returns counters of messages.
func (c *Cluster) Stats() Stats {
	s := c.node.counter.stats()
	if l, ok := c.node.bus.(LossCounter); ok {
		s.Lost = l.Lost()
	}
	return s
}

// Receive implements Receiver.
func (n *node) Receive(c Channel, data []byte) { n.ReceiveMany(nil, c, data) }

// ReceiveMany implements BatchReceiver.
func (n *node) ReceiveMany(b *adapter.Batch, c Channel, data []byte) {
	n.checkLease()
	n.health.received.Store(time.Now().UnixNano())
	var space namespace
	if c.Class != ClassNodes {
		if space = n.space(c.Namespace); space == nil || !space.wants(c) {
			n.counter.received.Add(1) // the channel was unsubscribed a moment ago, or the room is not here
			return
		}
	}
	m, reason := n.decode(c, data)
	if m == nil {
		n.counter.received.Add(1)
		n.drop(reason, c, "")
		return
	}
	if m.From == n.uid {
		n.counter.own.Add(1)
		if c.Class == ClassNodes && m.Kind == nodewire.KindHeartbeat {
			n.heardSelf(m)
		}
		return
	}
	if !n.fresh(c, m) {
		return
	}
	if c.Class == ClassNodes {
		n.heardNode(c, m)
		return
	}
	n.members.touch(m.From, time.Now())
	if n.eventLog(c.Namespace).hold(m.After, func() { space.handle(c, m, nil) }) {
		return
	}
	space.handle(c, m, b)
}

// fresh counts a message of another node. It reports false if the message has come before,
// or belongs elsewhere.
func (n *node) fresh(c Channel, m *nodewire.Message) bool {
	n.counter.received.Add(1)
	if !n.repeats.first(m.From, m.Number, time.Now()) {
		n.counter.repeated.Add(1)
		return false
	}
	if m.Namespace != "" && m.Namespace != c.Namespace {
		n.drop("of another namespace than its channel", c, m.From)
		return false
	}
	return true
}

// heardNode handles a message of the channel of all nodes.
func (n *node) heardNode(c Channel, m *nodewire.Message) {
	switch m.Kind {
	case nodewire.KindHeartbeat:
		a, ok := n.announced(c, m)
		if !ok {
			return
		}
		n.counter.heartbeats.Add(1)
		left, entered := n.members.announce(m.From, &a, time.Now())
		for _, space := range left {
			n.pending.gone(m.From, space, false)
		}
		for _, name := range entered {
			if space, ok := n.space(name).(*space); ok {
				space.recounter.newcomer()
			}
		}
		n.announcer().heard(m.From, &a)
	case nodewire.KindBye:
		if _, ok := n.announced(c, m); !ok {
			return
		}
		n.members.remove(m.From)
		n.pending.gone(m.From, "", true)
		n.announcer().left(m.From)
	default:
		n.drop("a kind that is not handled", c, m.From)
		return
	}
	n.counter.useful.Add(1)
}

// Down implements Receiver.
func (n *node) Down(err error) { n.health.setDown(err) }

// Up implements Receiver.
func (n *node) Up() {
	n.members.touchAll(time.Now()) // their heartbeats could not arrive
	n.health.setDown(nil)
	n.rejoin()
}
