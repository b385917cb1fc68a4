// SPDX-License-Identifier: MIT

// This file holds what a node remembers of its sessions of clients that have gone.

package cluster

import (
	"maps"
	"slices"
	"sync"
	"time"

	"socketio/adapter"
)

// endedSessions bounds the sessions that have ended on this node. Some may have been taken
// by other nodes since.
type endedSessions struct {
	mu    sync.Mutex // guards the fields below
	all   []endedSession
	bytes int
	drops []namedSession                // that were retired and not reported, at most maxRetired
	lates map[endedKey]*adapter.Session // whose end could not be stored, at most maxLate; nil for those to drop
}

type endedKey struct{ namespace, secret string }

// maxLate bounds the sessions whose end is stored later. Clients of those above are not
// recovered.
const maxLate = 10_000

type endedSession struct {
	namespace, secret string
	at                time.Time
	size              int
}

type namedSession struct {
	namespace string
	*adapter.Session
}

// maxRetired bounds the sessions dropped for a bound that wait for Expire. More are not
// reported.
const maxRetired = 1024

// add adds a session. It returns those that have to go for it.
func (e *endedSessions) add(namespace string, s *adapter.Session, r *adapter.Retention) (over []endedSession) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, endedSession{namespace, s.Secret, s.Ended, s.Size()})
	e.bytes += s.Size()
	for len(e.all) > r.MaxSessions || e.bytes > r.MaxBytes {
		over = append(over, e.all[0])
		e.shiftLocked()
	}
	return over
}

func (e *endedSessions) shiftLocked() {
	e.bytes -= e.all[0].size
	e.all[0] = endedSession{}
	e.all = e.all[1:]
}

// retired records a session that was dropped.
func (e *endedSessions) retired(namespace string, s *adapter.Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.drops) < maxRetired {
		e.drops = append(e.drops, namedSession{namespace, s})
	}
}

// over forgets the sessions that have ended before a time, which Expire drops. It returns
// those that were retired.
func (e *endedSessions) over(before time.Time) []namedSession {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.all) > 0 && e.all[0].at.Before(before) {
		e.shiftLocked()
	}
	drops := e.drops
	e.drops = nil
	return drops
}

// later records that the end of a session is to be stored, or that it is to be dropped.
func (e *endedSessions) later(namespace, secret string, s *adapter.Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lates == nil {
		e.lates = make(map[endedKey]*adapter.Session)
	}
	if len(e.lates) < maxLate {
		e.lates[endedKey{namespace, secret}] = s
	}
}

// done records that a session was stored, or dropped.
func (e *endedSessions) done(namespace, secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.lates, endedKey{namespace, secret})
}

// late removes what is to be done for a session. s is nil if that is to be dropped.
func (e *endedSessions) late(namespace, secret string) (s *adapter.Session, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := endedKey{namespace, secret}
	s, ok = e.lates[key]
	delete(e.lates, key)
	return s, ok
}

// allLate returns the sessions for which something is to be done.
func (e *endedSessions) allLate() []endedKey {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.lates))
}
