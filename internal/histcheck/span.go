// SPDX-License-Identifier: MIT

// This file computes who was in which room when, if there are several servers: an event
// reaches other servers some time after it was emitted, so rooms are spans of time.

package histcheck

import (
	"math"
	"slices"
)

// Times, in microseconds.
const (
	// skew is how far the clocks of clients may be from those of servers.
	skew = 50_000
	// lag is how long a message may be on its way between servers that work.
	lag = 3_000_000
	// unnoticed is how long a server may not notice that its connection to the others does
	// not work: row L5 of docs/cluster.md.
	unnoticed = 17_000_000

	never = math.MaxInt64
)

// joining begins a span, and joined its certainty.
func (s *session) joining(room string, t int64) *span {
	if last := s.lastSpan(room); last != nil && last.to == never && last.out == never {
		return last
	}
	sp := &span{from: t, in: never, out: never, to: never}
	s.spans[room] = append(s.spans[room], sp)
	return sp
}

func (s *session) joined(room string, t int64) {
	if last := s.lastSpan(room); last != nil && last.in == never {
		last.in = t
	}
}

// leaving ends the certainty, and left the span.
func (s *session) leaving(room string, t int64) {
	if last := s.lastSpan(room); last != nil {
		last.out = min(last.out, t)
	}
}

func (s *session) left(room string, t int64) {
	if last := s.lastSpan(room); last != nil {
		last.to = min(last.to, t)
		last.out = min(last.out, t)
	}
}

func (s *session) lastSpan(room string) *span {
	if all := s.spans[room]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// in reports whether the session is in one of the rooms at some time between two.
func (s *session) in(rooms []string, from, to int64) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return slices.ContainsFunc(s.spans[room], func(sp *span) bool { return sp.from <= to && sp.to >= from })
	})
}

// stays reports whether the session is in one of the rooms all the time between two.
func (s *session) stays(rooms []string, from, to int64) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return slices.ContainsFunc(s.spans[room], func(sp *span) bool { return sp.in <= from && sp.out >= to })
	})
}

// mayGet reports whether an event may arrive in a session at a time.
func (s *session) mayGet(m *emission, at int64) bool {
	e := m.event
	if slices.Contains(e.Except, s.id) || s.stays(e.Except, e.T-skew, at+skew) {
		return false
	}
	return s.in(e.To, e.T-skew, at+skew)
}

// mustGet reports whether an event must have arrived in a session by a time, if nothing
// was lost between the servers.
func (s *session) mustGet(m *emission, by int64) bool {
	e := m.event
	if slices.Contains(e.Except, s.id) || s.in(e.Except, e.T-skew, by+skew) {
		return false
	}
	return s.stays(e.To, e.T, by+skew)
}

// near reports whether the window has a time that is at most lag away from one between
// two.
func (w window) near(from, to int64) bool {
	return w.from-lag <= to && (w.to == never || w.to+lag >= from)
}

func anyNear(all []window, from, to int64) bool {
	return slices.ContainsFunc(all, func(w window) bool { return w.near(from, to) })
}

// begin and end open and close a window.
func begin(all []window, t int64) []window { return append(all, window{t, never}) }

func end(all []window, t int64) {
	for i := range all {
		if all[i].to == never {
			all[i].to = t
		}
	}
}

// after returns the place of the first emission at or after a time.
func (s *series) after(t int64) int {
	at, _ := slices.BinarySearchFunc(s.emits, t, func(m *emission, t int64) int {
		if m.event.T < t {
			return -1
		}
		return 1
	})
	return at
}
