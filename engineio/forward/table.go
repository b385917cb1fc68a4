// SPDX-License-Identifier: MIT

// This file holds the table of the other servers: which tag is at which URL.

package forward

import (
	"crypto/hmac"
	"encoding/json"
	"net/url"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
)

// maxPeers is the maximum number of servers in the table. Others are ignored.
const maxPeers = 10_000

const (
	// restTime is how long requests for a server that can't be reached are rejected at once.
	restTime = time.Second
	// alive is how long a server counts as alive after a response: then a connection that
	// can't be opened concerns the one request alone.
	alive = 10 * time.Second
)

// A peer is another server.
type peer struct {
	node string // its name on the bus
	tag  string
	url  *url.URL
	// Unix times in nanoseconds.
	failed   atomic.Int64 // of the last connection that could not be opened
	answered atomic.Int64 // of the last response
}

func (p *peer) rests(now time.Time) bool { return now.UnixNano()-p.failed.Load() < int64(restTime) }

// fail notes that a connection could not be opened.
func (p *peer) fail(now time.Time) {
	if now.UnixNano()-p.answered.Load() > int64(alive) {
		p.failed.Store(now.UnixNano())
	}
}

// A table holds the other servers. It is bounded.
type table struct {
	mu    lock.RWMutex // guards the fields below
	tags  map[string]*peer
	nodes map[string]*peer
}

// find returns the server with a tag, or nil.
func (t *table) find(tag string) *peer {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.tags[tag]
}

// put adds a server. A tag belongs to the first server that has announced it.
func (t *table) put(p *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.nodes[p.node]; old != nil {
		if old.tag == p.tag && *old.url == *p.url {
			return
		}
		t.removeLocked(old)
	}
	if t.tags[p.tag] != nil || len(t.nodes) >= maxPeers {
		return
	}
	if t.tags == nil {
		t.tags, t.nodes = make(map[string]*peer), make(map[string]*peer)
	}
	t.tags[p.tag], t.nodes[p.node] = p, p
}

// remove removes the server with a name on the bus.
func (t *table) remove(node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.nodes[node]; p != nil {
		t.removeLocked(p)
	}
}

func (t *table) removeLocked(p *peer) {
	delete(t.nodes, p.node)
	delete(t.tags, p.tag)
}

// An announcement is what a server tells the others about itself.
type announcement struct {
	Tag string `json:"tag"`
	URL string `json:"url"`
	MAC []byte `json:"mac"` // over both, and the name of the server on the bus
}

// announce returns the announcement of a server, signed for its name on the bus.
func (k *keys) announce(node, tag, url string) json.RawMessage {
	raw, _ := json.Marshal(announcement{tag, url, sign(k.announcement, node, tag, url)}) // texts always encode
	return raw
}

// parsePeer reads an announcement. The peer is nil if its signature is right and there is
// something else wrong with it.
func (k *keys) parsePeer(node string, data json.RawMessage) (p *peer, signed bool) {
	var a announcement
	if json.Unmarshal(data, &a) != nil || !hmac.Equal(a.MAC, sign(k.announcement, node, a.Tag, a.URL)) {
		return nil, false
	}
	u := parseURL(a.URL)
	if u == nil || a.Tag == "" {
		return nil, true
	}
	return &peer{node: node, tag: a.Tag, url: u}, true
}
