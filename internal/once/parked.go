// SPDX-License-Identifier: MIT

// This file holds Parked: windows that wait for their peers.

package once

import (
	"sync/atomic"
	"time"

	"socketio/internal/lock"
)

// A Budget bounds the bytes that the windows in several Parked keep together, of replies and
// for what runs.
type Budget struct {
	limit int64 // immutable
	used  atomic.Int64
}

// NewBudget returns a Budget of a number of bytes.
func NewBudget(bytes int) *Budget { return &Budget{limit: int64(bytes)} }

// exceeded reports whether too much is used. A nil Budget has no bound.
func (b *Budget) exceeded() bool { return b != nil && b.used.Load() > b.limit }

// add notes that a number of bytes more is used, or less. A nil Budget counts nothing.
func (b *Budget) add(bytes int) {
	if b != nil {
		b.used.Add(int64(bytes))
	}
}

// The sizes of a parked window, and of a call in it that runs.
const (
	parkedWindow = 512
	parkedCall   = 256
)

// park makes the window count towards a budget: what it keeps, and the replies that follow;
// while the budget is exceeded, it drops its oldest calls. It returns false if there is no
// room for the window.
func (w *Window[K, R]) park(b *Budget) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = parkedWindow + w.running*parkedCall
	w.budget = b
	if w.budget.add(w.parked + w.bytes); w.budget.exceeded() {
		w.unparkLocked()
		return false
	}
	return true
}

func (w *Window[K, R]) unpark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unparkLocked()
}

func (w *Window[K, R]) unparkLocked() {
	w.budget.add(-w.parked - w.bytes)
	w.budget = nil
}

// Parked has, by a secret of the peer, the windows of peers that have gone while calls
// were executed. A peer that comes back gets the replies. Its zero value is empty. All
// methods may be called from any goroutine.
type Parked[K comparable, R any] struct {
	mu      lock.Mutex // guards the field below; taken before those of windows
	windows map[string]parked[K, R]
}

type parked[K comparable, R any] struct {
	*Window[K, R]
	since time.Time
}

// Put adds a window, in place of an earlier one of the peer, unless there are limit of
// others or the budget has no room for it.
func (p *Parked[K, R]) Put(secret string, w *Window[K, R], since time.Time, limit int, b *Budget) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.windows == nil {
		p.windows = make(map[string]parked[K, R])
	}
	p.removeLocked(secret)
	if len(p.windows) < limit && w.park(b) {
		p.windows[secret] = parked[K, R]{w, since}
	}
}

// Get returns the window of a peer, or nil.
func (p *Parked[K, R]) Get(secret string) *Window[K, R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.windows[secret].Window
}

// Remove removes the window of a peer, if there is one.
func (p *Parked[K, R]) Remove(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removeLocked(secret)
}

func (p *Parked[K, R]) removeLocked(secret string) {
	if w, ok := p.windows[secret]; ok {
		delete(p.windows, secret)
		w.unpark()
	}
}

// Drop removes the windows that have been here since before a time.
func (p *Parked[K, R]) Drop(before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for secret, w := range p.windows {
		if w.since.Before(before) {
			p.removeLocked(secret)
		}
	}
}
