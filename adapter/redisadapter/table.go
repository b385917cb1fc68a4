// SPDX-License-Identifier: MIT

// This file holds the table of subscriptions: which are wanted, and which the connection
// to each Redis server has.

package redisadapter

import (
	"slices"
	"sync"
	"sync/atomic"

	"socketio/adapter/cluster"
)

// A topic is what Redis subscribes to: a channel, or a pattern of channels.
type topic struct {
	name    string
	pattern bool
}

// A carrier is a Redis server, as the table sees it.
type carrier struct {
	// The lock of the table guards the fields below. They are about the current connection.
	has     map[topic]bool // what was sent; true if it is confirmed
	dirty   map[topic]bool // what may have to be subscribed to or unsubscribed from
	leaving map[topic]int  // the confirmations of UNSUBSCRIBE that have not arrived

	wake  chan struct{} // receives when there is something to do
	heard atomic.Int64  // when the last message came
}

func newCarrier() *carrier {
	return &carrier{
		has: make(map[topic]bool), dirty: make(map[topic]bool), leaving: make(map[topic]int),
		wake: make(chan struct{}, 1),
	}
}

// poke makes the next receive from c return at once.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// A subscription is a topic that is wanted.
type subscription struct {
	channels  []cluster.Channel // of the core; several can have one name
	at        *carrier          // the connection, or nil if it is not known
	confirmed bool              // by the connection
	waiting   []*await
	order     order
}

// An await is a call of Subscribe whose topics are not all confirmed.
type await struct {
	left int
	done func(error)
}

// A table is the table of a bus. The functions that callers of Subscribe pass are called
// without its lock.
type table struct {
	mu     sync.RWMutex // guards the fields below, and those of carriers
	topics map[topic]*subscription
	assign func(topic) *carrier // returns nil while it is not known
	closed bool
	holder holder
}

func newTable() *table {
	return &table{topics: make(map[topic]*subscription), assign: func(topic) *carrier { return nil }}
}

// add adds channels. done is called when all are confirmed.
func (t *table) add(channels []cluster.Channel, name func(cluster.Channel) topic, done func(error)) {
	w := &await{done: done}
	var wake []*carrier
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
			wake = append(wake, s.at)
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
		s = &subscription{at: t.assign(p)}
		t.follow(p, s, s.at)
		t.topics[p] = s
		if s.at != nil {
			s.confirmed = s.at.has[p]
			s.at.dirty[p] = true
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
	var wake []*carrier
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
		t.drop(&s.order, func(held) bool { return true })
		ready = append(ready, settle(s)...)
		if s.at != nil {
			s.at.dirty[p] = true
		}
		wake = append(wake, s.at)
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

func wakeAll(nodes []*carrier) {
	for _, c := range nodes {
		if c != nil {
			poke(c.wake)
		}
	}
}

// forget is called when a server has lost its connection, or has a new one.
func (t *table) forget(c *carrier) {
	defer func() { t.release(t.moving(c)...) }()
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(c.has)
	clear(c.dirty)
	clear(c.leaving)
	for p, s := range t.topics {
		if s.at == c {
			s.confirmed = false
			c.dirty[p] = true
		}
	}
}

// idle reports whether there is nothing to do.
func (t *table) idle(c *carrier) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(c.dirty) == 0
}

// maxBatch is the maximum number of topics in one call to Redis.
const maxBatch = 512

// next returns what must be subscribed to and unsubscribed from next.
func (t *table) next(c *carrier) (add, remove []topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for p := range c.dirty {
		if len(add)+len(remove) == maxBatch {
			break
		}
		delete(c.dirty, p)
		s := t.topics[p]
		_, has := c.has[p]
		switch wanted := s != nil && s.at == c; {
		case wanted && !has:
			c.has[p] = false
			add = append(add, p)
		case has && !wanted:
			delete(c.has, p)
			c.leaving[p]++
			remove = append(remove, p)
		}
	}
	return add, remove
}

// confirm records that the server has topics.
func (t *table) confirm(c *carrier, topics []topic) {
	var ready []*await
	t.mu.Lock()
	for _, p := range topics {
		if _, has := c.has[p]; !has {
			continue // lost meanwhile
		}
		c.has[p] = true
		if s := t.topics[p]; s != nil && s.at == c {
			s.confirmed = true
			ready = append(ready, settle(s)...)
		}
	}
	t.mu.Unlock()
	finish(ready, nil)
}

// refuse records that the server has refused topics, which are no longer wanted.
func (t *table) refuse(c *carrier, topics []topic, err error) {
	var failed []*await
	t.mu.Lock()
	for _, p := range topics {
		delete(c.has, p)
		s := t.topics[p]
		if s == nil || s.at != c {
			continue
		}
		delete(t.topics, p)
		t.drop(&s.order, func(held) bool { return true })
		for _, w := range s.waiting {
			if w.left > 0 {
				w.left = 0
				failed = append(failed, w)
			}
		}
	}
	t.mu.Unlock()
	finish(failed, err)
	t.release(topics...)
}

// again records that topics must be subscribed to again: another server may have them.
func (t *table) again(c *carrier, topics []topic) {
	defer t.release(topics...)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range topics {
		t.againLocked(c, p)
	}
}

func (t *table) againLocked(c *carrier, p topic) {
	delete(c.has, p)
	if s := t.topics[p]; s != nil && s.at == c {
		s.confirmed = false
		c.dirty[p] = true
	}
}

// left records that a server has ended the subscription to a topic. It reports whether
// it did that by itself.
func (t *table) left(c *carrier, p topic) bool {
	defer t.release(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.leaving[p] > 0 {
		if c.leaving[p]--; c.leaving[p] == 0 {
			delete(c.leaving, p)
		}
		return false
	}
	if _, has := c.has[p]; !has {
		return false
	}
	t.againLocked(c, p)
	return true
}

// reassign gives each topic to the server that assign returns for it.
func (t *table) reassign(assign func(topic) *carrier) {
	var wake []*carrier
	t.mu.Lock()
	t.assign = assign
	for p, s := range t.topics {
		to := assign(p)
		if to == s.at {
			continue
		}
		for _, c := range []*carrier{s.at, to} {
			if c != nil {
				c.dirty[p] = true
				wake = append(wake, c)
			}
		}
		s.at, s.confirmed = to, to != nil && to.has[p]
		t.follow(p, s, to)
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
