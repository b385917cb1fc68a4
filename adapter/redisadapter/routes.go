// SPDX-License-Identifier: MIT

// This file holds the routes: which Redis server has which channel.

package redisadapter

import (
	"fmt"
	"slices"
	"strings"
)

// routes say which node has which channel. They do not change.
type routes struct {
	all    []*node // by address
	one    *node   // has all channels; or nil
	owners []*node // of the slots of a Redis Cluster
}

// errNoServer is the state of a slot that no server has.
var errNoServer = fmt.Errorf("%w: no server of the Redis Cluster has the slot", ErrDown)

// node returns the node that has a channel, or nil if none has.
func (r *routes) node(channel string) *node {
	if r.one != nil {
		return r.one
	}
	return r.owners[slot(channel)]
}

// owner returns the node that has a key, or nil if none has.
func (r *routes) owner(key string) *node {
	if r.owners == nil {
		return r.one
	}
	return r.owners[slot(key)]
}

// newRoutes returns the routes of a Redis Cluster. nodes are its masters, by address.
func newRoutes(ranges []slotRange, nodes map[string]*node) *routes {
	r := &routes{owners: make([]*node, slots)}
	for _, s := range ranges {
		for i := s.first; i <= s.last; i++ {
			r.owners[i] = nodes[s.master]
		}
	}
	for _, n := range nodes {
		r.all = append(r.all, n)
	}
	slices.SortFunc(r.all, byAddress)
	return r
}

func byAddress(x, y *node) int { return strings.Compare(x.addr, y.addr) }

// choose sets the one node that has all channels: that of before while it works, otherwise
// the next. start says which is the first.
func (r *routes) choose(before *routes, start int) {
	i := start % len(r.all)
	if before != nil {
		i, _ = slices.BinarySearchFunc(r.all, before.one, byAddress)
		i %= len(r.all)
		if r.all[i] == before.one && before.one.err() != nil {
			i = (i + 1) % len(r.all)
		}
	}
	r.one = r.all[i]
}
