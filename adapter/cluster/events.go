// SPDX-License-Identifier: MIT

// This file holds the queue of events for servers. Their handlers may block, so they do
// not run on the goroutine of the bus.

package cluster

import (
	"context"
	"sync"

	"socketio/adapter"
)

// An eventQueue runs the handlers of one event after the other, in the order of arrival.
// Its goroutine runs while there are events. At most most events wait.
type eventQueue struct {
	local adapter.Local
	most  int

	mu      sync.Mutex // guards the fields below
	waiting []adapter.Payload
	running bool
}

// add adds an event. It reports false if the queue is full.
func (q *eventQueue) add(ctx context.Context, e adapter.Payload, start func(func()) bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= q.most {
		return false
	}
	q.waiting = append(q.waiting, e)
	if !q.running {
		q.running = start(func() { q.run(ctx) })
	}
	return true
}

// run handles events until none is left or ctx ends.
func (q *eventQueue) run(ctx context.Context) {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 || ctx.Err() != nil {
			q.waiting, q.running = nil, false
			q.mu.Unlock()
			return
		}
		e := q.waiting[0]
		q.waiting[0] = adapter.Payload{}
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		q.local.HandleServerSideEmit(ctx, e, nil)
	}
}
