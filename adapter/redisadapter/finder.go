// SPDX-License-Identifier: MIT

// This file finds the Redis servers, and follows the changes of a Redis Cluster.

package redisadapter

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// A finder keeps the routes current.
type finder struct {
	redis   rueidis.ClientOption
	sharded bool
	owner   owner
	table   *table
	ctx     context.Context
	work    *sync.WaitGroup // all goroutines of the bus
	kicked  chan struct{}   // the routes may have changed
	routes  atomic.Pointer[routes]

	mu    sync.Mutex // guards the fields below
	nodes map[string]*node
	lost  error         // why no node is known, or nil
	found chan struct{} // see next
}

const (
	// refreshEvery is the time between two looks at a Redis Cluster.
	refreshEvery = 30 * time.Second
	// refreshAfter is the least time between two.
	refreshAfter = 50 * time.Millisecond
)

// run finds the Redis servers. With a Redis Cluster it goes on until the bus is closed.
func (f *finder) run() {
	if f.redis.Sentinel.MasterSet != "" || f.redis.ForceSingleClient {
		f.single()
		return
	}
	var p pause
	for {
		clustered, err := f.look()
		if err == nil && !clustered {
			f.single()
			return
		}
		if err == nil {
			break
		}
		f.unreachable(err)
		if !p.wait(f.ctx) {
			return
		}
	}
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-f.kicked:
		case <-f.ctx.Done():
			return
		}
		f.refresh()
		gap := pause(refreshAfter / 2)
		if !gap.wait(f.ctx) {
			return
		}
	}
}

// unreachable records that no Redis server is known.
func (f *finder) unreachable(err error) {
	f.mu.Lock()
	f.lost = down(err)
	found := f.found
	f.found = make(chan struct{})
	f.mu.Unlock()
	close(found)
	f.owner.changed()
}

// newNode starts a node.
func (f *finder) newNode(addr string, option rueidis.ClientOption) *node {
	n := (&node{owner: f.owner, table: f.table, addr: addr, sharded: f.sharded, option: option}).makeContext(f.ctx)
	f.work.Go(n.run)
	return n
}

// single makes one node, which has all channels.
func (f *finder) single() {
	n := f.newNode("", f.redis)
	f.use(&routes{one: n, all: []*node{n}}, map[string]*node{"": n})
}

// use makes routes the current ones.
func (f *finder) use(r *routes, nodes map[string]*node) {
	f.mu.Lock()
	for addr, n := range f.nodes {
		if nodes[addr] == nil {
			n.cancel()
		}
	}
	f.nodes, f.lost = nodes, nil
	f.routes.Store(r)
	found := f.found
	f.found = make(chan struct{})
	f.mu.Unlock()
	f.table.reassign(func(p topic) *carrier {
		if n := r.node(p.name); n != nil {
			return n.carrier
		}
		return nil
	})
	close(found)
	f.owner.changed()
}

// look asks the given addresses what Redis is. If it is a Redis Cluster, its servers are
// used.
func (f *finder) look() (clustered bool, err error) {
	err = errors.New("redisadapter: ClientOption.InitAddress has no address")
	for _, addr := range f.redis.InitAddress {
		var ranges []slotRange
		if ranges, err = f.ask(addr); err == nil {
			if ranges != nil {
				f.apply(ranges)
			}
			return ranges != nil, nil
		}
	}
	return false, err
}

// ask asks a server for the slots of its Redis Cluster. The result is nil if it is not
// part of one.
func (f *finder) ask(addr string) ([]slotRange, error) {
	c, err := rueidis.NewClient(f.at(addr))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(f.ctx, connectsIn)
	defer cancel()
	hello, err := c.Do(ctx, c.B().Arbitrary("HELLO").Build()).AsMap()
	if err != nil {
		return nil, err
	}
	mode := hello["mode"]
	if text, _ := mode.ToString(); text != "cluster" {
		return nil, nil
	}
	return readSlots(ctx, c, addr)
}

// at returns the options for one server.
func (f *finder) at(addr string) rueidis.ClientOption {
	o := f.redis
	o.InitAddress, o.ForceSingleClient = []string{addr}, true
	return o
}

// refresh looks at the Redis Cluster again. Servers that work are asked first.
func (f *finder) refresh() {
	var working, others []string
	for _, n := range f.routes.Load().all {
		if n.err() == nil {
			working = append(working, n.addr)
		} else {
			others = append(others, n.addr)
		}
	}
	rand.Shuffle(len(working), func(i, j int) { working[i], working[j] = working[j], working[i] })
	for _, addr := range append(append(working, others...), f.redis.InitAddress...) {
		if f.ctx.Err() != nil {
			return
		}
		if ranges, err := f.ask(addr); err == nil && ranges != nil {
			f.apply(ranges)
			return
		}
	}
}

// apply makes the masters of a Redis Cluster the current nodes.
func (f *finder) apply(ranges []slotRange) {
	f.mu.Lock()
	old := f.nodes
	f.mu.Unlock()
	nodes := make(map[string]*node)
	for _, s := range ranges {
		if nodes[s.master] != nil {
			continue
		}
		n := old[s.master]
		if n == nil {
			n = f.newNode(s.master, f.at(s.master))
		}
		nodes[s.master] = n
	}
	r := newRoutes(ranges, nodes)
	if !f.sharded {
		r.choose(f.routes.Load(), rand.IntN(slots))
	}
	f.use(r, nodes)
}

// next returns a channel that is closed when routes are found the next time, or when none
// are known and looking for them has failed again.
func (f *finder) next() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.found
}

// first waits until there are routes. It returns false if ctx ends before.
func (f *finder) first(ctx context.Context) bool {
	for {
		found := f.next()
		if f.routes.Load() != nil {
			return true
		}
		select {
		case <-found:
		case <-ctx.Done():
			return false
		}
	}
}

// fresh waits until the routes have been found again, because those of before are wrong.
// It returns false if that takes too long.
func (f *finder) fresh(ctx context.Context, before *routes) bool {
	found := f.next()
	if f.routes.Load() != before {
		return true
	}
	poke(f.kicked)
	timer := time.NewTimer(connectsIn)
	defer timer.Stop()
	select {
	case <-found:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return false
	}
}

// err returns why Redis does not work, or nil.
func (f *finder) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost != nil {
		return f.lost
	}
	for _, n := range f.nodes {
		if err := n.err(); err != nil {
			return err
		}
	}
	return nil
}
