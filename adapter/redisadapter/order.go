// SPDX-License-Identifier: MIT

// This file keeps the order of the messages of a topic whose slot moves. Those that come
// from the new server wait until everything from the old one is received, which ends with
// the confirmation that the topic is unsubscribed.

package redisadapter

import (
	"slices"
	"sync/atomic"
	"time"
)

const (
	// maxHeld is the maximum number of bytes that wait, of all topics. Messages that come
	// when they are reached are lost.
	maxHeld = 32 << 20
	// heldFor is how long messages wait for a server from which nothing comes.
	heldFor = answersIn
)

// A held message waits.
type held struct {
	from          *carrier
	channel, data string
}

func (h held) size() int { return len(h.channel) + len(h.data) + overhead }

// An order is the servers that messages of a topic may come from, and what waits. The lock
// of the table guards it.
type order struct {
	from    []*carrier // oldest first; messages of the first do not wait
	held    []held
	passing bool // a goroutine passes on what has waited, so that all others wait
}

// direct reports whether messages of a server do not wait.
func (o *order) direct(c *carrier) bool { return !o.passing && len(o.from) > 0 && o.from[0] == c }

// A holder holds messages of all topics.
type holder struct {
	pass  func(p topic, channel, data string) // receives a message that has waited; nil if none wait
	bytes int                                 // the lock of the table guards it
	lost  atomic.Uint64                       // messages
}

// follow records that the messages of a topic come from another server from now on.
func (t *table) follow(p topic, s *subscription, to *carrier) {
	o := &s.order
	if to == nil {
		return
	}
	if i := slices.Index(o.from, to); i >= 0 { // the slot is back, before all has come from the others
		o.from = o.from[:i+1]
		lost := t.drop(o, func(h held) bool { return !slices.Contains(o.from, h.from) })
		t.holder.lost.Add(uint64(lost))
		return
	}
	if len(o.from) == 1 && o.from[0].drained(p) {
		o.from = nil
	}
	o.from = append(o.from[:len(o.from):len(o.from)], to)
}

// drained reports whether a server has nothing more of a topic.
func (c *carrier) drained(p topic) bool {
	_, has := c.has[p]
	return !has && c.leaving[p] == 0
}

// drop removes messages that wait, and returns how many.
func (t *table) drop(o *order, match func(held) bool) (count int) {
	o.held = slices.DeleteFunc(o.held, func(h held) bool {
		if !match(h) {
			return false
		}
		t.holder.bytes -= h.size()
		count++
		return true
	})
	return count
}

// arrived takes a message from a server. It reports whether the caller must receive it:
// otherwise it waits, or is lost.
func (t *table) arrived(c *carrier, p topic, channel, data string) bool {
	if t.holder.pass == nil {
		return true
	}
	t.mu.RLock()
	s := t.topics[p]
	direct := s != nil && s.order.direct(c)
	t.mu.RUnlock()
	if s != nil && !direct && t.hold(s, p, held{c, channel, data}) {
		t.release(p)
	}
	return direct
}

// hold makes a message wait. It reports whether it need not wait any longer.
func (t *table) hold(s *subscription, p topic, h held) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := &s.order
	switch {
	case t.topics[p] != s:
		return false
	case !slices.Contains(o.from, h.from) || t.holder.bytes+h.size() > maxHeld:
		t.holder.lost.Add(1) // too late, or too many
		return false
	}
	o.held = append(o.held, h)
	t.holder.bytes += h.size()
	if first := o.from[0]; first != h.from && time.Since(time.Unix(0, first.heard.Load())) > heldFor {
		o.from = o.from[1:]
	}
	return !o.passing && o.from[0] == h.from
}

// release passes on messages of topics that need not wait any longer.
func (t *table) release(topics ...topic) {
	if t.holder.pass == nil {
		return
	}
	for _, p := range topics {
		var s *subscription
		for {
			var ready []held
			if s, ready = t.ready(p, s); len(ready) == 0 {
				break
			}
			for _, h := range ready {
				t.holder.pass(p, h.channel, h.data)
			}
		}
	}
}

// ready returns the messages of a topic that need not wait. The caller passes them on, and
// calls ready again with the subscription, nil at first, until it returns none.
func (t *table) ready(p topic, passing *subscription) (s *subscription, ready []held) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s = t.topics[p]; s == nil || passing != nil && s != passing || passing == nil && s.order.passing {
		return nil, nil
	}
	o := &s.order
	for {
		o.held = slices.DeleteFunc(o.held, func(h held) bool {
			if h.from != o.from[0] {
				return false
			}
			t.holder.bytes -= h.size()
			ready = append(ready, h)
			return true
		})
		if len(o.from) < 2 || !o.from[0].drained(p) {
			break
		}
		o.from = o.from[1:]
	}
	o.passing = len(ready) > 0
	return s, ready
}

// moving returns the topics of which messages wait for a server.
func (t *table) moving(c *carrier) (topics []topic) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for p, s := range t.topics {
		if len(s.order.from) > 1 && s.order.from[0] == c {
			topics = append(topics, p)
		}
	}
	return topics
}
