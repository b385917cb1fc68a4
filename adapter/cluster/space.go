// SPDX-License-Identifier: MIT

// This file holds a namespace on this node: its channels, and broadcasts.

package cluster

import (
	"context"
	"sync"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// A space is the adapter.Adapter of a namespace.
type space struct {
	*adapter.Memory
	core     *services
	local    adapter.Local
	nsp      string
	interest *interest
	events   *eventQueue
	entries  *eventLog // nil if the bus has no logs

	recounter recounter

	introduced chan struct{} // closed when the other nodes should be known
	introduce  sync.Once     // closes it
	mu         sync.Mutex    // guards the fields below
	timer      *time.Timer   // calls introduce; nil before the channels are subscribed
	ended      bool
}

var (
	_ adapter.Adapter    = (*space)(nil)
	_ adapter.Observable = (*space)(nil)
	_ adapter.JoinWaiter = (*space)(nil)
	_ adapter.Sharer     = (*space)(nil)
)

// newSpace returns the adapter of a namespace. If the node is closed, it only keeps rooms.
func newSpace(s *services, l adapter.Local) *space {
	n := &space{
		entries: s.takeLog(l.Namespace()),
		Memory:  adapter.NewMemory(), core: s, local: l, nsp: l.Namespace(),
		events: &eventQueue{local: l, most: s.opts.MaxServerEvents}, introduced: make(chan struct{}),
		interest: &interest{
			bus: s.bus, space: l.Namespace(), mode: s.opts.Rooms, linger: max(s.opts.Linger, s.node.Linger), ctx: s.ctx, start: s.start,
			failed: func(err error) { s.reporter.notSubscribed(l.Namespace(), err) },
			rooms:  make(map[string]*roomState), wake: make(chan struct{}, 1), changing: &s.changing,
		},
	}
	n.recounter.space = n
	if !s.open(n.nsp, n) {
		n.ended = true
		n.interest.finish()
		return n
	}
	n.Observe(n.interest)
	if n.entries != nil {
		n.entries.foreign = (*logSpace)(n)
		n.entries.bus.OpenLog(n.nsp)
	}
	s.subscribe(n.channels(), func() bool { return !n.alone() && s.ctx.Err() == nil }, n.subscribed)
	return n
}

// channels are those of the namespace, except rooms.
func (n *space) channels() []Channel {
	channels := []Channel{n.channel(ClassRequests), n.channel(ClassEvents), {Class: ClassNode, Namespace: n.nsp, Name: n.core.uid}}
	if _, classic := n.core.opts.Codec.(Classic); classic {
		channels = append(channels, n.channel(ClassAnswers))
	}
	if n.core.opts.Rooms == RoomsByPattern {
		channels = append(channels, n.channel(ClassAnyRoom))
	}
	return channels
}

func (n *space) channel(c Class) Channel { return Channel{Class: c, Namespace: n.nsp} }

// subscribed is called when the channels are subscribed. The node introduces itself.
func (n *space) subscribed() {
	n.mu.Lock()
	ended := n.ended
	if !ended {
		n.timer = time.AfterFunc(n.core.opts.Introduction, func() { n.introduce.Do(func() { close(n.introduced) }) })
	}
	n.mu.Unlock()
	if !ended {
		n.hello()
	}
}

// ready implements namespace.
func (n *space) ready() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.timer != nil && !n.ended
}

// hello implements namespace.
func (n *space) hello() {
	_ = n.core.announce(n.channel(ClassRequests), nodewire.KindHello, &announcement{spaces: []string{n.nsp}})
}

// meet waits until the other nodes should be known. While the cluster is degraded, it
// does not wait.
func (n *space) meet(ctx context.Context) {
	if n.core.health.err() != nil {
		return
	}
	select {
	case <-n.introduced:
	case <-ctx.Done():
	case <-n.core.ctx.Done():
	}
}

// Close implements adapter.Bus.
func (n *space) Close() error {
	n.mu.Lock()
	ended := n.ended
	n.ended = true
	if n.timer != nil {
		n.timer.Stop()
	}
	n.mu.Unlock()
	if ended || !n.core.close(n.nsp, n) {
		return nil
	}
	n.introduce.Do(func() { close(n.introduced) })
	_ = n.core.announce(n.channel(ClassRequests), nodewire.KindBye, &announcement{})
	n.interest.finish()
	n.core.unsubscribe(n.channels())
	if n.entries != nil {
		n.core.dropLog(n.entries)
	}
	return nil
}

// alone reports whether the namespace has ended on this node.
func (n *space) alone() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ended
}

// Broadcast implements adapter.Bus.
func (n *space) Broadcast(p *adapter.Packet, t adapter.Target) (int, error) {
	err := n.Share(p, t)
	count, _ := n.Memory.Broadcast(p, t)
	return count, err
}

// Share implements adapter.Sharer.
func (n *space) Share(p *adapter.Packet, t adapter.Target) error {
	if n.stays(t) {
		return nil
	}
	if n.entries != nil {
		e, err := n.core.payload(n.local, p)
		if err != nil {
			return err
		}
		return n.entries.append(&nodewire.Message{Kind: nodewire.KindBroadcast, Event: e, Target: t, Flags: p.Flags}, nil)
	}
	return n.share(p, t, n.route(t), nil)
}

// stays reports whether a broadcast is not meant for other nodes.
func (n *space) stays(t adapter.Target) bool {
	return t.Local || t.Rooms != nil && len(t.Rooms) == 0 || n.alone()
}

// route returns the channel of a broadcast.
func (n *space) route(t adapter.Target) Channel {
	return n.core.opts.Rooms.Route(n.nsp, t.Rooms)
}

// share publishes the event of a packet. add, if not nil, makes it a request.
func (n *space) share(p *adapter.Packet, t adapter.Target, c Channel, add func(m *nodewire.Message)) error {
	e, err := n.core.payload(n.local, p)
	if err != nil {
		return err
	}
	m := &nodewire.Message{Kind: nodewire.KindBroadcast, Event: e, Target: t, Flags: p.Flags}
	if add != nil {
		add(m)
	}
	return n.core.publish(c, m)
}

// WaitJoined implements adapter.JoinWaiter.
func (n *space) WaitJoined(rooms []string) error {
	if n.alone() {
		return nil
	}
	timeout, began := n.core.opts.JoinTimeout, time.Now()
	if n.core.health.err() != nil || !n.entries.waitOpened(n.core.ctx, timeout) || !n.interest.waitFor(rooms, timeout-time.Since(began)) {
		return adapter.ErrDegraded
	}
	return nil
}
