// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent.

package natsadapter

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
)

// An outbox holds the messages that wait, in order. It is bounded by their bytes.
type outbox struct {
	most int
	wake chan struct{}
	done chan struct{} // closed when the sender has sent everything after close

	mu      sync.Mutex // guards the fields below
	waiting []*nats.Msg
	bytes   int
	closed  bool
}

func newOutbox(most int) *outbox {
	return &outbox{most: most, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// sizeOf is what a message counts for MaxQueue.
func sizeOf(m *nats.Msg) int {
	const overhead = 64
	n := overhead + len(m.Subject) + len(m.Reply) + len(m.Data)
	for key, values := range m.Header {
		for _, v := range values {
			n += len(key) + len(v)
		}
	}
	return n
}

// put adds a message.
func (o *outbox) put(m *nats.Msg) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := sizeOf(m)
	switch {
	case o.closed:
		return cluster.ErrClosed
	case o.bytes > 0 && o.bytes+size > o.most:
		return ErrQueueFull
	}
	o.waiting = append(o.waiting, m)
	o.bytes += size
	poke(o.wake)
	return nil
}

// take returns the messages that wait, and whether more may come.
func (o *outbox) take() (next []*nats.Msg, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next, o.waiting = o.waiting, nil
	return next, !o.closed
}

// sent makes room for others.
func (o *outbox) sent(m *nats.Msg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= sizeOf(m)
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

// poke makes the reader of a channel look again.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
