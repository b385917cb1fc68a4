// SPDX-License-Identifier: MIT

// This file holds what a node remembers of its sessions of clients that have gone.

package cluster

import (
	"container/list"
	"maps"
	"slices"
	"sync"
	"time"

	"socketio/adapter"
)

// endedSessions bounds the sessions that have ended on this node. Each counts once, however
// often its client has come and gone. Some may have been taken by other nodes since.
type endedSessions struct {
	mu    sync.Mutex // guards the fields below
	all   list.List  // of endedSession, in the order of their ends
	byKey map[endedKey]*list.Element
	bytes int
	drops []namedSession                // that were retired and not reported, at most maxRetired
	lates map[endedKey]*adapter.Session // whose end could not be stored, at most maxLate; nil for those to drop
}

type endedKey struct{ namespace, secret string }

// maxLate bounds the sessions whose end is stored later. Clients of those above are not
// recovered.
const maxLate = 10_000

type endedSession struct {
	endedKey
	at   time.Time
	size int
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
	key := endedKey{namespace, s.Secret}
	e.removeLocked(e.byKey[key])
	if e.byKey == nil {
		e.byKey = make(map[endedKey]*list.Element)
	}
	e.byKey[key] = e.all.PushBack(endedSession{key, s.Ended, s.Size()})
	e.bytes += s.Size()
	for e.all.Len() > r.MaxSessions || e.all.Len() > 0 && e.bytes > r.MaxBytes {
		over = append(over, e.removeLocked(e.all.Front()))
	}
	return over
}

// removeLocked removes a session. at may be nil.
func (e *endedSessions) removeLocked(at *list.Element) (one endedSession) {
	if at != nil {
		one, _ = e.all.Remove(at).(endedSession)
		delete(e.byKey, one.endedKey)
		e.bytes -= one.size
	}
	return one
}

// gone records that a session has been taken or dropped.
func (e *endedSessions) gone(namespace, secret string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removeLocked(e.byKey[endedKey{namespace, secret}])
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
	for first := e.all.Front(); first != nil && first.Value.(endedSession).at.Before(before); first = e.all.Front() {
		e.removeLocked(first)
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
