// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent.

package pgadapter

import (
	"context"
	"sync"

	"socketio/adapter/cluster"
)

// A message waits to be sent: a notification, or an entry of a log.
type message struct {
	channel string // of a notification
	space   string // of an entry
	token   uint64 // of an entry, or 0
	data    []byte
}

// overhead is counted for each message beside its bytes.
const overhead = 64

func (m *message) size() int { return len(m.channel) + len(m.space) + len(m.data) + overhead }

// A queue holds the messages that wait, in order.
type queue struct {
	most int
	wake chan struct{}
	done chan struct{} // closed when the sender has sent everything after close

	mu      sync.Mutex // guards the fields below
	waiting []message
	bytes   int
	closed  bool
}

func newQueue(most int) *queue {
	return &queue{most: most, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// put adds a message.
func (q *queue) put(m message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := m.size()
	switch {
	case q.closed:
		return cluster.ErrClosed
	case q.bytes > 0 && q.bytes+size > q.most:
		return ErrQueueFull
	}
	q.waiting = append(q.waiting, m)
	q.bytes += size
	poke(q.wake)
	return nil
}

const (
	// maxBatch is the maximum number of messages in a transaction, and maxBatchBytes that of
	// their bytes, except for a single one.
	maxBatch      = 512
	maxBatchBytes = 1 << 20
)

// take returns the next messages to be sent, which still count as waiting until sent is
// called, and whether more may come.
func (q *queue) take() (next []message, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes, n := 0, 0
	for n < len(q.waiting) && n < maxBatch && (n == 0 || bytes < maxBatchBytes) {
		bytes += q.waiting[n].size()
		n++
	}
	next, q.waiting = q.waiting[:n:n], q.waiting[n:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	return next, !q.closed || n > 0
}

// sent records that messages are no longer waiting.
func (q *queue) sent(all []message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range all {
		q.bytes -= all[i].size()
	}
}

// drop returns all messages that wait, which are not sent.
func (q *queue) drop() []message {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	for i := range all {
		q.bytes -= all[i].size()
	}
	return all
}

// isClosed reports whether no further messages come.
func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// close refuses further messages, and waits until those before have been sent, or until
// ctx ends.
func (q *queue) close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	poke(q.wake)
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
