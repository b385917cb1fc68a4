// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent.

package redisadapter

import (
	"context"
	"sync"

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

func (m message) size() int { return len(m.channel) + len(m.data) + overhead }

// put adds a message.
func (o *outbox) put(m message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := m.size()
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

const (
	// maxPipeline is the maximum number of messages that are sent before Redis has answered,
	// and maxPipelineBytes that of their bytes, except for a single one.
	maxPipeline      = 512
	maxPipelineBytes = 1 << 20
)

// take returns the next messages to be sent, and whether more may come.
func (o *outbox) take() (next []message, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	bytes, n := 0, 0
	for n < len(o.waiting) && n < maxPipeline && (n == 0 || bytes < maxPipelineBytes) {
		bytes += o.waiting[n].size()
		n++
	}
	next, o.waiting = o.waiting[:n:n], o.waiting[n:]
	o.bytes -= bytes
	if len(o.waiting) == 0 {
		o.waiting = nil
	}
	return next, !o.closed
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
