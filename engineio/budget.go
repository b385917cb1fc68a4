// SPDX-License-Identifier: MIT

// This file holds the bound on the send queues of all connections of a server together.

package engineio

import (
	"os"
	"runtime/debug"
	"sync/atomic"

	"socketio/internal/lock"
)

// chargeStep is how much a queue may change before the change is added to the budget, so
// that short queues, nearly all, never touch it.
const chargeStep = 4 << 10

// A budget bounds the outbound queues of all connections of a server together.
type budget struct {
	limit int64 // 0 means none
	used  atomic.Int64
	mu    lock.Mutex // held by the goroutine that enforces the bound; others over the bound wait
}

// queueBudget is the bound that Options.QueueBudget means.
func queueBudget(option int64) int64 {
	if option == 0 {
		return memoryLimit(debug.SetMemoryLimit(-1), os.DirFS("/")) / 4
	}
	return max(option, 0)
}

// charge updates the amount charged to a connection. It reports whether the bound is
// exceeded.
func (b *budget) charge(charged *atomic.Int64, size int64) bool {
	d := size - charged.Load()
	if d < chargeStep && d > -chargeStep && (size > 0 || d == 0) {
		return false
	}
	charged.Store(size)
	return b.used.Add(d) > b.limit && d > 0
}
