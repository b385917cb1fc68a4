// SPDX-License-Identifier: MIT

// This file holds the reaction of a Server when the queues of its connections together
// exceed their bound.

package engineio

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// relieve closes the connections with the longest queues until all queues together are an
// eighth below their bound. The goroutine that sends calls it, with no lock of a Conn held.
// When it returns the queues are released, so a sender can't outrun it. Another goroutine
// reports the ends of the connections, since a sender must not run those of others.
func (s *sessions) relieve() {
	b := &s.svc.budget
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
	why := slowness{option: "QueueBudget", max: b.limit, what: fmt.Sprintf("all queues together reached QueueBudget (%d)", b.limit)}
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
	// One at a time; ends when all ends are reported; Server.Close waits for it.
	go func() {
		defer s.svc.background.Done()
		for _, rest := range rests {
			rest()
		}
	}()
}
