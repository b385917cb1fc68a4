// SPDX-License-Identifier: MIT

// This file holds the entries on their way into the stream.

package natsadapter

import (
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A flight is an entry on its way into the stream.
type flight struct {
	of     *tokens
	token  uint64
	number string // of the flight, in the subject of the answer
	m      *nats.Msg
	since  time.Time // when it was appended, and then when it was sent; see appender.thaw
	sent   time.Time // when it was sent first

	// The lock of the appender guards the fields below.
	state  flightState
	absent bool   // it was not in the stream when ask has asked
	stored uint64 // it is in the stream with this number; or, if it has not come when this number was read, never will
}

type flightState int

const (
	waiting flightState = iota // not sent yet
	flying                     // sent; no answer yet
	doubted                    // it was sent when the connection was lost, or the answer is late
	landed                     // see stored
	failed                     // it is not in the stream
)

// tokens are the entries of this server in one log that have not come, in order.
type tokens struct {
	wake chan struct{} // one of them has ended

	mu  sync.Mutex // guards the field below
	all []*flight
}

func (t *tokens) add(f *flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, f)
}

// came removes the tokens up to one. skipped is the last one before it, or 0 if there is
// none. known is false if the token itself is not among them.
func (t *tokens) came(token uint64) (skipped uint64, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.all) && t.all[n].token <= token {
		if t.all[n].token == token {
			known = true
		} else {
			skipped = t.all[n].token
		}
		n++
	}
	if !known {
		return 0, false
	}
	t.removeLocked(n)
	return skipped, true
}

func (t *tokens) removeLocked(n int) {
	if t.all = t.all[n:]; len(t.all) == 0 {
		t.all = nil
	}
}

// list returns the entries.
func (t *tokens) list() []*flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all)
}

// first returns the first entry, or nil.
func (t *tokens) first() *flight {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return nil
	}
	return t.all[0]
}

// remove removes the first entry, which is f.
func (t *tokens) remove(f *flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) > 0 && t.all[0] == f {
		t.removeLocked(1)
	}
}
