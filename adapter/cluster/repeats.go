// SPDX-License-Identifier: MIT

// This file recognizes messages that come again.

package cluster

import (
	"sync"
	"time"
)

// windowSize is how many messages of a node are remembered. A message that comes again
// later than that is not recognized.
const windowSize = 1024

// A window remembers which of the latest messages of a node have come.
type window struct {
	top   uint64                   // the highest number
	came  *[windowSize / 64]uint64 // nil while only top has come
	heard time.Time
}

// add records a message. It reports false if the message has come before.
func (w *window) add(n uint64) bool {
	if w.came == nil {
		if n == w.top {
			return false
		}
		w.came = new([windowSize / 64]uint64)
		w.came[w.top%windowSize/64] |= 1 << (w.top % 64)
	}
	switch {
	case n > w.top+windowSize:
		clear(w.came[:])
		w.top = n
	case n > w.top:
		for w.top < n {
			w.top++
			w.came[w.top%windowSize/64] &^= 1 << (w.top % 64)
		}
	case w.top-n >= windowSize:
		return true // nobody knows
	}
	word, bit := &w.came[n%windowSize/64], uint64(1)<<(n%64)
	is := *word&bit == 0
	*word |= bit
	return is
}

// repeats has the windows of the other nodes. It is bounded: of nodes over maxPeers,
// messages that come again are not recognized.
type repeats struct {
	mu      sync.Mutex // guards the fields below
	windows map[string]*window
	oldest  time.Time // none was heard before, unless it is zero
}

// first records a message of a node. It reports false if the message has come before.
func (r *repeats) first(uid string, n uint64, now time.Time) bool {
	if n == 0 {
		return true // of a server in Node.js, an emitter, or a heartbeat
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.windows[uid]
	if w == nil {
		if len(r.windows) >= maxPeers {
			return true
		}
		r.windows[uid] = &window{top: n, heard: now}
		return true
	}
	w.heard = now
	return w.add(n)
}

// forget removes the windows of nodes from which nothing has come since a time.
func (r *repeats) forget(since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.oldest.Before(since) {
		return
	}
	r.oldest = time.Now()
	for uid, w := range r.windows {
		if w.heard.Before(since) {
			delete(r.windows, uid)
		} else if w.heard.Before(r.oldest) {
			r.oldest = w.heard
		}
	}
}
