// SPDX-License-Identifier: MIT

// This file holds Batch, which lets several packets leave in one write.

package adapter

// A Batch holds members in whose queues packets wait to be written. A Bus that receives
// many packets at once passes them on with one Batch, and calls Flush before it waits for
// more. It is used by one goroutine at a time. The zero value is empty.
type Batch struct {
	held  []Queued
	bytes int
}

// A Queued is a Member that has left a packet in its queue.
type Queued interface {
	// Write writes the queue. It does not wait.
	Write()
}

// A Batch holds at most MaxBatch packets, and about MaxBatchBytes. A member whose queue
// has room for only a few times as many delivers at once.
const (
	MaxBatch      = 256
	MaxBatchBytes = 256 << 10
)

// Hold adds a member that has left a packet of the given size in its queue. It writes if
// the batch is full.
func (b *Batch) Hold(h Queued, bytes int) {
	b.held = append(b.held, h)
	if b.bytes += bytes; len(b.held) >= MaxBatch || b.bytes >= MaxBatchBytes {
		b.Flush()
	}
}

// Flush writes what is held.
func (b *Batch) Flush() {
	for i, h := range b.held {
		h.Write()
		b.held[i] = nil
	}
	b.held, b.bytes = b.held[:0], 0
}
