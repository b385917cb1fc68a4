// SPDX-License-Identifier: MIT

// This file shows tests what has no other way to be seen.

package serial

import (
	"math/bits"
	"runtime"
)

// Idle returns the number of idle workers.
func (w *Workers[T]) Idle() int { return bits.OnesCount64(w.idle.Load()) }

// Overtake calls start while a worker seems to be on its way, and lets that worker arrive
// when start is about to make its inbox ready.
func (w *Workers[T]) Overtake(start func()) {
	w.coming.Store(true)
	w.readyMu.Lock()
	go start()
	for range 1000 {
		runtime.Gosched() // until start waits for readyMu: nothing shows that
	}
	w.coming.Store(false)
	w.readyMu.Unlock()
}
