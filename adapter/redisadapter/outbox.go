// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent, and sends them.

package redisadapter

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

// A message waits to be published.
type message struct {
	channel string
	data    []byte
}

// An outbox holds the messages that wait, in order.
type outbox struct {
	most int
	wake chan struct{}
	done chan struct{} // closed when the sender has sent everything after close

	mu      sync.Mutex // guards the fields below
	waiting []message
	bytes   int
	closed  bool
}

func newOutbox(most int) *outbox {
	return &outbox{most: most, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// overhead is counted for each message beside its bytes.
const overhead = 64

// put adds a message.
func (o *outbox) put(m message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := len(m.channel) + len(m.data) + overhead
	switch {
	case o.closed:
		return cluster.ErrClosed
	case o.bytes > 0 && o.bytes+size > o.most:
		return ErrQueueFull
	}
	o.waiting = append(o.waiting, m)
	o.bytes += size
	if len(o.waiting) == 1 {
		poke(o.wake)
	}
	return nil
}

// take returns what waits.
func (o *outbox) take() (all []message, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all, o.waiting, o.bytes = o.waiting, nil, 0
	return all, o.closed
}

// close refuses further messages and waits until those before are sent.
func (o *outbox) close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	poke(o.wake)
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxPipeline is the maximum number of messages that are sent before Redis has answered.
const maxPipeline = 512

// send sends messages until the bus is closed.
func (b *bus) send() {
	defer close(b.out.done)
	if !b.firstRoutes() {
		return
	}
	for {
		all, closed := b.out.take()
		for len(all) > 0 && b.ctx.Err() == nil {
			n := min(len(all), maxPipeline)
			b.sendBatch(all[:n:n])
			all = all[n:]
		}
		if closed || b.ctx.Err() != nil {
			return
		}
		select {
		case <-b.out.wake:
		case <-b.ctx.Done():
			return
		}
	}
}

// firstRoutes waits until it is known where to send messages. It returns false if the bus
// is closed before.
func (b *bus) firstRoutes() bool {
	for {
		b.fresh.Lock()
		found := b.found
		b.fresh.Unlock()
		if b.routes.Load() != nil {
			return true
		}
		select {
		case <-found:
		case <-b.ctx.Done():
			return false
		}
	}
}

// maxMoves is how often messages are sent again because their slot has moved.
const maxMoves = 8

// sendBatch sends messages. Those whose slot has moved are sent to its new server before
// all that follow.
func (b *bus) sendBatch(batch []message) {
	for range maxMoves {
		r := b.routes.Load()
		parts := make(map[*node][]message)
		for _, m := range batch {
			n := r.node(m.channel)
			parts[n] = append(parts[n], m)
		}
		var work sync.WaitGroup
		var mu sync.Mutex
		var moved []message
		for n, part := range parts {
			if n == nil {
				continue // nobody has the slot, which the state of the bus says
			}
			send := func() {
				if again := n.publish(part); len(again) > 0 {
					mu.Lock()
					defer mu.Unlock()
					moved = append(moved, again...) // in order for each slot
				}
			}
			if len(parts) == 1 {
				send()
			} else {
				work.Go(send)
			}
		}
		work.Wait()
		if batch = moved; len(batch) == 0 {
			return
		}
		if !b.freshRoutes(r) {
			return
		}
	}
}

// publish sends messages and waits for the answers. It returns those that another server
// must get. If the connection breaks, the others may have arrived or not: to send them
// again could make them arrive twice.
func (n *node) publish(part []message) (moved []message) {
	select {
	case <-n.tried:
	case <-n.ctx.Done():
		return nil
	}
	c := n.client.Load()
	if c == nil || n.get(&n.refuses) != nil {
		return nil // Publish says so
	}
	sharded := n.bus.mode.sharded()
	commands := make([]rueidis.Completed, len(part))
	for i, m := range part {
		if b := (*c).B(); sharded {
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
	lost, why, refused := 0, error(nil), error(nil)
	for i, r := range results {
		err := r.Error()
		if _, answered := rueidis.IsRedisErr(err); answered && !elsewhere(err) {
			refused = err
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
	return moved
}
