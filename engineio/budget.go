// SPDX-License-Identifier: MIT

// This file holds the bound on what waits for all connections of a server together.

package engineio

import (
	"os"
	"runtime/debug"
	"sync/atomic"

	"socketio/internal/lock"
)

// chargeStep is how much a queue may change before the common account hears of it,
// so that short queues, which are nearly all, never touch it.
const chargeStep = 4 << 10

// A budget bounds the outbound queues of all connections of a server together.
type budget struct {
	limit int64 // 0 means none
	used  atomic.Int64
	mu    lock.Mutex // held by who brings it in order: others over the bound wait
}

// queueBudget is the bound that Options.QueueBudget means.
func queueBudget(option int64) int64 {
	if option == 0 {
		return memoryLimit(debug.SetMemoryLimit(-1), os.DirFS("/")) / 4
	}
	return max(option, 0)
}

// charge brings what a connection is charged up to date. It reports whether the
// bound is passed.
func (b *budget) charge(charged *atomic.Int64, size int64) bool {
	d := size - charged.Load()
	if d < chargeStep && d > -chargeStep && (size > 0 || d == 0) {
		return false
	}
	charged.Store(size)
	return b.used.Add(d) > b.limit && d > 0
}
