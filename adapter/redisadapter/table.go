// SPDX-License-Identifier: MIT

// This file holds the table of subscriptions: which are wanted, and which each Redis
// server has.

package redisadapter

import (
	"slices"
	"sync"

	"socketio/adapter/cluster"
)

// A topic is what Redis subscribes to: a channel, or a pattern of channels.
type topic struct {
	name    string
	pattern bool
}

// A subscription is a topic that is wanted.
type subscription struct {
	channels  []cluster.Channel // of the core; several can have one name
	node      *node             // the Redis server, or nil if it is not known
	confirmed bool              // by the connection that node has now
	waiting   []*await
}

// An await is a call of Subscribe whose topics are not all confirmed.
type await struct {
	left int
	done func(error)
}

// A table is the table of a bus. The functions that callers of Subscribe pass are called
// without its lock.
type table struct {
	mu     sync.RWMutex // guards the fields below, and those of nodes that say so
	topics map[topic]*subscription
	assign func(topic) *node // returns nil while it is not known
	closed bool
}

func newTable() *table {
	return &table{topics: make(map[topic]*subscription), assign: func(topic) *node { return nil }}
}

// add adds channels. done is called when all are confirmed.
func (t *table) add(channels []cluster.Channel, name func(cluster.Channel) topic, done func(error)) {
	w := &await{done: done}
	var wake []*node
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		done(cluster.ErrClosed)
		return
	}
	for _, c := range channels {
		s := t.addLocked(name(c), c)
		if !s.confirmed {
			w.left++
			s.waiting = append(s.waiting, w)
			wake = append(wake, s.node)
		}
	}
	left := w.left
	t.mu.Unlock()
	if left == 0 {
		done(nil)
	}
	wakeAll(wake)
}

func (t *table) addLocked(p topic, c cluster.Channel) *subscription {
	s := t.topics[p]
	if s == nil {
		s = &subscription{node: t.assign(p)}
		t.topics[p] = s
		if s.node != nil {
			s.confirmed = s.node.has[p]
			s.node.dirty[p] = true
		}
	}
	if !slices.Contains(s.channels, c) {
		s.channels = append(s.channels, c)
	}
	return s
}

// remove removes channels.
func (t *table) remove(channels []cluster.Channel, name func(cluster.Channel) topic) {
	var ready []*await
	var wake []*node
	t.mu.Lock()
	for _, c := range channels {
		p := name(c)
		s := t.topics[p]
		if s == nil {
			continue
		}
		s.channels = slices.DeleteFunc(slices.Clone(s.channels), func(o cluster.Channel) bool { return o == c })
		if len(s.channels) > 0 {
			continue
		}
		delete(t.topics, p)
		ready = append(ready, settle(s)...)
		if s.node != nil {
			s.node.dirty[p] = true
		}
		wake = append(wake, s.node)
	}
	t.mu.Unlock()
	finish(ready, nil)
	wakeAll(wake)
}

// settle returns the calls that need not wait any longer now that s need not.
func settle(s *subscription) (ready []*await) {
	for _, w := range s.waiting {
		if w.left--; w.left == 0 {
			ready = append(ready, w)
		}
	}
	s.waiting = nil
	return ready
}

// finish tells the callers of Subscribe.
func finish(ready []*await, err error) {
	for _, w := range ready {
		w.done(err)
	}
}

func wakeAll(nodes []*node) {
	for _, n := range nodes {
		if n != nil {
			n.wakeUp()
		}
	}
}

// A carried is the part of a node in the table. The lock of the table guards it.
type carried struct {
	has     map[topic]bool // what was sent on the connection; true if it is confirmed
	dirty   map[topic]bool // what may have to be subscribed to or unsubscribed from
	leaving map[topic]int  // the confirmations of UNSUBSCRIBE that have not arrived
}

func newCarried() carried {
	return carried{has: make(map[topic]bool), dirty: make(map[topic]bool), leaving: make(map[topic]int)}
}

// forget is called when a node has no connection any more, or a new one.
func (t *table) forget(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(n.has)
	clear(n.dirty)
	clear(n.leaving)
	for p, s := range t.topics {
		if s.node == n {
			s.confirmed = false
			n.dirty[p] = true
		}
	}
}

// idle reports whether a node has nothing to do.
func (t *table) idle(n *node) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(n.dirty) == 0
}

// maxBatch is the maximum number of topics in one call to Redis.
const maxBatch = 512

// next returns what a node must subscribe to and unsubscribe from next.
func (t *table) next(n *node) (add, remove []topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range n.dirty {
		if len(add)+len(remove) == maxBatch {
			break
		}
		delete(n.dirty, p)
		s := t.topics[p]
		_, has := n.has[p]
		switch wanted := s != nil && s.node == n; {
		case wanted && !has:
			n.has[p] = false
			add = append(add, p)
		case has && !wanted:
			delete(n.has, p)
			n.leaving[p]++
			remove = append(remove, p)
		}
	}
	return add, remove
}

// confirm records that the server has topics.
func (t *table) confirm(n *node, topics []topic) {
	var ready []*await
	t.mu.Lock()
	for _, p := range topics {
		if _, has := n.has[p]; !has {
			continue // lost meanwhile
		}
		n.has[p] = true
		if s := t.topics[p]; s != nil && s.node == n {
			s.confirmed = true
			ready = append(ready, settle(s)...)
		}
	}
	t.mu.Unlock()
	finish(ready, nil)
}

// refuse records that the server has refused topics, which are no longer wanted.
func (t *table) refuse(n *node, topics []topic, err error) {
	var failed []*await
	t.mu.Lock()
	for _, p := range topics {
		delete(n.has, p)
		s := t.topics[p]
		if s == nil || s.node != n {
			continue
		}
		delete(t.topics, p)
		for _, w := range s.waiting {
			if w.left > 0 {
				w.left = 0
				failed = append(failed, w)
			}
		}
	}
	t.mu.Unlock()
	finish(failed, err)
}

// again records that topics must be subscribed to again: another server may have them.
func (t *table) again(n *node, topics []topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range topics {
		t.againLocked(n, p)
	}
}

func (t *table) againLocked(n *node, p topic) {
	delete(n.has, p)
	if s := t.topics[p]; s != nil && s.node == n {
		s.confirmed = false
		n.dirty[p] = true
	}
}

// left records that the server has unsubscribed a node from a topic. It reports whether
// the server did that by itself.
func (t *table) left(n *node, p topic) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.leaving[p] > 0 {
		if n.leaving[p]--; n.leaving[p] == 0 {
			delete(n.leaving, p)
		}
		return false
	}
	if _, has := n.has[p]; !has {
		return false
	}
	t.againLocked(n, p)
	return true
}

// reassign gives each topic to the node that assign returns for it.
func (t *table) reassign(assign func(topic) *node) {
	var wake []*node
	t.mu.Lock()
	t.assign = assign
	for p, s := range t.topics {
		to := assign(p)
		if to == s.node {
			continue
		}
		for _, n := range []*node{s.node, to} {
			if n != nil {
				n.dirty[p] = true
				wake = append(wake, n)
			}
		}
		s.node, s.confirmed = to, to != nil && to.has[p]
	}
	t.mu.Unlock()
	wakeAll(wake)
}

// channel returns the channel of the core under whose name a message has come.
func (t *table) channel(p topic) (c cluster.Channel, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if s := t.topics[p]; s != nil && !t.closed {
		return s.channels[0], true
	}
	return c, false
}

// close ends all calls of Subscribe.
func (t *table) close() {
	var failed []*await
	t.mu.Lock()
	t.closed = true
	for _, s := range t.topics {
		for _, w := range s.waiting {
			if w.left > 0 {
				w.left = 0
				failed = append(failed, w)
			}
		}
		s.waiting = nil
	}
	t.mu.Unlock()
	finish(failed, cluster.ErrClosed)
}
