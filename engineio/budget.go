// SPDX-License-Identifier: MIT

// This file holds the bound on what waits for all connections of a server together.

package engineio

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
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

// queueBudget is the bound that Options.MaxQueuedBytes means.
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

// relieve closes the connections for which most waits, so many that all take an eighth
// less than their bound. It is called by who sent, with no lock of a Conn held. When it
// returns the queues are let go of, so a sender can't outrun it; that the connections
// have ended is told by another goroutine, since the one that sends must not run the
// ends of others.
func (s *Server) relieve() {
	b := &s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used.Load() <= b.limit || !s.inBackground() {
		return
	}
	conns := s.all()
	s.mu.RLock()
	conns = slices.AppendSeq(conns, maps.Keys(s.leaving))
	s.mu.RUnlock()
	slices.SortFunc(conns, func(a, b *Conn) int { return cmp.Compare(b.charged.Load(), a.charged.Load()) })
	why := slowness{option: "MaxQueuedBytes", max: b.limit, what: fmt.Sprintf("all queues together reached MaxQueuedBytes (%d)", b.limit)}
	var rests []func()
	for _, c := range conns {
		if b.used.Load() <= b.limit-b.limit/8 || c.charged.Load() == 0 {
			break
		}
		rest, ended := c.endSlow(why, ending{cut: true})
		if !ended {
			rest = c.cut()
		}
		rests = append(rests, rest)
	}
	// One at a time; ends when the ends are told; Server.Close waits for it.
	go func() {
		defer s.background.Done()
		for _, rest := range rests {
			rest()
		}
	}()
}

// inBackground admits a goroutine, which must end with background.Done. It reports
// false once the server closes.
func (s *Server) inBackground() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closing { // else Close empties all
		s.background.Add(1)
	}
	return !s.closing
}
