// SPDX-License-Identifier: MIT

// This file holds the table of the other nodes and their namespaces.

package cluster

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A peer is another node. Its uid does not change.
type peer struct {
	uid   string
	id    string // adapter.Node.ID, or uid while it is not known
	name  string // for people
	epoch uint64
	heard time.Time
	round uint64
	in    map[string]uint64 // the namespaces that this node has too, and the round of each
}

// members is the table of the other nodes. It is bounded: nodes over maxPeers are
// ignored.
type members struct {
	mu     sync.RWMutex // guards the fields below
	peers  map[string]*peer
	spaces map[string]map[string]*peer // of this node: the peers that have them, by uid
	oldest time.Time                   // no peer was heard before
	lapsed map[string][]string         // the namespaces of nodes that did not say that they end, by uid
	since  time.Time                   // this node has heard the others since then
	opened time.Time
	gone   map[string]time.Time // when nodes were removed, by uid
}

const (
	maxPeers  = 10_000
	maxLapsed = 64
	maxGone   = 4096
)

func newMembers() *members {
	return &members{peers: make(map[string]*peer), spaces: make(map[string]map[string]*peer), lapsed: make(map[string][]string), gone: make(map[string]time.Time)}
}

// open adds a namespace of this node, close removes it.
func (t *members) open(space string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spaces[space] == nil {
		t.spaces[space] = make(map[string]*peer)
	}
}

func (t *members) close(space string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.spaces[space] {
		delete(p.in, space)
	}
	delete(t.spaces, space)
}

// touch records that a node was heard. It reports false if the node is not known.
func (t *members) touch(uid string, now time.Time) (known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peers[uid]
	if p != nil {
		p.heard = now
	}
	return p != nil
}

// touchAll gives all nodes a new lease: this node may have missed their heartbeats.
func (t *members) touchAll(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.peers {
		p.heard = now
	}
	t.since = now
}

// dead reports whether a node that has not ended would have been heard within a time.
func (t *members) dead(uid string, within time.Duration, now time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.peers[uid] == nil && now.Sub(t.since) > within
}

// heardUntil returns when a node was removed. For one that is not remembered, it is when
// this node was opened.
func (t *members) heardUntil(uid string) time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if at, ok := t.gone[uid]; ok {
		return at
	}
	return t.opened
}

// begin records that this node begins to hear the others.
func (t *members) begin(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since, t.opened = now, now
}

// known reports whether a node lives.
func (t *members) known(uid string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.peers[uid] != nil
}

// announce records what a node says about itself. It returns the namespaces that the node
// has left, and those that it was not known to have.
func (t *members) announce(uid string, a *announcement, now time.Time) (left, entered []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peerLocked(uid)
	if p == nil || a.epoch < p.epoch {
		return nil, nil
	}
	p.heard, p.epoch = now, a.epoch
	if p.id = a.id; p.id == "" {
		p.id = uid
	}
	if p.name = a.name; p.name == "" {
		p.name = uid
	}
	if a.round > p.round {
		for space, round := range p.in {
			if round+1 < p.round { // two whole rounds have not named it: in one, a heartbeat may be lost
				t.leaveLocked(p, space)
				left = append(left, space)
			}
		}
		p.round = a.round
	}
	for _, space := range a.spaces {
		if t.enterLocked(p, space) {
			entered = append(entered, space)
		}
	}
	return left, entered
}

// enter records that a node has a namespace. It reports whether that was not known.
func (t *members) enter(uid, space string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peerLocked(uid)
	if p == nil {
		return false
	}
	p.heard = now
	return t.enterLocked(p, space)
}

// leave records that a node has left a namespace.
func (t *members) leave(uid, space string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.peers[uid]; p != nil {
		t.leaveLocked(p, space)
	}
}

func (t *members) enterLocked(p *peer, space string) (entered bool) {
	nodes := t.spaces[space]
	if nodes == nil {
		return false
	}
	entered = nodes[p.uid] == nil
	p.in[space] = p.round
	nodes[p.uid] = p
	return entered
}

func (t *members) leaveLocked(p *peer, space string) {
	delete(p.in, space)
	delete(t.spaces[space], p.uid)
}

// peerLocked returns a peer, which it adds if there is room, or nil.
func (t *members) peerLocked(uid string) *peer {
	p := t.peers[uid]
	if p == nil && len(t.peers) < maxPeers {
		delete(t.lapsed, uid)
		delete(t.gone, uid)
		p = &peer{uid: uid, id: uid, name: uid, in: make(map[string]uint64)}
		t.peers[uid] = p
	}
	return p
}

// remove removes a node. It reports false if the node is not known.
func (t *members) remove(uid string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.removeLocked(uid)
}

func (t *members) removeLocked(uid string) bool {
	p := t.peers[uid]
	if p == nil {
		return false
	}
	for space := range p.in {
		delete(t.spaces[space], uid)
	}
	delete(t.peers, uid)
	if len(t.gone) >= maxGone {
		clear(t.gone)
	}
	t.gone[uid] = time.Now()
	return true
}

// expire removes the nodes that were not heard since a time, and returns them.
func (t *members) expire(since time.Time) (gone []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.oldest.Before(since) {
		return nil
	}
	t.oldest = time.Now()
	for uid, p := range t.peers {
		if !p.heard.Before(since) {
			if p.heard.Before(t.oldest) {
				t.oldest = p.heard
			}
			continue
		}
		if len(t.lapsed) < maxLapsed {
			t.lapsed[uid] = slices.Collect(maps.Keys(p.in))
		}
		t.removeLocked(uid)
		gone = append(gone, uid)
	}
	return gone
}

// lapsedIn returns the nodes whose leases have lapsed in a namespace, of which some may be
// frozen.
func (t *members) lapsedIn(space string) (uids []string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for uid, spaces := range t.lapsed {
		if slices.Contains(spaces, space) {
			uids = append(uids, uid)
		}
	}
	return uids
}

// forget is called when a node whose lease has lapsed is not subscribed any longer.
func (t *members) forget(uid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.lapsed, uid)
}

// in returns the names of the nodes that have a namespace, by uid. The caller owns the
// result.
func (t *members) in(space string) map[string]string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	nodes := t.spaces[space]
	names := make(map[string]string, len(nodes))
	for uid, p := range nodes {
		names[uid] = p.name
	}
	return names
}

// count returns the number of other nodes that have a namespace.
func (t *members) count(space string) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.spaces[space])
}

// size returns the number of other nodes.
func (t *members) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.peers)
}

// idOf returns the adapter.Node.ID of a node, or its uid.
func (t *members) idOf(uid string) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if p := t.peers[uid]; p != nil {
		return p.id
	}
	return uid
}

// meet records the id and the name of a node.
func (t *members) meet(uid string, a *announcement, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.peerLocked(uid)
	if p == nil {
		return
	}
	p.heard = now
	if a.id != "" {
		p.id = a.id
	}
	if a.name != "" {
		p.name = a.name
	}
}
