// SPDX-License-Identifier: MIT

// This file tests the queue of messages.

package redisadapter

import (
	"context"
	"errors"
	"testing"

	"socketio/adapter/cluster"
)

// The queue is bounded by bytes, except for a single message. What is taken makes room.
func TestOutbox(t *testing.T) {
	o := newOutbox(1000)
	m := message{"channel", make([]byte, 200)}
	count := 0
	for o.put(m) == nil {
		count++
	}
	if want := 1000 / m.size(); count != want {
		t.Errorf("%d messages of %d bytes wait, want %d", count, m.size(), want)
	}
	if err := o.put(m); !errors.Is(err, ErrQueueFull) {
		t.Errorf("put: %v, want ErrQueueFull", err)
	}
	if next, more := o.take(); len(next) != count || !more {
		t.Errorf("take: %d messages, %v", len(next), more)
	}
	if err := o.put(message{"channel", make([]byte, 5000)}); err != nil {
		t.Errorf("a large message that waits alone: %v", err)
	}
	if err := o.put(m); !errors.Is(err, ErrQueueFull) {
		t.Errorf("put after a large message: %v, want ErrQueueFull", err)
	}
	close(o.done)
	if err := o.close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := o.put(m); !errors.Is(err, cluster.ErrClosed) {
		t.Errorf("put after close: %v, want ErrClosed", err)
	}
	if next, more := o.take(); len(next) != 1 || more {
		t.Errorf("take after close: %d messages, %v", len(next), more)
	}
}

// A batch is bounded by the number of messages and by their bytes.
func TestOutboxBatches(t *testing.T) {
	o := newOutbox(100 << 20)
	for range maxPipeline + 1 {
		_ = o.put(message{"c", nil})
	}
	_ = o.put(message{"c", make([]byte, 2*maxPipelineBytes)})
	for i, want := range []int{maxPipeline, 2, 0} {
		if next, _ := o.take(); len(next) != want {
			t.Errorf("batch %d has %d messages, want %d", i, len(next), want)
		}
	}
}
