// SPDX-License-Identifier: MIT

// This file holds the requests of this node to others.

package cluster

import (
	"cmp"
	"context"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// ServerCount implements adapter.Bus. It does not wait for other nodes, except shortly
// after the namespace was created. A PeerCounter is asked.
func (n *space) ServerCount(ctx context.Context) (int, error) {
	if n.alone() {
		return 1, nil
	}
	n.meet(ctx)
	known := n.core.members.count(n.nsp)
	if n.core.health.err() != nil {
		return 1 + known, ctx.Err()
	}
	others, err := n.countUnnamed(ctx, known)
	return 1 + known + others, cmp.Or(err, ctx.Err())
}

// FetchSockets implements adapter.Bus.
func (n *space) FetchSockets(ctx context.Context, t adapter.Target) ([]adapter.Found, error) {
	if n.stays(t) {
		return n.Memory.FetchSockets(ctx, t)
	}
	n.meet(ctx)
	n.entries.settle(ctx)
	f := newFetch(n.nsp, n.core.members.in(n.nsp), isCounted(n.core.bus))
	known := len(f.waiting)
	id := n.core.pending.add(f)
	defer n.core.pending.remove(id)
	err := n.core.publish(n.channel(ClassRequests), &nodewire.Message{Kind: nodewire.KindFetchSockets, Target: t, Ask: true, RequestID: id})
	here, _ := n.Memory.FetchSockets(ctx, t)
	if err == nil {
		err = n.core.health.err()
	}
	if err != nil { // answers are not to be expected
		there, partial := f.result(err)
		if partial != nil {
			err = partial
		}
		return append(here, there...), err
	}
	if isCounted(n.core.bus) {
		f.expect(n.countUnnamed(ctx, known))
	}
	there, err := f.wait(ctx)
	return append(here, there...), err
}

// BroadcastWithAck implements adapter.Bus.
func (n *space) BroadcastWithAck(ctx context.Context, p *adapter.Packet, t adapter.Target) error {
	var err error
	n.entries.settle(ctx)
	if !n.stays(t) {
		err = n.call(ctx, p.Call, func(id string) error {
			return n.share(p, t, n.channel(ClassRequests), func(m *nodewire.Message) {
				m.Ask, m.RequestID = true, id
				if deadline, ok := ctx.Deadline(); ok {
					m.Timeout = max(time.Until(deadline), time.Millisecond)
				}
			})
		})
	}
	_ = n.Memory.BroadcastWithAck(ctx, p, t)
	return err
}

// ServerSideEmitWithAck implements adapter.Bus.
func (n *space) ServerSideEmitWithAck(ctx context.Context, e adapter.Payload, c *adapter.Call) error {
	if n.alone() {
		return nil
	}
	n.entries.settle(ctx)
	return n.call(ctx, c, func(id string) error {
		return n.core.publish(n.channel(ClassRequests), &nodewire.Message{Kind: nodewire.KindServerSideEmit, Event: e, Ask: true, RequestID: id})
	})
}

// call announces the other nodes to c and sends them a request, whose answers go to c
// until ctx ends. If the request can't be sent, the nodes will not answer.
func (n *space) call(ctx context.Context, c *adapter.Call, send func(id string) error) error {
	n.meet(ctx)
	w := &callWaiter{namespace: n.nsp, call: c, local: n.local, names: n.core.members.in(n.nsp), most: -1}
	for _, name := range w.names {
		if !c.ExpectNode(name) {
			return nil // the caller has given up
		}
	}
	if isCounted(n.core.bus) {
		if !c.ExpectNodes(unnamed) {
			return nil
		}
		w.others = make(map[string]bool)
	}
	id := n.core.pending.add(w)
	context.AfterFunc(ctx, func() { n.core.pending.remove(id) })
	err := send(id)
	if err == nil {
		err = n.core.health.err()
	}
	if err != nil {
		for uid := range w.names {
			w.gone(uid, err)
		}
		c.NodeDone(unnamed, err)
	} else if w.others != nil {
		n.expectUnnamed(ctx, w)
	}
	return err
}
