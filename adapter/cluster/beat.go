// SPDX-License-Identifier: MIT

// This file holds the heartbeats of the node, and its own lease.

package cluster

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"socketio/adapter/nodewire"
)

// checkEvery is the time between two looks at the leases of all nodes.
const checkEvery = time.Second

// A lease is the time for which the other nodes take this one for alive.
type lease struct {
	mu    sync.Mutex // guards the fields below
	last  time.Time  // when the latest heartbeat was published
	tried time.Time  // when the node has last tried to renew a lapsed lease
	epoch uint64
	round uint64
	next  int // of the names of the namespaces: the first of the next heartbeat
}

func (l *lease) renewed(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = now
}

// lapsed reports whether the lease has lapsed. It is true once in checkEvery, and begins
// an epoch.
func (l *lease) lapsed(now time.Time, length time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.last) <= length || now.Sub(l.tried) < checkEvery {
		return false
	}
	l.tried = now
	l.epoch++
	return true
}

// announcement describes this node to those that share the namespaces.
func (s *services) announcement(spaces []string) json.RawMessage {
	raw, _ := json.Marshal(announcement{ID: s.node.ID, Name: s.name, Spaces: spaces}) // texts only
	return raw
}

// checkLease announces the node again if its lease has lapsed: it was frozen, or the bus
// was down. The other nodes may have removed it, and their heartbeats have not arrived.
func (n *node) checkLease() {
	now := time.Now()
	if n.lease.lapsed(now, n.opts.Lease) {
		n.log.Info("the node was not heard for longer than its lease and announces itself again")
		n.members.touchAll(now)
		n.rejoin()
	}
}

// rejoin announces the node and its namespaces.
func (n *node) rejoin() {
	n.beat()
	for _, space := range n.all() {
		space.hello()
	}
}

// beat publishes a heartbeat.
func (n *node) beat() {
	n.services.mu.RLock()
	spaces := make([]string, 0, len(n.spaces))
	for name := range n.spaces {
		spaces = append(spaces, name)
	}
	n.services.mu.RUnlock()
	slices.Sort(spaces)
	a := announcement{ID: n.services.node.ID, Name: n.name, Seq: n.health.sending()}
	n.lease.mu.Lock()
	a.Epoch = n.lease.epoch
	if n.lease.next == 0 || n.lease.next >= len(spaces) {
		n.lease.next = 0
		n.lease.round++
	}
	a.Round = n.lease.round
	end := min(n.lease.next+announcedSpaces, len(spaces))
	a.Spaces = spaces[n.lease.next:end]
	n.lease.next = end
	n.lease.mu.Unlock()
	raw, _ := json.Marshal(a) // texts and numbers
	now := time.Now()         // before: the node may be frozen while it publishes
	if n.publish(Channel{Class: ClassNodes}, &nodewire.Message{Kind: nodewire.KindHeartbeat, Member: raw}) == nil {
		n.lease.renewed(now)
	}
}

// heardSelf is called when a heartbeat of this node comes back.
func (n *node) heardSelf(m *nodewire.Message) {
	if a, ok := parseAnnouncement(m.Member); ok {
		n.health.heard(a.Seq)
	}
}

// keepBeating sends heartbeats and looks at the leases until the node is closed.
func (n *node) keepBeating() {
	beats, checks := time.NewTicker(n.opts.Heartbeat), time.NewTicker(checkEvery)
	defer beats.Stop()
	defer checks.Stop()
	checked := time.Now()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-beats.C:
			n.checkLease()
			n.beat()
		case <-checks.C:
			n.check(&checked)
		}
	}
}

// check removes the nodes whose leases have lapsed, unless this node could not hear them.
func (n *node) check(last *time.Time) {
	now := time.Now()
	frozen := now.Sub(*last) > n.opts.Lease/2
	*last = now
	n.checkLease()
	if frozen {
		n.members.touchAll(now)
	}
	if n.health.overdue(n.opts.EchoTimeout) {
		n.bus.Reset()
	}
	if n.health.err() != nil {
		n.members.touchAll(now)
		return
	}
	for _, uid := range n.members.expire(now.Add(-n.opts.Lease)) {
		n.pending.gone(uid, "", true)
	}
}
