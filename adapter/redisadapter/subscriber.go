// SPDX-License-Identifier: MIT

// This file holds a connection for subscriptions.

package redisadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/rueidis"

	"socketio/adapter"
)

// A listener uses a subscriber.
type listener interface {
	// receive takes a message of a topic. channel is the name of its channel. What it sends
	// to clients may be held in b.
	receive(b *adapter.Batch, p topic, channel, message string)
	// moved is called when another server may have some of the slots.
	moved(why error)
}

// A subscriber is a connection for subscriptions.
type subscriber struct {
	conn    rueidis.DedicatedClient
	lost    <-chan error // receives when the connection is broken
	table   *table
	carrier *carrier
	listens listener
	sharded bool
	bySlot  bool // a command may have channels of one slot only

	mu    sync.Mutex    // is held while a message is received; guards the fields below
	dead  bool          // no more messages are received
	batch adapter.Batch // what the messages since the last read have caused
}

// open makes the connection. If that fails, so will its use.
func (s *subscriber) open(c rueidis.Client) {
	s.table.forget(s.carrier)
	s.conn, _ = c.Dedicate()
	s.lost = s.conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: s.message, OnSubscription: s.subscription})
}

// flush sends to the clients what was received. It is called before a connection is read:
// that of the subscriber has no more messages then.
func (s *subscriber) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch.Flush()
}

// close closes the connection. Nothing is received afterwards.
func (s *subscriber) close() {
	s.mu.Lock()
	s.dead = true
	s.batch.Flush()
	s.mu.Unlock()
	s.conn.Close()
	s.table.forget(s.carrier)
}

func (s *subscriber) message(m rueidis.PubSubMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return
	}
	p := topic{m.Channel, false}
	if m.Pattern != "" {
		p = topic{m.Pattern, true}
	}
	s.listens.receive(&s.batch, p, m.Channel, m.Message)
}

// subscription is called when the server confirms. It also unsubscribes by itself, from
// channels of slots that it no longer has.
func (s *subscriber) subscription(e rueidis.PubSubSubscription) {
	switch e.Kind {
	case "unsubscribe", "punsubscribe", "sunsubscribe":
		if s.table.left(s.carrier, topic{e.Channel, e.Kind == "punsubscribe"}) {
			s.listens.moved(errors.New("a slot has moved"))
			poke(s.carrier.wake)
		}
	}
}

// change subscribes and unsubscribes. again is true if some topics were not taken by this
// server, which may take them later. It returns an error if the connection is broken.
func (s *subscriber) change(ctx context.Context, add, remove []topic) (again bool, err error) {
	adds := s.group(add)
	groups := append(adds[:len(adds):len(adds)], s.group(remove)...)
	var commands []rueidis.Completed
	for i, g := range groups {
		commands = append(commands, s.command(g, i < len(adds)))
	}
	ctx, cancel := context.WithTimeout(ctx, answersIn)
	defer cancel()
	for i, r := range s.conn.DoMulti(ctx, commands...) {
		if err := r.NonRedisError(); err != nil {
			return again, err
		}
		err := r.Error()
		switch {
		case i >= len(adds):
			// A server that no longer has a slot has unsubscribed already.
		case err == nil:
			s.table.confirm(s.carrier, groups[i])
		case elsewhere(err):
			s.table.again(s.carrier, groups[i])
			s.listens.moved(err)
			again = true
		default:
			s.table.refuse(s.carrier, groups[i], fmt.Errorf("redisadapter: subscribe: %w", err))
		}
	}
	return again, nil
}

// elsewhere reports whether another server of a Redis Cluster may do what this one has
// refused, or this one soon.
func elsewhere(err error) bool {
	e, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false
	}
	text := e.Error()
	for _, code := range []string{"MOVED ", "ASK ", "CLUSTERDOWN ", "TRYAGAIN ", "LOADING ", "MASTERDOWN "} {
		if strings.HasPrefix(text, code) {
			return true
		}
	}
	return false
}

// group divides topics into those of one command.
func (s *subscriber) group(topics []topic) (groups [][]topic) {
	type key struct {
		pattern bool
		slot    int
	}
	index := make(map[key]int)
	for _, p := range topics {
		k := key{pattern: p.pattern}
		if s.bySlot {
			k.slot = slot(p.name)
		}
		i, ok := index[k]
		if !ok {
			i = len(groups)
			index[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

// command returns the command for topics of one group.
func (s *subscriber) command(topics []topic, add bool) rueidis.Completed {
	names := make([]string, len(topics))
	for i, p := range topics {
		names[i] = p.name
	}
	b := s.conn.B()
	switch pattern := topics[0].pattern; {
	case pattern && add:
		return b.Psubscribe().Pattern(names...).Build()
	case pattern:
		return b.Punsubscribe().Pattern(names...).Build()
	case s.sharded && add:
		return b.Ssubscribe().Channel(names...).Build()
	case s.sharded:
		return b.Sunsubscribe().Channel(names...).Build()
	case add:
		return b.Subscribe().Channel(names...).Build()
	}
	return b.Unsubscribe().Channel(names...).Build()
}
