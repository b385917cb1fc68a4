// SPDX-License-Identifier: MIT

// This file holds a Redis server: its connections, and whether it works.

package redisadapter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter"
)

// An owner is the bus that a node belongs to. Its methods do not block.
type owner interface {
	receive(b *adapter.Batch, p topic, channel, message string)
	changed() // the state may have changed
	kick()    // the slots of the Redis Cluster may have moved
}

// A node is a Redis server, or what Sentinels say is one.
type node struct {
	*carrier
	owner   owner
	table   *table
	addr    string // "" if option has the addresses
	sharded bool
	option  rueidis.ClientOption
	ctx     context.Context // ends when the node is no longer used
	cancel  context.CancelFunc
	client  atomic.Pointer[rueidis.Client] // nil before the first connection
	reader  atomic.Pointer[subscriber]     // nil without a connection for subscriptions
	tried   chan struct{}                  // closed after the first attempt
	again   chan struct{}                  // Reset
	since   atomic.Int64                   // when the messages that Redis has not answered were sent, or 0

	mu      sync.Mutex // guards the fields below
	silent  error      // why it does not deliver, or nil
	refuses error      // why it takes no messages, or nil
	denied  error      // the error with which it has lately refused a message, or nil
	until   time.Time  // when denied is forgotten
}

// makeContext gives the node a context, which ends with ctx.
func (n *node) makeContext(ctx context.Context) *node {
	n.carrier, n.tried, n.again = newCarrier(), make(chan struct{}), make(chan struct{}, 1)
	n.ctx, n.cancel = context.WithCancel(ctx)
	return n
}

// deafAfter is how long nothing must have come before a connection counts as deaf. A
// message that is late while others come is behind them.
const deafAfter = 3 * time.Second

// reset makes a new connection for subscriptions, unless messages come on this one.
func (n *node) reset() {
	if time.Since(time.Unix(0, n.heard.Load())) < deafAfter {
		return
	}
	n.set(&n.silent, down(errReset))
	poke(n.again)
}

var (
	errReset   = errors.New("messages do not arrive")
	errEnded   = errors.New("the connection has ended")
	errStalled = fmt.Errorf("%w: it does not answer", ErrDown)
)

// down returns an error that wraps ErrDown.
func down(err error) error {
	if err == nil || errors.Is(err, ErrDown) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

// set sets a field of the state, and tells the owner.
func (n *node) set(field *error, err error) {
	n.mu.Lock()
	changed := (*field == nil) != (err == nil)
	*field = err
	n.mu.Unlock()
	if changed {
		n.owner.changed()
	}
}

// get returns a field of the state.
func (n *node) get(field *error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return *field
}

// err returns why the node does not work, or nil.
func (n *node) err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.refuses != nil:
		return n.refuses
	case n.silent != nil:
		return n.silent
	}
	return n.denied
}

// stalledAfter is how long Redis may take to answer before Publish returns an error.
const stalledAfter = 3 * time.Second

// publishes returns why the node takes no messages, or nil.
func (n *node) publishes() error {
	if since := n.since.Load(); since != 0 && time.Since(time.Unix(0, since)) > stalledAfter {
		return errStalled
	}
	return n.get(&n.refuses)
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

// failed records that the node has not taken messages.
func (n *node) failed(count int, err error) {
	n.set(&n.refuses, fmt.Errorf("%w: %d messages were lost: %w", ErrDown, count, err))
	poke(n.wake)
}

// steadyAfter is how long a connection must last before the next pause is short again.
const steadyAfter = 10 * time.Second

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
		if time.Since(began) > steadyAfter {
			p = 0
		}
		n.set(&n.silent, down(err))
		n.owner.kick()
		if !p.wait(n.ctx) {
			return
		}
	}
}

// end closes the client.
func (n *node) end() {
	n.table.forget(n.carrier)
	if c := n.client.Load(); c != nil {
		(*c).Close()
	}
}

// connect makes the client, which has a connection for messages, unless it exists.
func (n *node) connect() error {
	if n.client.Load() != nil {
		return nil
	}
	c, err := rueidis.NewClient(beforeReads(n.option, n.flush))
	if err == nil {
		n.client.Store(&c)
	}
	n.set(&n.refuses, down(err))
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
	for n.table.idle(n.carrier) {
		n.ready()
		select {
		case <-n.wake:
		case <-n.again:
		case <-n.ctx.Done():
			return nil
		}
	}
	s := &subscriber{table: n.table, carrier: n.carrier, listens: n, sharded: n.sharded, bySlot: n.sharded && n.addr != ""}
	select {
	case <-n.again: // the connection is new
	default:
	}
	n.reader.Store(s)
	s.open(*n.client.Load())
	defer s.close()
	for {
		if add, remove := n.table.next(n.carrier); len(add)+len(remove) > 0 {
			again, err := s.change(n.ctx, add, remove)
			if err != nil {
				return err
			}
			if again {
				shortly := pause(0)
				shortly.wait(n.ctx)
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
				err = errEnded
			}
			return err
		case <-n.ctx.Done():
			return nil
		}
	}
}

// receive implements listener.
func (n *node) receive(b *adapter.Batch, p topic, channel, message string) {
	n.heard.Store(time.Now().UnixNano())
	if n.table.arrived(n.carrier, p, channel, message) {
		n.owner.receive(b, p, channel, message)
	}
}

// flush is called before each read of a connection.
func (n *node) flush() {
	if s := n.reader.Load(); s != nil {
		s.flush()
	}
}

// moved implements listener.
func (n *node) moved(why error) {
	n.set(&n.silent, down(why))
	n.owner.kick()
}

// ready records that everything is subscribed, when the server takes messages too.
func (n *node) ready() {
	var p pause
	for n.get(&n.refuses) != nil {
		ctx, cancel := context.WithTimeout(n.ctx, answersIn)
		c := *n.client.Load()
		err := c.Do(ctx, c.B().Ping().Build()).Error()
		cancel()
		if err == nil {
			n.set(&n.refuses, nil)
			break
		}
		n.owner.kick() // another server may have its slots
		if !p.wait(n.ctx) {
			return
		}
	}
	n.set(&n.silent, nil)
}

// publish sends messages and waits for the answers. It returns those that another server
// must get, and how many were lost: Redis has refused them, or the connection has broken.
// Then they may have arrived or not: to send them again could make them arrive twice.
func (n *node) publish(part []message) (moved []message, lost int) {
	select {
	case <-n.tried:
	case <-n.ctx.Done():
		return nil, len(part)
	}
	c := n.client.Load()
	if c == nil || n.get(&n.refuses) != nil {
		return nil, len(part) // Publish says so
	}
	commands := make([]rueidis.Completed, len(part))
	for i, m := range part {
		if b := (*c).B(); n.sharded {
			commands[i] = b.Spublish().Channel(m.channel).Message(rueidis.BinaryString(m.data)).Build()
		} else {
			commands[i] = b.Publish().Channel(m.channel).Message(rueidis.BinaryString(m.data)).Build()
		}
	}
	n.since.Store(time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(n.ctx, answersIn)
	defer cancel()
	results := (*c).DoMulti(ctx, commands...)
	n.since.Store(0)
	var why, refused error
	denied := 0
	for i, r := range results {
		err := r.Error()
		if _, answered := rueidis.IsRedisErr(err); answered && !elsewhere(err) {
			denied, refused = denied+1, err
		} else if answered {
			moved = append(moved, part[i])
		} else if err != nil {
			lost, why = lost+1, err
		}
	}
	if lost > 0 {
		n.failed(lost, why)
	}
	n.deny(refused)
	return moved, lost + denied
}
