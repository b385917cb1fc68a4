// SPDX-License-Identifier: MIT

// This file sends messages.

package redisadapter

import (
	"context"
	"sync"
	"sync/atomic"
)

// A sender sends the messages of an outbox, in order.
type sender struct {
	outbox *outbox
	finder *finder
	ctx    context.Context
	lost   atomic.Uint64 // messages
}

// run sends messages until the bus is closed.
func (s *sender) run() {
	defer s.outbox.Finish()
	if !s.finder.first(s.ctx) {
		return
	}
	for s.ctx.Err() == nil {
		next, more := s.outbox.Take()
		if len(next) > 0 {
			s.outbox.Sent(next) // what is on its way takes up no room
			s.send(next)
			continue
		}
		if !more {
			return
		}
		select {
		case <-s.outbox.Wake():
		case <-s.ctx.Done():
		}
	}
}

// maxMoves is how often messages are sent again because their slot has moved.
const maxMoves = 8

// send sends messages. Those whose slot has moved are sent to its new server before
// all that follow.
func (s *sender) send(batch []message) {
	for range maxMoves {
		r := s.finder.routes.Load()
		parts := make(map[*node][]message)
		for _, m := range batch {
			n := r.node(m.channel)
			parts[n] = append(parts[n], m)
		}
		var work sync.WaitGroup
		var mu sync.Mutex
		var moved []message
		for n, part := range parts {
			if n == nil { // nobody has the slot, which the state of the bus says
				s.lost.Add(uint64(len(part)))
				continue
			}
			deliver := func() {
				again, lost := n.publish(part)
				s.lost.Add(uint64(lost))
				if len(again) > 0 {
					mu.Lock()
					defer mu.Unlock()
					moved = append(moved, again...) // in order for each slot
				}
			}
			if len(parts) == 1 {
				deliver()
			} else {
				work.Go(deliver)
			}
		}
		work.Wait()
		if batch = moved; len(batch) == 0 {
			return
		}
		if !s.finder.fresh(s.ctx, r) {
			break
		}
	}
	s.lost.Add(uint64(len(batch)))
}
