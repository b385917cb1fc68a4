// SPDX-License-Identifier: MIT

// This file holds Window: the latest calls of a peer and the replies to them.

package once

import (
	"slices"

	"socketio/internal/lock"
)

// maxWaiters bounds the repetitions of one call that wait for its reply. Beyond it the
// one that waits longest is forgotten.
const maxWaiters = 16

// overhead is added to the size of a reply, for the entry of its call.
const overhead = 64

// An Outcome says how a call is treated.
type Outcome uint8

// The outcomes of Window.Begin.
const (
	New      Outcome = iota // it was not called before
	Answered                // it was called before, and here is the reply
	Waiting                 // it was called before, and the reply will follow
	Again                   // it may have been called before, but the window has dropped it
)

// String returns the name of the outcome in logs.
func (o Outcome) String() string { return [...]string{"new", "answered", "waits", "handled"}[o] }

// A Waiter is a repetition that waits for the reply to the first call.
type Waiter[R any] interface {
	// Resend sends the reply. It is called at most once, without locks.
	Resend(reply R)
}

// A Window keeps the latest calls by their key: at most a number of them, and at most a
// number of bytes of replies. The oldest are dropped first. All methods may be called from
// any goroutine.
type Window[K comparable, R any] struct {
	// Immutable after NewWindow.
	maxCalls, maxBytes int
	before             func(key, dropped K) bool

	mu      lock.Mutex // guards the fields below, and those of the calls
	calls   map[K]*Call[K, R]
	oldest  *Call[K, R]
	newest  *Call[K, R]
	bytes   int
	running int
	dropped *K      // the latest that was dropped; nil if none was
	budget  *Budget // towards which bytes and parked count while it is in a Parked; else nil
	parked  int
}

// NewWindow returns an empty Window. before, if not nil, reports whether a call that the
// window does not know may be older than one that it has dropped.
func NewWindow[K comparable, R any](maxCalls, maxBytes int, before func(key, dropped K) bool) *Window[K, R] {
	return &Window[K, R]{maxCalls: maxCalls, maxBytes: maxBytes, before: before, calls: make(map[K]*Call[K, R])}
}

// A Call is a call that is executed. Finish or Leave ends it; further calls of either do
// nothing.
//
//	running ──Finish──► finished ──dropped──► gone
//	running ──Leave · dropped──► gone
type Call[K comparable, R any] struct {
	// Immutable.
	window *Window[K, R]
	key    K

	// Guarded by window.mu.
	kept         bool // in the window
	over         bool // Finish or Leave was called
	reply        R
	size         int
	waiters      []Waiter[R]
	older, newer *Call[K, R]
}

// Key returns the key of the call.
func (c *Call[K, R]) Key() K { return c.key }

// Begin looks a call up. If it is New, or called Again, the caller executes it and ends
// the Call that Begin returns. If it was Answered, reply is the first reply. If it is
// Waiting, w receives the reply later, unless the call is left without one.
func (w *Window[K, R]) Begin(key K, waiter Waiter[R]) (c *Call[K, R], how Outcome, reply R) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c = w.calls[key]; c != nil {
		if c.over {
			return nil, Answered, c.reply
		}
		if len(c.waiters) == maxWaiters {
			c.waiters = append(c.waiters[:0], c.waiters[1:]...)
		}
		c.waiters = append(c.waiters, waiter)
		return nil, Waiting, reply
	}
	if w.before != nil && w.dropped != nil && w.before(key, *w.dropped) {
		how = Again
	}
	return w.addLocked(key), how, reply
}

func (w *Window[K, R]) addLocked(key K) *Call[K, R] {
	c := &Call[K, R]{window: w, key: key, kept: true, older: w.newest}
	if w.newest != nil {
		w.newest.newer = c
	} else {
		w.oldest = c
	}
	w.newest = c
	w.calls[key] = c
	w.running++
	w.boundLocked()
	return c
}

// boundLocked drops the oldest calls beyond the bounds.
func (w *Window[K, R]) boundLocked() {
	for w.oldest != nil && (len(w.calls) > w.maxCalls || w.bytes > w.maxBytes || w.budget.exceeded()) {
		w.dropped = w.later(w.dropped, w.oldest.key)
		w.removeLocked(w.oldest)
	}
}

// sizeLocked notes that the window has more bytes, or less.
func (w *Window[K, R]) sizeLocked(more int) {
	w.bytes += more
	w.budget.add(more)
}

// later returns the later of two calls that were dropped; the first may be nil.
func (w *Window[K, R]) later(dropped *K, key K) *K {
	if dropped != nil && w.before != nil && w.before(key, *dropped) {
		return dropped
	}
	return &key
}

func (w *Window[K, R]) removeLocked(c *Call[K, R]) {
	if !c.kept {
		return
	}
	c.kept = false
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		w.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		w.newest = c.older
	}
	c.older, c.newer = nil, nil
	delete(w.calls, c.key)
	w.sizeLocked(-c.size)
	if !c.over {
		w.running--
	}
}

// Finish keeps the reply to a call, whose size is in bytes, and sends it to the
// repetitions that wait for it.
func (c *Call[K, R]) Finish(reply R, size int) {
	w := c.window
	w.mu.Lock()
	if c.over {
		w.mu.Unlock()
		return
	}
	waiters := c.waiters
	c.over, c.waiters = true, nil
	if c.kept {
		c.reply, c.size = reply, size+overhead
		w.running--
		w.sizeLocked(c.size)
		w.boundLocked()
	}
	w.mu.Unlock()
	for _, waiter := range waiters {
		waiter.Resend(reply)
	}
}

// Leave ends a call without a reply: a repetition is executed as a new call. Those that
// wait for the reply receive none.
func (c *Call[K, R]) Leave() {
	c.window.mu.Lock()
	defer c.window.mu.Unlock()
	if c.over {
		return
	}
	c.window.removeLocked(c)
	c.over, c.waiters = true, nil
}

// A Reply is the reply to a call that has finished.
type Reply[K comparable, R any] struct {
	Key   K
	Reply R
	Size  int
}

// A State is the state of a Window that can be stored.
type State[K comparable, R any] struct {
	Replies []Reply[K, R] // the oldest first
	Dropped *K            // the latest call that is missing; nil if none is
}

// State returns the latest replies whose sizes are at most maxBytes together. running
// reports whether the window has calls that have not finished; these are not in the state.
func (w *Window[K, R]) State(maxBytes int) (s State[K, R], running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Dropped = w.dropped
	n := 0
	for c := w.newest; c != nil; c = c.older {
		if !c.over {
			continue
		}
		if n += c.size; n > maxBytes {
			s.Dropped = w.later(s.Dropped, c.key)
			break
		}
		s.Replies = append(s.Replies, Reply[K, R]{c.key, c.reply, c.size - overhead})
	}
	slices.Reverse(s.Replies)
	return s, w.running > 0
}

// Restore adds a state to an empty window.
func (w *Window[K, R]) Restore(s State[K, R]) {
	w.mu.Lock()
	w.dropped = s.Dropped
	w.mu.Unlock()
	for _, r := range s.Replies {
		w.mu.Lock()
		c := w.addLocked(r.Key)
		w.mu.Unlock()
		c.Finish(r.Reply, r.Size)
	}
}
