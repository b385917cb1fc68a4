// SPDX-License-Identifier: MIT

// This file tests the queue of what a bus has to send.

package cluster_test

import (
	"context"
	"errors"
	"testing"

	"socketio/adapter/cluster"
)

var errFull = errors.New("full")

func newQueue(most int) *cluster.Queue[[]byte] {
	return cluster.NewQueue(most, func(b []byte) int { return len(b) + 10 }, errFull)
}

// The queue is bounded by bytes, except for a single message. What was sent makes room, and
// what was only taken does not.
func TestQueue(t *testing.T) {
	q := newQueue(1000)
	m := make([]byte, 200)
	count := 0
	for q.Put(m) == nil {
		count++
	}
	if count != 4 {
		t.Errorf("%d messages of 210 bytes wait, want 4", count)
	}
	if err := q.Put(m); !errors.Is(err, errFull) {
		t.Errorf("Put: %v, want the error for a full queue", err)
	}
	<-q.Wake()
	next, more := q.Take()
	if len(next) != count || !more {
		t.Errorf("Take: %d messages, %v", len(next), more)
	}
	if err := q.Put(m); !errors.Is(err, errFull) {
		t.Errorf("Put while messages are sent: %v, want the error for a full queue", err)
	}
	q.Sent(next[:1])
	if err := q.Put(m); err != nil {
		t.Errorf("Put after one was sent: %v", err)
	}
	q.Sent(next[1:])
	if all := q.Drop(); len(all) != 1 {
		t.Errorf("Drop: %d messages, want 1", len(all))
	}
	if next, more := q.Take(); len(next) != 0 || !more {
		t.Errorf("Take of an empty queue: %d messages, %v", len(next), more)
	}
	if err := q.Put(make([]byte, 5000)); err != nil {
		t.Errorf("a large message that waits alone: %v", err)
	}
	if err := q.Put(m); !errors.Is(err, errFull) {
		t.Errorf("Put after a large message: %v, want the error for a full queue", err)
	}
}

// Close refuses messages, and waits until those before are sent.
func TestQueueCloses(t *testing.T) {
	q := newQueue(1000)
	_ = q.Put(nil)
	<-q.Wake()
	if q.Closed() {
		t.Error("the queue is closed before Close")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Close(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Close with a context that has ended: %v, want its error", err)
	}
	<-q.Wake()
	if err := q.Put(nil); !errors.Is(err, cluster.ErrClosed) || !q.Closed() {
		t.Errorf("Put after Close: %v, want ErrClosed", err)
	}
	if next, more := q.Take(); len(next) != 1 || !more {
		t.Errorf("Take after Close: %d messages, %v, want one", len(next), more)
	}
	if next, more := q.Take(); len(next) != 0 || more {
		t.Errorf("Take after the last: %d messages, %v, want the end", len(next), more)
	}
	q.Finish()
	if err := q.Close(t.Context()); err != nil {
		t.Errorf("Close after Finish: %v", err)
	}
}

// What is taken at once is bounded by the number of messages and by their bytes.
func TestQueueTakesBatches(t *testing.T) {
	q := newQueue(100 << 20)
	for range 513 {
		_ = q.Put(nil)
	}
	_ = q.Put(make([]byte, 2<<20))
	_ = q.Put(nil)
	for i, want := range []int{512, 2, 1, 0} {
		if next, _ := q.Take(); len(next) != want {
			t.Errorf("batch %d has %d messages, want %d", i, len(next), want)
		}
	}
}
