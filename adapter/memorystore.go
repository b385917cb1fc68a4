// SPDX-License-Identifier: MIT

// This file holds the Store of a single process: its logs, which number the events of
// namespaces, and the sessions.

package adapter

import (
	linked "container/list"
	"context"
	"crypto/rand"
	"encoding/base64"
	"iter"
	"slices"
	"time"

	"socketio/internal/lock"
)

// NewMemoryStore returns a Store that keeps everything in memory, until the process ends.
func NewMemoryStore() Store {
	return &memoryStore{logs: make(map[string]*memoryLog), sessions: make(map[sessionKey]*linked.Element)}
}

// A memoryStore is a Store in memory. Locks are taken in the order memoryLog.order,
// memoryStore.mu; memoryLog.mu is taken without others or with order.
type memoryStore struct {
	retention Retention

	mu       lock.Mutex // guards the fields below
	closed   bool
	logs     map[string]*memoryLog
	arrivals []arrival // one for each stored event, the oldest first
	bytes    int       // of the events
	sessions map[sessionKey]*linked.Element
	ended    linked.List // of *keptSession: the sessions that have ended, the first to end first
	live     int         // sessions that have not ended
	kept     int         // bytes of those that have ended
	dropped  []*keptSession
}

// An arrival is an event in one of the logs.
type arrival struct {
	of   *memoryLog
	size int
	at   time.Time
}

type sessionKey struct{ namespace, secret string }

type keptSession struct {
	namespace string
	*Session
	added []byte // to Session.Replies, which may not be changed
}

func (k *keptSession) size() int { return k.Size() + len(k.added) }

// whole returns the session with the replies that were added.
func (k *keptSession) whole() *Session {
	if len(k.added) == 0 {
		return k.Session
	}
	s := *k.Session
	s.Replies = slices.Concat(s.Replies, k.added)
	return &s
}

// maxDropped bounds the sessions dropped by a bound that are kept for Expire to report.
// More are forgotten.
const maxDropped = 1024

func (s *memoryStore) Open(_ Node, r Retention) error {
	s.retention = r
	return nil
}

func (s *memoryStore) Durable() bool { return false }

func (s *memoryStore) Log(namespace string) (Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrStoreClosed
	}
	l := s.logs[namespace]
	if l == nil {
		var epoch [9]byte
		_, _ = rand.Read(epoch[:]) // never fails
		l = &memoryLog{store: s, namespace: namespace, epoch: base64.RawURLEncoding.EncodeToString(epoch[:])}
		s.logs[namespace] = l
	}
	l.users++
	return l, nil
}

func (s *memoryStore) Save(_ context.Context, namespace string, session *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrStoreClosed
	}
	key := sessionKey{namespace, session.Secret}
	s.removeLocked(key)
	k := &keptSession{namespace: namespace, Session: session}
	e := &linked.Element{Value: k}
	if session.Ended.IsZero() {
		s.live++
	} else {
		e = s.insertLocked(k)
		s.kept += k.size()
	}
	s.sessions[key] = e
	s.boundLocked()
	return nil
}

// boundLocked drops the sessions over the bounds.
func (s *memoryStore) boundLocked() {
	for s.ended.Len() > 0 && (s.ended.Len() > s.retention.MaxSessions || s.kept > s.retention.MaxBytes) {
		oldest := s.ended.Front().Value.(*keptSession)
		s.removeLocked(sessionKey{oldest.namespace, oldest.Secret})
		if len(s.dropped) < maxDropped {
			s.dropped = append(s.dropped, oldest)
		}
	}
}

// AddReplies implements ReplyStore.
func (s *memoryStore) AddReplies(_ context.Context, namespace, secret string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrStoreClosed
	}
	e := s.sessions[sessionKey{namespace, secret}]
	if e == nil || !e.Value.(*keptSession).Ended.IsZero() {
		return ErrNoSession
	}
	k := e.Value.(*keptSession)
	k.added = append(k.added, data...)
	return nil
}

// insertLocked adds a session that has ended. Most often it is the last to end.
func (s *memoryStore) insertLocked(k *keptSession) *linked.Element {
	for e := s.ended.Back(); e != nil; e = e.Prev() {
		if !e.Value.(*keptSession).Ended.After(k.Ended) {
			return s.ended.InsertAfter(k, e)
		}
	}
	return s.ended.PushFront(k)
}

// removeLocked removes a session, if it exists, and returns it.
func (s *memoryStore) removeLocked(key sessionKey) *keptSession {
	e := s.sessions[key]
	if e == nil {
		return nil
	}
	k := e.Value.(*keptSession)
	delete(s.sessions, key)
	if k.Ended.IsZero() {
		s.live--
	} else {
		s.ended.Remove(e)
		s.kept -= k.size()
	}
	return k
}

func (s *memoryStore) Take(_ context.Context, namespace, secret string) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrStoreClosed
	}
	k := s.removeLocked(sessionKey{namespace, secret})
	if k == nil {
		return nil, ErrNoSession
	}
	return k.whole(), nil
}

func (s *memoryStore) Drop(_ context.Context, namespace, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrStoreClosed
	}
	s.removeLocked(sessionKey{namespace, secret})
	return nil
}

func (s *memoryStore) Expire(_ context.Context, before time.Time, expired func(string, *Session)) (left bool, err error) {
	s.mu.Lock()
	over := s.dropped
	s.dropped = nil
	for e := s.ended.Front(); e != nil; e = s.ended.Front() {
		k := e.Value.(*keptSession)
		if !k.Ended.Before(before) {
			break
		}
		over = append(over, s.removeLocked(sessionKey{k.namespace, k.Secret}))
	}
	n := 0
	for n < len(s.arrivals) && s.arrivals[n].at.Before(before) {
		n++
	}
	trims := s.trimLocked(n)
	for name, l := range s.logs {
		if l.users == 0 && l.events == 0 && s.live+s.ended.Len() == 0 {
			delete(s.logs, name)
		}
	}
	left = len(s.arrivals) > 0 || s.ended.Len() > 0
	closed := s.closed
	s.mu.Unlock()
	trim(trims)
	for _, k := range over {
		expired(k.namespace, k.whole())
	}
	if closed {
		return false, ErrStoreClosed
	}
	return left, nil
}

// trimLocked counts the oldest n events off. It returns the log of each for trim.
func (s *memoryStore) trimLocked(n int) []arrival {
	trims := slices.Clone(s.arrivals[:n])
	for _, a := range trims {
		s.bytes -= a.size
		a.of.events--
	}
	s.arrivals = slices.Delete(s.arrivals, 0, n)
	return trims
}

// trim removes the oldest event of the log of each arrival. It is called without
// memoryStore.mu.
func trim(trims []arrival) {
	for _, a := range trims {
		a.of.dropFirst()
	}
}

// arrived counts a new event. It returns the events that have to go for it: at the bound
// one eighth of the bytes.
func (s *memoryStore) arrived(a arrival) (trims []arrival, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || a.of.users == 0 {
		return nil, ErrStoreClosed
	}
	s.arrivals = append(s.arrivals, a)
	s.bytes += a.size
	a.of.events++
	if s.bytes <= s.retention.MaxBytes {
		return nil, nil
	}
	n, bytes := 0, s.bytes
	for n < len(s.arrivals) && bytes > s.retention.MaxBytes/8*7 {
		bytes -= s.arrivals[n].size
		n++
	}
	return s.trimLocked(n), nil
}

func (s *memoryStore) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.logs, s.arrivals, s.sessions, s.dropped = nil, nil, nil, nil
	s.ended.Init()
	return nil
}

// A memoryLog is a Log of a memoryStore.
type memoryLog struct {
	// Immutable.
	store     *memoryStore
	namespace string
	epoch     string

	users, events int // guarded by store.mu; events that were not counted off

	order lock.Mutex // held while an event is stored and delivered

	mu      lock.Mutex // guards the fields below
	kept    []KeptEvent
	dropped uint64 // the number of the latest event before kept
	last    uint64 // delivered
	lost    uint64 // 1 + the largest number given to MarkLost; 0 before the first
}

func (l *memoryLog) Epoch() string { return l.epoch }

func (l *memoryLog) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *memoryLog) Append(r *Record) error {
	e := r.KeptEvent
	l.order.Lock()
	defer l.order.Unlock()
	e.Time = time.Now()
	l.mu.Lock()
	e.Number = l.dropped + uint64(len(l.kept)) + 1
	l.kept = append(l.kept, e)
	l.mu.Unlock()
	trims, err := l.store.arrived(arrival{l, e.Size(), e.Time})
	if err != nil {
		l.mu.Lock()
		l.kept = l.kept[:len(l.kept)-1]
		l.mu.Unlock()
		return err
	}
	trim(trims)
	r.Deliver(e.Number)
	l.mu.Lock()
	l.last = e.Number
	l.mu.Unlock()
	return nil
}

func (l *memoryLog) MarkLost(after uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = max(l.lost, after+1)
	return nil
}

func (l *memoryLog) Lost() (after uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost - min(l.lost, 1), l.lost > 0
}

func (l *memoryLog) dropFirst() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[0] = KeptEvent{}
	l.kept = l.kept[1:]
	l.dropped++
}

// sinceBatch is how many events Since reads at once.
const sinceBatch = 64

func (l *memoryLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[KeptEvent, error] {
	return func(yield func(KeptEvent, error) bool) {
		for after < upTo {
			l.mu.Lock()
			first, end := l.dropped, l.dropped+uint64(len(l.kept))
			var batch []KeptEvent
			if after >= first && after < end {
				batch = slices.Clone(l.kept[after-first : min(end, upTo, after+sinceBatch)-first])
			}
			l.mu.Unlock()
			if err := ctx.Err(); err != nil {
				yield(KeptEvent{}, err)
				return
			}
			if after < first {
				yield(KeptEvent{}, ErrTrimmed)
				return
			}
			if len(batch) == 0 {
				return
			}
			for _, e := range batch {
				if !yield(e, nil) {
					return
				}
			}
			after += uint64(len(batch))
		}
	}
}

func (l *memoryLog) Close() error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.users--
	return nil
}
