// SPDX-License-Identifier: MIT

// This file holds a Redis server: the connection for its subscriptions, and whether it
// takes messages.

package redisadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// A node is a Redis server, or what Sentinels say is one.
type node struct {
	carried
	bus    *bus
	addr   string
	option rueidis.ClientOption
	ctx    context.Context // ends when the node is no longer used
	cancel context.CancelFunc
	client atomic.Pointer[rueidis.Client] // nil before the first connection
	tried  chan struct{}                  // closed after the first attempt
	wake   chan struct{}
	again  chan struct{} // Reset
	since  atomic.Int64  // when the messages that Redis has not answered were sent, or 0

	mu      sync.Mutex // guards the fields below
	silent  error      // why it does not deliver, or nil
	refuses error      // why it takes no messages, or nil
	denied  error      // the error with which it has lately refused a message, or nil
	until   time.Time  // when denied is forgotten
}

// newNode starts a node. addr is "" if option has the addresses.
func newNode(b *bus, addr string, option rueidis.ClientOption) *node {
	n := &node{
		carried: newCarried(), bus: b, addr: addr, option: option,
		tried: make(chan struct{}), wake: make(chan struct{}, 1), again: make(chan struct{}, 1),
	}
	n.ctx, n.cancel = context.WithCancel(b.ctx)
	b.work.Go(n.run)
	return n
}

func (n *node) wakeUp() { poke(n.wake) }

func (n *node) reset() {
	n.set(&n.silent, errReset)
	poke(n.again)
}

var (
	errReset   = errors.New("redisadapter: messages do not arrive")
	errStalled = fmt.Errorf("%w: it does not answer", ErrDown)
)

// set sets silent or refuses, and tells the bus.
func (n *node) set(field *error, err error) {
	n.mu.Lock()
	changed := (*field == nil) != (err == nil)
	*field = err
	n.mu.Unlock()
	if changed {
		n.bus.changed()
	}
}

// err returns why the node does not work, or nil.
func (n *node) err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuses != nil {
		return n.refuses
	}
	if n.silent != nil {
		return n.silent
	}
	return n.denied
}

// deniedFor is how long the state remembers that Redis has refused a message.
const deniedFor = 30 * time.Second

// deny records that Redis has refused a message, for want of a permission for example, or
// that it has refused none.
func (n *node) deny(err error) {
	now := time.Now()
	n.mu.Lock()
	if err == nil && (n.denied == nil || now.Before(n.until)) {
		n.mu.Unlock()
		return
	}
	n.until = now.Add(deniedFor)
	n.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("redisadapter: Redis has refused a message: %w", err)
	}
	n.set(&n.denied, err)
}

// stalledAfter is how long Redis may take to answer before Publish returns an error.
const stalledAfter = 2 * time.Second

// publishes returns why the node takes no messages, or nil.
func (n *node) publishes() error {
	if since := n.since.Load(); since != 0 && time.Since(time.Unix(0, since)) > stalledAfter {
		return errStalled
	}
	return n.get(&n.refuses)
}

// get returns silent or refuses.
func (n *node) get(field *error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return *field
}

// run keeps the node connected.
func (n *node) run() {
	defer n.end()
	var p pause
	for n.ctx.Err() == nil {
		began := time.Now()
		err := n.connect()
		if err == nil {
			err = n.serve()
		}
		if n.ctx.Err() != nil {
			return
		}
		if time.Since(began) > 10*time.Second {
			p = 0
		}
		n.set(&n.silent, down(err))
		n.bus.kick()
		if !p.wait(n.ctx) {
			return
		}
	}
}

// end closes the client.
func (n *node) end() {
	n.table().forget(n)
	if c := n.client.Load(); c != nil {
		(*c).Close()
	}
}

func (n *node) table() *table { return n.bus.table }

// connect makes the client, which has a connection for messages, if there is none.
func (n *node) connect() error {
	if n.client.Load() != nil {
		return nil
	}
	c, err := rueidis.NewClient(n.option)
	if err != nil {
		n.set(&n.refuses, down(err))
	} else {
		n.client.Store(&c)
		n.set(&n.refuses, nil)
	}
	select {
	case <-n.tried:
	default:
		close(n.tried)
	}
	return err
}

// serve subscribes and unsubscribes, until the connection breaks. The connection is made
// when it is needed.
func (n *node) serve() error {
	for n.table().idle(n) {
		n.ready()
		select {
		case <-n.wake:
		case <-n.again:
		case <-n.ctx.Done():
			return nil
		}
	}
	s := n.subscribe()
	defer s.close()
	for {
		add, remove := n.table().next(n)
		if len(add)+len(remove) > 0 {
			if err := s.change(add, remove); err != nil {
				return err
			}
			continue
		}
		n.ready()
		select {
		case <-n.wake:
		case <-n.again:
			return errReset
		case err := <-s.lost:
			if err == nil {
				err = errors.New("redisadapter: the connection has ended")
			}
			return err
		case <-n.ctx.Done():
			return nil
		}
	}
}

// ready records that everything is subscribed, when the server takes messages too.
func (n *node) ready() {
	n.probe()
	n.set(&n.silent, nil)
}

// failed records that the node has not taken messages.
func (n *node) failed(count int, err error) {
	n.set(&n.refuses, fmt.Errorf("%w: %d messages were lost: %w", ErrDown, count, err))
	n.wakeUp()
}

// probe waits until the server takes messages again, if it did not.
func (n *node) probe() {
	var p pause
	for n.get(&n.refuses) != nil {
		ctx, cancel := context.WithTimeout(n.ctx, answersIn)
		c := *n.client.Load()
		err := c.Do(ctx, c.B().Ping().Build()).Error()
		cancel()
		if err == nil {
			n.set(&n.refuses, nil)
			return
		}
		n.bus.kick() // another server may have its slots
		if !p.wait(n.ctx) {
			return
		}
	}
}

// A subscriber is a connection for subscriptions.
type subscriber struct {
	node *node
	conn rueidis.DedicatedClient
	lost <-chan error

	mu   sync.Mutex // is held while a message is received
	dead bool       // no more messages are received
}

// subscribe makes the connection. If that fails, so will its use.
func (n *node) subscribe() *subscriber {
	n.table().forget(n)
	conn, _ := (*n.client.Load()).Dedicate()
	s := &subscriber{node: n, conn: conn}
	s.lost = conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: s.message, OnSubscription: s.subscription})
	return s
}

// close closes the connection. Nothing is received afterwards.
func (s *subscriber) close() {
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
	s.conn.Close()
	s.node.table().forget(s.node)
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
	s.node.bus.receive(p, m.Channel, m.Message)
}

// subscription is called when the server confirms. It also unsubscribes by itself, from
// channels of slots that it no longer has.
func (s *subscriber) subscription(e rueidis.PubSubSubscription) {
	switch e.Kind {
	case "unsubscribe", "punsubscribe", "sunsubscribe":
		if s.node.table().left(s.node, topic{e.Channel, e.Kind == "punsubscribe"}) {
			s.node.set(&s.node.silent, fmt.Errorf("%w: a slot has moved", ErrDown))
			s.node.bus.kick()
			s.node.wakeUp()
		}
	}
}

// change subscribes and unsubscribes. It returns an error if the connection is broken.
func (s *subscriber) change(add, remove []topic) error {
	var commands []rueidis.Completed
	groups := append(s.group(add), s.group(remove)...)
	adds := len(s.group(add))
	for i, g := range groups {
		commands = append(commands, s.command(g, i < adds))
	}
	ctx, cancel := context.WithTimeout(s.node.ctx, answersIn)
	defer cancel()
	results := s.conn.DoMulti(ctx, commands...)
	moved := false
	for i, r := range results {
		if err := r.NonRedisError(); err != nil {
			return err
		}
		err := r.Error()
		switch {
		case i >= adds:
			// A server that no longer has a slot has unsubscribed already.
		case err == nil:
			s.node.table().confirm(s.node, groups[i])
		case elsewhere(err):
			s.node.table().again(s.node, groups[i])
			moved = true
		default:
			s.node.table().refuse(s.node, groups[i], fmt.Errorf("redisadapter: subscribe: %w", err))
		}
	}
	if moved {
		s.node.set(&s.node.silent, fmt.Errorf("%w: a slot has moved", ErrDown))
		s.node.bus.kick()
		p := pause(leastPause)
		p.wait(s.node.ctx)
	}
	return nil
}

// elsewhere reports whether another server of a Redis Cluster may do what this one has
// refused, now or soon.
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
		if s.node.bus.mode.sharded() && s.node.addr != "" {
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
	switch pattern, sharded := topics[0].pattern, s.node.bus.mode.sharded(); {
	case pattern && add:
		return b.Psubscribe().Pattern(names...).Build()
	case pattern:
		return b.Punsubscribe().Pattern(names...).Build()
	case sharded && add:
		return b.Ssubscribe().Channel(names...).Build()
	case sharded:
		return b.Sunsubscribe().Channel(names...).Build()
	case add:
		return b.Subscribe().Channel(names...).Build()
	}
	return b.Unsubscribe().Channel(names...).Build()
}
