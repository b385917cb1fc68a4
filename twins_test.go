// SPDX-License-Identifier: MIT

// This file holds a cluster inside the test process: it shows that the adapter
// contract has what one needs.

package socketio_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
)

// A bus joins the nodes of one namespace.
type bus struct {
	mu    sync.Mutex
	nodes []*node
	work  sync.WaitGroup
}

func (b *bus) others(n *node) []*node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.nodes), func(o *node) bool { return o == n })
}

// A node is an adapter whose others are reached by calling them.
type node struct {
	*adapter.Memory
	bus    *bus
	name   string
	local  adapter.Local
	mute   atomic.Bool // it answers nothing
	broken atomic.Bool // it can't publish
	closed atomic.Int32
}

var errBus = fmt.Errorf("the bus is broken")

func (n *node) Init(l adapter.Local) error {
	n.local = l
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.bus.nodes = append(n.bus.nodes, n)
	return nil
}

func (n *node) Close() error {
	n.closed.Add(1)
	n.bus.work.Wait()
	return nil
}

func (n *node) each(do func(o *node) error) error {
	if n.broken.Load() {
		return errBus
	}
	for _, o := range n.bus.others(n) {
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) Broadcast(p *adapter.Packet, t adapter.Target) (int, error) {
	var err error
	if !t.Local {
		err = n.each(func(o *node) error {
			e, err := n.local.Payload(p)
			if err != nil {
				return err
			}
			q, err := o.local.Packet(e, p.Flags, nil)
			if err == nil {
				_, err = o.Memory.Broadcast(q, t)
			}
			return err
		})
	}
	count, _ := n.Memory.Broadcast(p, t)
	return count, err
}

func (n *node) BroadcastWithAck(ctx context.Context, p *adapter.Packet, t adapter.Target) error {
	var err error
	if !t.Local {
		err = n.each(func(o *node) error {
			e, err := n.local.Payload(p)
			if err != nil || !p.Call.ExpectNode(o.name) || o.mute.Load() {
				return err
			}
			n.bus.work.Go(func() { o.ask(ctx, n, p.Call, e, p.Flags, t) })
			return nil
		})
	}
	_ = n.Memory.BroadcastWithAck(ctx, p, t)
	return err
}

// ask asks this node's sockets for another.
func (n *node) ask(ctx context.Context, asker *node, c *adapter.Call, e adapter.Payload, f adapter.Flags, t adapter.Target) {
	own := adapter.NewCall()
	q, err := n.local.Packet(e, f, own)
	if err != nil {
		c.NodeDone(n.name, err)
		return
	}
	defer n.local.End(q)
	_ = n.Memory.BroadcastWithAck(ctx, q, t)
	own.Seal()
	ids := own.Asked()
	c.NodeAsked(n.name, len(ids), ids)
	for {
		a, ok := own.Next(ctx)
		if !ok {
			break
		}
		if e, err := n.local.EncodeArgs(a.Args); err == nil {
			c.NodeAnswer(n.name, a.Socket, asker.local.DecodeArgs(e))
		}
	}
	if ctx.Err() == nil {
		c.NodeDone(n.name, own.Err(nil))
	}
}

func (n *node) FetchSockets(ctx context.Context, t adapter.Target) ([]adapter.Found, error) {
	found, _ := n.Memory.FetchSockets(ctx, t)
	if t.Local {
		return found, nil
	}
	silent := &adapter.PartialError{}
	err := n.each(func(o *node) error {
		if o.mute.Load() {
			<-ctx.Done()
			silent.Nodes, silent.Err = append(silent.Nodes, o.name), ctx.Err()
			return nil
		}
		for _, m := range o.Members(t) {
			info := o.local.Describe(m)
			info.Node = o.name
			found = append(found, adapter.Found{Info: info})
		}
		return nil
	})
	if err == nil && len(silent.Nodes) > 0 {
		err = silent
	}
	return found, err
}

func (n *node) all(t adapter.Target, do func(*adapter.Memory) error) error {
	var err error
	if !t.Local {
		err = n.each(func(o *node) error { return do(o.Memory) })
	}
	if here := do(n.Memory); err == nil {
		err = here
	}
	return err
}

func (n *node) SocketsJoin(t adapter.Target, rooms []string) error {
	return n.all(t, func(m *adapter.Memory) error { return m.SocketsJoin(t, rooms) })
}

func (n *node) SocketsLeave(t adapter.Target, rooms []string) error {
	return n.all(t, func(m *adapter.Memory) error { return m.SocketsLeave(t, rooms) })
}

func (n *node) DisconnectSockets(t adapter.Target, close bool) error {
	return n.all(t, func(m *adapter.Memory) error { return m.DisconnectSockets(t, close) })
}

func (n *node) ServerSideEmit(e adapter.Payload) error {
	return n.each(func(o *node) error {
		o.local.HandleServerSideEmit(context.Background(), e, nil)
		return nil
	})
}

func (n *node) ServerSideEmitWithAck(ctx context.Context, e adapter.Payload, c *adapter.Call) error {
	return n.each(func(o *node) error {
		if c.ExpectNode(o.name) && !o.mute.Load() {
			n.bus.work.Go(func() {
				o.local.HandleServerSideEmit(ctx, e, func(p adapter.Payload) {
					c.NodeAnswer(o.name, "", n.local.DecodeArgs(p))
				})
			})
		}
		return nil
	})
}

func (n *node) ServerCount(context.Context) (int, error) { return 1 + len(n.bus.others(n)), nil }

// A twin is one server of a cluster of two or more.
type twin struct {
	*world
	node *node // of "/"
}

// twins has a test in a cluster of n servers, in a bubble of virtual time.
func twins(t *testing.T, n int, opts func(i int) *socketio.Options, test func(twins []twin)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		buses := make(map[string]*bus)
		all := make([]twin, n)
		for i := range all {
			var o socketio.Options
			if opts != nil {
				o = *opts(i)
			}
			nodes := make(map[string]*node)
			o.Adapter = func(namespace string) adapter.Adapter {
				if buses[namespace] == nil {
					buses[namespace] = new(bus)
				}
				nodes[namespace] = &node{Memory: adapter.NewMemory(), bus: buses[namespace], name: fmt.Sprint("node", i)}
				return nodes[namespace]
			}
			all[i].world = newWorld(t, with(&o, engineio.DriverGoroutine), nil)
			all[i].bubble, all[i].patient = true, 5*time.Minute
			all[i].node = nodes["/"]
		}
		test(all)
		for i := range all {
			_ = all[i].io.Close()
			want(t, "how often the adapter was closed", all[i].node.closed.Load() > 0, true)
		}
	})
}

// crowds makes a crowd on each, of which each knows the names of all.
func crowds(twins []twin, names ...[]string) []*crowd {
	crowds := make([]*crowd, len(twins))
	known := make(map[string]*socketio.Socket)
	for i := range twins {
		crowds[i] = newCrowd(twins[i].world, websocket, names[i]...)
		maps.Copy(known, crowds[i].sockets)
	}
	for _, c := range crowds {
		c.sockets = known
	}
	return crowds
}
