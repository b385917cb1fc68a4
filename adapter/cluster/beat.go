// SPDX-License-Identifier: MIT

// This file holds the heartbeats of the node, and its own lease.

package cluster

import (
	"slices"
	"sync"
	"time"

	"socketio/adapter/nodewire"
)

// checkEvery is the time between two looks at the leases of all nodes.
const checkEvery = time.Second

// repeatsFor is how long a node that sends nothing is remembered, to recognize messages
// that come again.
const repeatsFor = 5 * time.Minute

// A lease is the time for which the other nodes take this one for alive.
type lease struct {
	renewing sync.Mutex // held while a lapsed lease is renewed: nothing is handled meanwhile

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

// over reports whether the lease has lapsed.
func (l *lease) over(now time.Time, length time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.last) > length
}

// lapsed reports whether the lease has lapsed and must be renewed. It is true once in
// checkEvery. The first time, it begins an epoch.
func (l *lease) lapsed(now time.Time, length time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.last) <= length || now.Sub(l.tried) < checkEvery {
		return false
	}
	if l.tried.Before(l.last) {
		l.epoch++
	}
	l.tried = now
	return true
}

// checkLease announces the node again if its lease has lapsed: it was frozen, or the bus
// was down. The other nodes may have removed it, and their heartbeats have not arrived.
func (n *node) checkLease() {
	if !n.lease.over(time.Now(), n.opts.Lease) {
		return
	}
	n.lease.renewing.Lock()
	defer n.lease.renewing.Unlock()
	if now := time.Now(); n.lease.lapsed(now, n.opts.Lease) {
		n.members.touchAll(now)
		if n.rejoin() {
			n.log.Info("the node was not heard for longer than its lease and has announced itself again")
		}
	}
}

// rejoin announces the node and its namespaces. It reports false if the bus is down.
func (n *node) rejoin() bool {
	if !n.beat() {
		return false
	}
	for _, space := range n.all() {
		if space.ready() {
			space.hello()
		}
	}
	return true
}

// beat publishes a heartbeat. It reports false if the bus is down.
func (n *node) beat() bool {
	n.services.mu.RLock()
	spaces := make([]string, 0, len(n.spaces))
	for name, space := range n.spaces {
		if space.ready() { // until then, requests do not arrive
			spaces = append(spaces, name)
		}
	}
	n.services.mu.RUnlock()
	slices.Sort(spaces)
	a := announcement{seq: n.health.sending()}
	n.lease.mu.Lock()
	a.epoch = n.lease.epoch
	if n.lease.next == 0 || n.lease.next >= len(spaces) {
		n.lease.next = 0
		n.lease.round++
	}
	a.round = n.lease.round
	end := min(n.lease.next+announcedSpaces, len(spaces))
	a.spaces = spaces[n.lease.next:end]
	n.lease.next = end
	n.lease.mu.Unlock()
	now := time.Now() // before: the node may be frozen while it publishes
	if n.announce(Channel{Class: ClassNodes}, nodewire.KindHeartbeat, &a) != nil {
		return false
	}
	n.lease.renewed(now)
	n.gate.extend(now)
	if n.opts.NodeHeartbeats && n.opts.Secret == nil {
		for _, space := range spaces {
			_ = n.announce(Channel{Class: ClassRequests, Namespace: space}, nodewire.KindHeartbeat, &announcement{spaces: []string{space}})
		}
	}
	return true
}

// heardSelf is called when a heartbeat of this node comes back.
func (n *node) heardSelf(m *nodewire.Message) {
	if a, ok := parseAnnouncement(m.Member); ok {
		n.gate.returned(n.health.heard(a.seq))
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
			n.guard()
			n.checkLease()
			n.beat()
		case <-checks.C:
			n.guard()
			n.check(&checked)
		}
	}
}

// check removes the nodes whose leases have lapsed, unless this node could not hear them.
func (n *node) check(last *time.Time) {
	now := time.Now()
	pause := now.Sub(*last)
	frozen := pause > checkEvery+n.opts.Lease/2
	*last = now
	n.checkLease()
	if frozen {
		n.members.touchAll(now)
	}
	n.repeats.forget(now.Add(-repeatsFor))
	if n.health.overdue(n.opts.EchoTimeout, pause > 2*checkEvery) {
		n.bus.Reset()
	}
	if n.health.err() != nil {
		n.members.touchAll(now)
		return
	}
	gone := n.members.expire(now.Add(-n.opts.Lease))
	for _, uid := range gone {
		n.pending.gone(uid, "", true)
	}
	n.announcer().left(gone...)
}
