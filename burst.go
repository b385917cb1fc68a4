// SPDX-License-Identifier: MIT

// This file holds bursts: what handlers send to rooms while more events of the same client
// wait is written once, at the end.

package socketio

import (
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/lock"
)

// A broadcast is held back if it has at most maxHeldMembers members and maxHeldSize bytes. At
// most about maxHeld writes and maxHeldBytes wait: then all are made.
const (
	maxHeldMembers = 256
	maxHeldSize    = 4 << 10
	maxHeld        = 2 * adapter.MaxBatch // a socket has at most half of them: a broadcast to one is not held back
	maxHeldBytes   = adapter.MaxBatchBytes
)

// bursts holds back the writes of broadcasts while a worker runs one of several events that
// a client has sent at once: the next ones may go to the same sockets. The worker writes at
// the end of its burst. A goroutine does it earlier if it gets to run, so a handler that
// blocks holds nothing back.
type bursts struct {
	workers interface { // they count the goroutine
		Begin()
		End()
	}

	running atomic.Int32 // workers with more events

	mu     lock.Mutex       // guards the fields below
	held   []*engineio.Conn // those to write to; one may be there several times
	bytes  int              // in their queues
	unused []*engineio.Conn // memory for held
	coming bool             // the goroutine is under way
}

// wants reports whether the writes of a broadcast are held back.
func (b *bursts) wants(members, size int) bool {
	return b.running.Load() > 0 && members <= maxHeldMembers && size <= maxHeldSize
}

// hold adds connections that have a message of the given size in their queues.
func (b *bursts) hold(conns []*engineio.Conn, size int) {
	b.mu.Lock()
	b.held = append(b.held, conns...)
	b.bytes += size * len(conns)
	start, full := !b.coming, len(b.held) >= maxHeld || b.bytes >= maxHeldBytes
	b.coming = true
	b.mu.Unlock()
	if start {
		b.workers.Begin()
		// One at a time; ends when it has written what is held back; counted by
		// Server.workers.
		go func() {
			defer b.workers.End()
			b.mu.Lock()
			b.coming = false
			b.mu.Unlock()
			b.write()
		}()
	}
	if full {
		b.write()
	}
}

// write writes what is held back.
func (b *bursts) write() {
	b.mu.Lock()
	list := b.held
	b.held, b.unused, b.bytes = b.unused, nil, 0
	b.mu.Unlock()
	if len(list) == 0 {
		return
	}
	for _, c := range list {
		c.Write()
	}
	clear(list)
	b.mu.Lock()
	b.unused = list[:0]
	b.mu.Unlock()
}
