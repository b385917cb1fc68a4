// SPDX-License-Identifier: MIT

// This file finds the Redis servers, and which of them has which channel.

package redisadapter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// routes say which node has which channel. They do not change.
type routes struct {
	all    []*node
	one    *node   // has all channels; or nil
	owners []*node // of the slots of a Redis Cluster
}

// node returns the node that has a channel, or nil if none has.
func (r *routes) node(channel string) *node {
	if r.one != nil {
		return r.one
	}
	return r.owners[slot(channel)]
}

// slots is the number of slots of a Redis Cluster.
const slots = 16384

// A slotRange is a part of the slots of a master.
type slotRange struct {
	first, last int
	master      string // its address
}

const (
	// refreshEvery is the time between two looks at a Redis Cluster.
	refreshEvery = 30 * time.Second
	// refreshAfter is the least time between two.
	refreshAfter = 50 * time.Millisecond
)

// keepRoutes finds the Redis servers, and follows the changes of a Redis Cluster.
func (b *bus) keepRoutes() {
	if b.redis.Sentinel.MasterSet != "" || b.redis.ForceSingleClient {
		b.single()
		return
	}
	var p pause
	for {
		clustered, err := b.first()
		if err == nil && !clustered {
			b.single()
			return
		}
		if err == nil {
			break
		}
		b.unreachable(err)
		if !p.wait(b.ctx) {
			return
		}
	}
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-b.kicked:
		case <-b.ctx.Done():
			return
		}
		b.refresh()
		gap := pause(refreshAfter / 2)
		if !gap.wait(b.ctx) {
			return
		}
	}
}

// unreachable records that no Redis server is known.
func (b *bus) unreachable(err error) {
	b.mu.Lock()
	if err != nil {
		err = down(err)
	}
	b.lost = err
	b.mu.Unlock()
	b.changed()
}

// single makes one node, which has all channels.
func (b *bus) single() {
	n := newNode(b, "", b.redis)
	b.use(&routes{one: n, all: []*node{n}}, map[string]*node{"": n})
}

// use makes routes the current ones.
func (b *bus) use(r *routes, nodes map[string]*node) {
	b.mu.Lock()
	for addr, n := range b.nodes {
		if nodes[addr] == nil {
			n.cancel()
		}
	}
	b.nodes, b.lost = nodes, nil
	b.mu.Unlock()
	b.routes.Store(r)
	b.table.reassign(func(p topic) *node { return r.node(p.name) })
	b.fresh.Lock()
	close(b.found)
	b.found = make(chan struct{})
	b.fresh.Unlock()
	b.changed()
}

// first asks the given addresses what Redis is. If it is a Redis Cluster, its servers are
// used.
func (b *bus) first() (clustered bool, err error) {
	errs := []error{errors.New("redisadapter: ClientOption.InitAddress has no address")}
	for _, addr := range b.redis.InitAddress {
		ranges, err := b.ask(addr)
		if err == nil {
			if ranges != nil {
				b.apply(ranges)
			}
			return ranges != nil, nil
		}
		errs = append(errs, err)
	}
	return false, errs[len(errs)-1]
}

// ask asks a server for the slots of its Redis Cluster. The result is nil if it is not
// part of one.
func (b *bus) ask(addr string) ([]slotRange, error) {
	c, err := rueidis.NewClient(b.at(addr))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(b.ctx, connectsIn)
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
func (b *bus) at(addr string) rueidis.ClientOption {
	o := b.redis
	o.InitAddress, o.ForceSingleClient = []string{addr}, true
	return o
}

// readSlots asks a server, which was reached at addr, for the slots of its Redis Cluster.
func readSlots(ctx context.Context, c rueidis.Client, addr string) ([]slotRange, error) {
	all, err := c.Do(ctx, c.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr)
	ranges := make([]slotRange, 0, len(all))
	for _, one := range all {
		r, ok := readRange(one, host)
		if !ok {
			return nil, errors.New("redisadapter: CLUSTER SLOTS: an answer of another form")
		}
		ranges = append(ranges, r)
	}
	if len(ranges) == 0 {
		return nil, errors.New("redisadapter: the Redis Cluster has no slots yet")
	}
	return ranges, nil
}

// readRange reads [first, last, [host, port, ...], ...].
func readRange(m rueidis.RedisMessage, asked string) (r slotRange, ok bool) {
	parts, err := m.ToArray()
	if err != nil || len(parts) < 3 {
		return r, false
	}
	first, err1 := parts[0].AsInt64()
	last, err2 := parts[1].AsInt64()
	master, err3 := parts[2].ToArray()
	if err1 != nil || err2 != nil || err3 != nil || first < 0 || last < first || last >= slots || len(master) < 2 {
		return r, false
	}
	host, _ := master[0].ToString()
	if host == "" || host == "?" { // that of the server that was asked
		host = asked
	}
	port, err := master[1].AsInt64()
	return slotRange{int(first), int(last), net.JoinHostPort(host, strconv.FormatInt(port, 10))}, err == nil
}

// refresh looks at the Redis Cluster again.
func (b *bus) refresh() {
	r := b.routes.Load()
	var addrs []string
	for _, n := range r.all {
		if n.err() == nil {
			addrs = append([]string{n.addr}, addrs...) // those that work first
		} else {
			addrs = append(addrs, n.addr)
		}
	}
	for _, addr := range append(addrs, b.redis.InitAddress...) {
		if b.ctx.Err() != nil {
			return
		}
		ranges, err := b.ask(addr)
		if err == nil && ranges != nil {
			b.apply(ranges)
			return
		}
	}
}

// apply makes the nodes of a Redis Cluster the current ones.
func (b *bus) apply(ranges []slotRange) {
	b.mu.Lock()
	old := b.nodes
	b.mu.Unlock()
	nodes := make(map[string]*node)
	r := &routes{owners: make([]*node, slots)}
	for _, s := range ranges {
		n := nodes[s.master]
		if n == nil {
			if n = old[s.master]; n == nil {
				n = newNode(b, s.master, b.at(s.master))
			}
			nodes[s.master] = n
			r.all = append(r.all, n)
		}
		for i := s.first; i <= s.last; i++ {
			r.owners[i] = n
		}
	}
	slices.SortFunc(r.all, func(x, y *node) int { return strings.Compare(x.addr, y.addr) })
	if !b.mode.sharded() {
		r.one = b.choose(r.all)
	}
	b.use(r, nodes)
}

// choose returns the server of a Redis Cluster that has all channels of this bus: the same
// as before while it works, otherwise the next.
func (b *bus) choose(all []*node) *node {
	i := b.start % len(all)
	if before := b.routes.Load(); before != nil {
		i, _ = slices.BinarySearchFunc(all, before.one.addr, func(n *node, addr string) int { return strings.Compare(n.addr, addr) })
		if i %= len(all); all[i] != before.one || before.one.err() == nil {
			return all[i]
		}
		i++
	}
	return all[i%len(all)]
}

// freshRoutes waits until the routes have been found again, because those of before are
// wrong. It returns false if that takes too long.
func (b *bus) freshRoutes(before *routes) bool {
	b.fresh.Lock()
	found := b.found
	b.fresh.Unlock()
	if b.routes.Load() != before {
		return true
	}
	b.kick()
	timer := time.NewTimer(connectsIn)
	defer timer.Stop()
	select {
	case <-found:
		return true
	case <-timer.C:
		return false
	case <-b.ctx.Done():
		return false
	}
}

// slot returns the slot of a channel: the CRC-16 (XMODEM) of its name, or of what is
// between the first braces, if that is not empty.
func slot(name string) int {
	if i := strings.IndexByte(name, '{'); i >= 0 {
		if j := strings.IndexByte(name[i+1:], '}'); j > 0 {
			name = name[i+1 : i+1+j]
		}
	}
	var crc uint16
	for i := range len(name) {
		crc ^= uint16(name[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}

// errNoServer is the state of a slot that no server has.
var errNoServer = fmt.Errorf("%w: no server of the Redis Cluster has the slot", ErrDown)
