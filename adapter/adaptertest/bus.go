// SPDX-License-Identifier: MIT

// This file holds InMemory: a cluster inside one process, with faults, for tests.

package adaptertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"socketio/adapter"
)

// ErrBroken is returned by a MemoryNode that can't publish; see MemoryNode.Break.
var ErrBroken = errors.New("adaptertest: the bus is broken")

// An InMemory connects servers of one process to a cluster. Nodes call each other
// directly, so a published event has arrived when the call returns. Its zero value is
// ready for use.
type InMemory struct {
	mu    sync.Mutex // guards the fields below
	nodes []*MemoryNode
	work  sync.WaitGroup
}

// A MemoryNode is the part of one server in the cluster of an InMemory: an
// adapter.Cluster. Its faults may be changed at any time.
type MemoryNode struct {
	bus  *InMemory
	name string

	mute   atomic.Bool
	broken atomic.Bool
	island atomic.Int32

	mu     sync.Mutex // guards the fields below
	info   adapter.Node
	spaces map[string]*space
	closed int
}

// Node returns the part of a new server, which others know by name.
func (b *InMemory) Node(name string) *MemoryNode {
	return &MemoryNode{bus: b, name: name, spaces: make(map[string]*space)}
}

// Mute makes the node answer no questions, or answer them again.
func (n *MemoryNode) Mute(yes bool) { n.mute.Store(yes) }

// Break makes each attempt to publish return ErrBroken, or work again.
func (n *MemoryNode) Break(yes bool) { n.broken.Store(yes) }

// Isolate moves the node to an island: only nodes with the same number reach each other.
// All start on island 0.
func (n *MemoryNode) Isolate(island int) { n.island.Store(int32(island)) }

// Closed returns how often Close was called.
func (n *MemoryNode) Closed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

// Info returns the argument of Open.
func (n *MemoryNode) Info() adapter.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.info
}

// Open implements adapter.Cluster.
func (n *MemoryNode) Open(info adapter.Node) error {
	n.mu.Lock()
	n.info = info
	n.mu.Unlock()
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.bus.nodes = append(n.bus.nodes, n)
	return nil
}

// Close implements adapter.Cluster.
func (n *MemoryNode) Close(context.Context) error {
	n.mu.Lock()
	n.closed++
	n.mu.Unlock()
	n.bus.mu.Lock()
	n.bus.nodes = slices.DeleteFunc(n.bus.nodes, func(o *MemoryNode) bool { return o == n })
	n.bus.mu.Unlock()
	n.bus.work.Wait()
	return nil
}

// Adapter implements adapter.Cluster.
func (n *MemoryNode) Adapter(l adapter.Local) adapter.Adapter {
	s := &space{Memory: adapter.NewMemory(), node: n, local: l}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spaces[l.Namespace()] = s
	return s
}

// others returns the nodes that n reaches.
func (n *MemoryNode) others() []*MemoryNode {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.bus.nodes), func(o *MemoryNode) bool {
		return o == n || o.island.Load() != n.island.Load()
	})
}

func (n *MemoryNode) space(namespace string) *space {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.spaces[namespace]
}

// A space is a namespace on one node.
type space struct {
	*adapter.Memory
	node  *MemoryNode
	local adapter.Local
}

// Close implements adapter.Bus: the namespace ends here.
func (s *space) Close() error {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spaces[s.local.Namespace()] == s {
		delete(n.spaces, s.local.Namespace())
	}
	return nil
}

// each calls do for the namespace on every other node that has it.
func (s *space) each(do func(o *space) error) (first error) {
	if s.node.broken.Load() {
		return ErrBroken
	}
	for _, n := range s.node.others() {
		o := n.space(s.local.Namespace())
		if o == nil {
			continue
		}
		if err := do(o); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (s *space) Broadcast(p *adapter.Packet, t adapter.Target) (int, error) {
	var err error
	if !t.Local {
		err = s.each(func(o *space) error {
			e, err := s.local.Payload(p)
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
	count, _ := s.Memory.Broadcast(p, t)
	return count, err
}

func (s *space) BroadcastWithAck(ctx context.Context, p *adapter.Packet, t adapter.Target) error {
	var err error
	if !t.Local {
		err = s.each(func(o *space) error {
			e, err := s.local.Payload(p)
			if err != nil || !p.Call.ExpectNode(o.node.name) || o.node.mute.Load() {
				return err
			}
			s.node.bus.work.Go(func() { o.ask(ctx, s, p.Call, e, p.Flags, t) })
			return nil
		})
	}
	_ = s.Memory.BroadcastWithAck(ctx, p, t)
	return err
}

// ask asks the sockets of this node for another.
func (s *space) ask(ctx context.Context, asker *space, c *adapter.Call, e adapter.Payload, f adapter.Flags, t adapter.Target) {
	own, name := adapter.NewCall(), s.node.name
	q, err := s.local.Packet(e, f, own)
	if err != nil {
		c.NodeDone(name, err)
		return
	}
	defer s.local.End(q)
	_ = s.Memory.BroadcastWithAck(ctx, q, t)
	own.Seal()
	ids := own.Asked()
	c.NodeAsked(name, len(ids), ids)
	for {
		a, ok := own.Next(ctx)
		if !ok {
			break
		}
		if e, err := s.local.EncodeArgs(a.Args); err == nil {
			c.NodeAnswer(name, a.Socket, asker.local.DecodeArgs(e))
		}
	}
	if ctx.Err() == nil {
		c.NodeDone(name, own.Err(nil))
	}
}

func (s *space) FetchSockets(ctx context.Context, t adapter.Target) ([]adapter.Found, error) {
	found, _ := s.Memory.FetchSockets(ctx, t)
	if t.Local {
		return found, nil
	}
	silent := &adapter.PartialError{}
	err := s.each(func(o *space) error {
		if o.node.mute.Load() {
			<-ctx.Done()
			silent.Nodes, silent.Err = append(silent.Nodes, o.node.name), ctx.Err()
			return nil
		}
		for _, m := range o.Members(t) {
			info := o.local.Describe(m)
			info.Node = o.node.name
			found = append(found, adapter.Found{Info: info})
		}
		return nil
	})
	if err == nil && len(silent.Nodes) > 0 {
		err = silent
	}
	return found, err
}

func (s *space) all(t adapter.Target, do func(*adapter.Memory) error) error {
	var err error
	if !t.Local {
		err = s.each(func(o *space) error { return do(o.Memory) })
	}
	if here := do(s.Memory); err == nil {
		err = here
	}
	return err
}

func (s *space) SocketsJoin(t adapter.Target, rooms []string) error {
	return s.all(t, func(m *adapter.Memory) error { return m.SocketsJoin(t, rooms) })
}

func (s *space) SocketsLeave(t adapter.Target, rooms []string) error {
	return s.all(t, func(m *adapter.Memory) error { return m.SocketsLeave(t, rooms) })
}

func (s *space) DisconnectSockets(t adapter.Target, close bool) error {
	return s.all(t, func(m *adapter.Memory) error { return m.DisconnectSockets(t, close) })
}

func (s *space) ServerSideEmit(e adapter.Payload) error {
	return s.each(func(o *space) error {
		o.local.HandleServerSideEmit(context.Background(), e, nil)
		return nil
	})
}

func (s *space) ServerSideEmitWithAck(ctx context.Context, e adapter.Payload, c *adapter.Call) error {
	return s.each(func(o *space) error {
		if c.ExpectNode(o.node.name) && !o.node.mute.Load() {
			s.node.bus.work.Go(func() {
				o.local.HandleServerSideEmit(ctx, e, func(p adapter.Payload) {
					c.NodeAnswer(o.node.name, "", s.local.DecodeArgs(p))
				})
			})
		}
		return nil
	})
}

func (s *space) ServerCount(context.Context) (int, error) { return 1 + len(s.node.others()), nil }
