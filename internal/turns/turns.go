// SPDX-License-Identifier: MIT

// This file holds Line: requests in the order in which they came, and the time that each
// may make the later ones wait.

package turns

import (
	"time"

	"socketio/internal/lock"
)

// A Line is requests that are not answered yet, in the order in which they came. Times
// are readings of one monotonic clock, in nanoseconds. Its zero value is empty. Methods
// may be called from any goroutine; only Wait blocks.
type Line struct {
	mu    lock.Mutex // guards the fields below, and those of the turns in line
	first *Turn
}

// A Turn is the place of one request. Its zero value is in no line.
type Turn struct {
	next  *Turn
	in    bool // it is in line
	kind  Kind
	until int64         // from then on no other waits for it
	done  chan struct{} // closed when it ends or changes; nil unless somebody waits
}

// A Kind says how a request is decided.
type Kind uint8

const (
	// Undecided: the application decides. Others wait for it, but for refusals.
	Undecided Kind = iota
	// Granted: nobody decides. All others wait for it.
	Granted
	// Refused: it is decided already. All others wait for it, and it waits for those that
	// are not Undecided.
	Refused
)

// Take puts t at the end of the line. Others wait for it until the given time at most.
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

// Limit says for how long from now on others wait for t. A turn whose time is over stays
// so.
func (l *Line) Limit(t *Turn, now int64, limit time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.in && t.until > now {
		t.until = now + int64(limit)
		t.wake()
	}
}

// Ahead reports whether a request is in line that a refusal waits for.
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

// Wait returns when the requests before t have ended, or need not be waited for. It
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

// before returns what tells of a change of the first turn that t waits for, and for how
// long it does; nil if there is none.
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

// End takes t out of the line: its request was answered, or will not be. It may be called
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
