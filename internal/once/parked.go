// SPDX-License-Identifier: MIT

// This file holds Parked: windows that wait for their peers.

package once

import (
	"maps"
	"time"

	"socketio/internal/lock"
)

// Parked has, by a secret of the peer, the windows of peers that have gone while calls
// were executed. A peer that comes back gets the replies. Its zero value is empty. All
// methods may be called from any goroutine.
type Parked[K comparable, R any] struct {
	mu      lock.Mutex // guards the field below
	windows map[string]parked[K, R]
}

type parked[K comparable, R any] struct {
	*Window[K, R]
	since time.Time
}

// Put adds a window, unless there are limit of them.
func (p *Parked[K, R]) Put(secret string, w *Window[K, R], since time.Time, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.windows == nil {
		p.windows = make(map[string]parked[K, R])
	}
	if _, replaces := p.windows[secret]; replaces || len(p.windows) < limit {
		p.windows[secret] = parked[K, R]{w, since}
	}
}

// Take removes and returns a window, or returns nil.
func (p *Parked[K, R]) Take(secret string) *Window[K, R] {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.windows[secret]
	delete(p.windows, secret)
	return w.Window
}

// Drop removes the windows that have been here since before a time.
func (p *Parked[K, R]) Drop(before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.windows, func(_ string, w parked[K, R]) bool { return w.since.Before(before) })
}
