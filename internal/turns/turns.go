// SPDX-License-Identifier: MIT

// This file holds Line: requests in order of arrival, and how long each may delay later
// ones.

package turns

import (
	"time"

	"socketio/internal/lock"
)

// A Line holds unanswered requests in order of arrival. Times are readings of one
// monotonic clock, in nanoseconds. Its zero value is empty. Methods may be called from
// any goroutine; only Wait blocks.
type Line struct {
	mu    lock.Mutex // guards the fields below, and those of the turns in line
	first *Turn
}

// A Turn is the place of one request in a Line. Its zero value is not in a line.
type Turn struct {
	next  *Turn
	in    bool // it is in line
	kind  Kind
	until int64         // others wait for it until then
	done  chan struct{} // closed when it ends or changes; nil unless a Wait uses it
}

// A Kind is the way in which a request is decided.
type Kind uint8

const (
	// Undecided: the application decides. All requests except refusals wait for it.
	Undecided Kind = iota
	// Granted: no decision is needed. All others wait for it.
	Granted
	// Refused: already decided. All others wait for it, and it waits for those that are
	// not Undecided.
	Refused
)

// Take appends t to the line. Others wait for it at most until the given time.
func (l *Line) Take(t *Turn, kind Kind, until int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := &l.first
	for *last != nil {
		last = &(*last).next
	}
	t.in, t.kind, t.until = true, kind, until
	*last = t
}

// Limit makes others wait for t for at most limit from now. It has no effect after the
// time of t has passed.
func (l *Line) Limit(t *Turn, now int64, limit time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.in && t.until > now {
		t.until = now + int64(limit)
		t.wake()
	}
}

// Ahead reports whether the line has a request that a refusal must wait for.
func (l *Line) Ahead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := l.first; t != nil; t = t.next {
		if t.kind != Undecided {
			return true
		}
	}
	return false
}

// Wait returns when all requests before t have ended or their times have passed. It
// returns at once if t is not in line. now reads the clock.
func (l *Line) Wait(t *Turn, now func() int64) {
	for {
		done, left := l.before(t, now())
		if done == nil {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-done:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// before returns a channel that is closed when the first turn that t waits for changes,
// and how long t waits for it. The channel is nil if t need not wait.
func (l *Line) before(t *Turn, now int64) (done <-chan struct{}, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.in {
		return nil, 0
	}
	other := l.first
	for other != t && (other.until <= now || other.kind == Undecided && t.kind == Refused) {
		other = other.next
	}
	if other == t {
		return nil, 0
	}
	if other.done == nil {
		other.done = make(chan struct{})
	}
	return other.done, time.Duration(other.until - now)
}

// End removes t from the line: its request was answered, or will not be. It may be called
// more than once.
func (l *Line) End(t *Turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.in {
		return
	}
	p := &l.first
	for *p != t {
		p = &(*p).next
	}
	*p, t.next, t.in = t.next, nil, false
	t.wake()
}

// EndAll empties the line.
func (l *Line) EndAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.first != nil {
		t := l.first
		l.first, t.next, t.in = t.next, nil, false
		t.wake()
	}
}

func (t *Turn) wake() {
	if t.done != nil {
		close(t.done)
		t.done = nil
	}
}
