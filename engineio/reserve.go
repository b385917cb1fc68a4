// SPDX-License-Identifier: MIT

// This file holds the reserve, which keeps large messages from making the garbage collector
// run all the time.

package engineio

import (
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
)

const (
	largeMessage = 32 << 10 // from here, Go's allocator takes pages for each message alone
	reserveSize  = 16 << 20
	reserveTime  = time.Minute
)

// A reserve is memory that nobody touches, so the machine gives no pages for it. The collector
// runs when as much was allocated as lives: where little lives, every 4 MB, or 64 messages of
// 64 KiB. While large messages arrive the reserve counts as living, so that the collector runs
// after reserveSize more. It is at most 1/64 of the memory that the process may have, and is
// given up when no large message has come for reserveTime.
type reserve struct {
	recent atomic.Bool // a large message has come since the last turn

	mu     lock.Mutex       // guards the fields below
	memory *strings.Builder // unlike make, it does not clear memory that was used before
	timer  *time.Timer      // of the next turn; nil without memory
	closed bool
}

// use is called for each large message.
func (r *reserve) use() {
	if r.recent.Load() || r.recent.Swap(true) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.timer == nil {
		r.timer = time.AfterFunc(0, r.turn) // on a goroutine of its own: turn reads files
	}
}

// turn takes the memory, keeps it if large messages have come since the last turn, and
// otherwise gives it up.
func (r *reserve) turn() {
	limit := memoryLimit(debug.SetMemoryLimit(-1), os.DirFS("/"))
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
	case r.recent.Swap(false):
		if r.memory == nil {
			r.memory = new(strings.Builder)
			r.memory.Grow(int(min(reserveSize, limit/64)))
		}
		r.timer.Reset(reserveTime)
	default:
		r.memory, r.timer = nil, nil
	}
}

// close gives the memory up for good.
func (r *reserve) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.memory, r.timer, r.closed = nil, nil, true
}
