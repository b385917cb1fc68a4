// SPDX-License-Identifier: MIT

// This file holds the queue of what a bus has to send.

package cluster

import (
	"context"
	"sync"
)

// A Queue holds what a Bus has to send, in order, within a bound of bytes. It is for those who
// write a Bus: Publish puts messages into it, and one goroutine takes and sends them, until
// Take reports that no more come, or until its connection is given up; it then calls Finish.
// All methods may be called from any goroutine.
type Queue[M any] struct {
	most int
	full error
	size func(M) int
	wake chan struct{}
	done chan struct{} // closed by Finish

	mu      sync.Mutex // guards the fields below
	waiting []M
	bytes   int // also those of what was taken and not sent
	closed  bool
}

const (
	// maxTaken is the maximum number of messages that Take returns, and maxTakenBytes that of
	// their bytes, except for the last one.
	maxTaken      = 512
	maxTakenBytes = 1 << 20
)

// NewQueue returns a queue with room for most bytes, as size counts them, or for one message
// that is larger. Put returns full if there is no room.
func NewQueue[M any](most int, size func(M) int, full error) *Queue[M] {
	return &Queue[M]{most: most, size: size, full: full, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// Put adds a message. It returns ErrClosed after Close, and the error for a full queue if
// there is no room.
func (q *Queue[M]) Put(m M) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := q.size(m)
	switch {
	case q.closed:
		return ErrClosed
	case q.bytes > 0 && q.bytes+size > q.most:
		return q.full
	}
	q.waiting = append(q.waiting, m)
	q.bytes += size
	q.poke()
	return nil
}

func (q *Queue[M]) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Wake returns a channel that has a value when there may be something to take, or when the
// queue was closed.
func (q *Queue[M]) Wake() <-chan struct{} { return q.wake }

// Take returns the next messages: at most 512, and about 1 MiB together. They take up room
// until they are passed to Sent. more reports whether another call may return messages: it
// is false when the queue is closed and empty.
func (q *Queue[M]) Take() (next []M, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes, n := 0, 0
	for n < len(q.waiting) && n < maxTaken && bytes < maxTakenBytes {
		bytes += q.size(q.waiting[n])
		n++
	}
	next, q.waiting = q.waiting[:n:n], q.waiting[n:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	return next, n > 0 || !q.closed
}

// Sent makes room for others instead of messages that Take has returned. Their sizes must
// not have changed.
func (q *Queue[M]) Sent(messages []M) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.freeLocked(messages)
}

// Drop removes all messages that were not taken, and returns them.
func (q *Queue[M]) Drop() []M {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	q.freeLocked(all)
	return all
}

func (q *Queue[M]) freeLocked(messages []M) {
	for _, m := range messages {
		q.bytes -= q.size(m)
	}
}

// Closed reports whether Close was called.
func (q *Queue[M]) Closed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// Close refuses further messages. It waits until Finish is called, or until ctx ends, and
// then returns the error of ctx.
func (q *Queue[M]) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.poke()
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Finish says that nothing is sent any more. It is called once.
func (q *Queue[M]) Finish() { close(q.done) }
