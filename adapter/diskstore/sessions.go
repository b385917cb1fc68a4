// SPDX-License-Identifier: MIT

// This file holds sessions: those of all namespaces, in the table.

package diskstore

import (
	"bytes"
	linked "container/list"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"socketio/adapter"
)

// sessions keeps in memory which sessions there are; their contents are in the table.
type sessions struct {
	table *table

	mu        sync.Mutex // guards the fields below; nothing is called while it is held
	retention adapter.Retention
	index     map[sessionKey]*linked.Element
	ended     linked.List // of *kept: the sessions that have ended, the first to end first
	bytes     int         // of those
	count     map[string]int
	dropped   []*kept // for a bound; they are still in the table
	// damaged is when the table was last found damaged, or zero. A session that is not
	// known may have been in it.
	damaged time.Time
}

type sessionKey struct{ namespace, secret string }

// A kept is a session.
type kept struct {
	sessionKey
	ended    time.Time
	size     int
	reported bool // by expire, which could not remove it
}

// expireBatch is how many sessions Expire removes at once.
const expireBatch = 256

func newSessions(t *table) *sessions {
	return &sessions{table: t, index: make(map[sessionKey]*linked.Element), count: make(map[string]int)}
}

// load finds the sessions in the table, and ends those that have not ended.
func (s *sessions) load() error {
	var live []sessionKey
	err := s.table.view(func(tx *bbolt.Tx) error {
		return each(tx, bucketSessions, func(key, value []byte) error {
			namespace, session, err := parseSession(value)
			k := sessionKey{namespace, ""}
			if err == nil {
				k.secret = session.Secret
			}
			if err != nil || !bytes.Equal(key, k.bytes()) {
				return errDamaged
			}
			if session.Ended.IsZero() {
				live = append(live, k)
			}
			s.keepLocked(k, session)
			return nil
		})
	})
	if err == nil {
		err = s.table.view(s.loadReplies)
	}
	if err != nil {
		return err
	}
	now := time.Now()
	for batch := range slices.Chunk(live, expireBatch) {
		if err := s.table.update(context.Background(), func(tx *bbolt.Tx) error { return endSessions(tx, batch, now) }); err != nil {
			return err
		}
		for _, k := range batch {
			old := s.removeLocked(k)
			s.insertLocked(&kept{sessionKey: k, ended: now, size: old.size})
		}
	}
	return nil
}

// endSessions ends sessions in the table.
func endSessions(tx *bbolt.Tx, keys []sessionKey, now time.Time) error {
	for _, k := range keys {
		_, session, err := parseSession(tx.Bucket(bucketSessions).Get(k.bytes()))
		if err != nil {
			return errDamaged
		}
		session.Ended = now
		if err := put(tx, bucketSessions, k.bytes(), appendSession(nil, k.namespace, session)); err != nil {
			return err
		}
	}
	return nil
}

// retain sets the bounds.
func (s *sessions) retain(r adapter.Retention) {
	s.mu.Lock()
	s.retention = r
	over := s.boundLocked()
	s.mu.Unlock()
	if len(over) > 0 {
		_ = s.remove(context.Background(), over) // else by the next process
	}
}

func (s *sessions) save(ctx context.Context, namespace string, session *adapter.Session) error {
	k := sessionKey{namespace, session.Secret}
	value := appendSession(nil, namespace, session)
	err := s.table.update(ctx, func(tx *bbolt.Tx) error {
		if err := removeReplies(tx, k); err != nil {
			return err
		}
		return put(tx, bucketSessions, k.bytes(), value)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.removeLocked(k)
	s.keepLocked(k, session)
	over := s.boundLocked()
	s.mu.Unlock()
	if len(over) > 0 {
		return s.remove(ctx, over)
	}
	return nil
}

// remove removes sessions from the table.
func (s *sessions) remove(ctx context.Context, over []*kept) error {
	return s.table.update(ctx, func(tx *bbolt.Tx) error {
		for _, k := range over {
			if err := removeSession(tx, k.sessionKey); err != nil {
				return err
			}
		}
		return nil
	})
}

func removeSession(tx *bbolt.Tx, k sessionKey) error {
	if err := removeReplies(tx, k); err != nil {
		return err
	}
	return remove(tx, bucketSessions, k.bytes())
}

func (s *sessions) keepLocked(k sessionKey, session *adapter.Session) {
	s.insertLocked(&kept{sessionKey: k, ended: session.Ended, size: session.Size()})
}

// insertLocked adds a session. Most often it is the last to end.
func (s *sessions) insertLocked(k *kept) {
	e := &linked.Element{Value: k}
	if !k.ended.IsZero() {
		at := s.ended.Back()
		for at != nil && at.Value.(*kept).ended.After(k.ended) {
			at = at.Prev()
		}
		if at == nil {
			e = s.ended.PushFront(k)
		} else {
			e = s.ended.InsertAfter(k, at)
		}
		s.bytes += k.size
	}
	s.index[k.sessionKey] = e
	s.count[k.namespace]++
}

// removeLocked removes a session, if it exists, and returns it.
func (s *sessions) removeLocked(key sessionKey) *kept {
	e := s.index[key]
	if e == nil {
		return nil
	}
	k := e.Value.(*kept)
	delete(s.index, key)
	if !k.ended.IsZero() {
		s.ended.Remove(e)
		s.bytes -= k.size
	}
	if s.count[k.namespace]--; s.count[k.namespace] == 0 {
		delete(s.count, k.namespace)
	}
	return k
}

// boundLocked drops the sessions over the bounds, for expire to report them. Of these,
// MaxSessions are kept; the others are returned, and are to be removed without a report.
func (s *sessions) boundLocked() (over []*kept) {
	for s.ended.Len() > 0 && (s.ended.Len() > s.retention.MaxSessions || s.bytes > s.retention.MaxBytes) {
		oldest := s.ended.Front().Value.(*kept)
		s.removeLocked(oldest.sessionKey)
		s.dropped = append(s.dropped, oldest)
	}
	if n := len(s.dropped) - max(s.retention.MaxSessions, expireBatch); n > 0 {
		over = slices.Clone(s.dropped[:n])
		s.dropped = slices.Delete(s.dropped, 0, n)
	}
	return over
}

func (s *sessions) take(namespace, secret string) (session *adapter.Session, err error) {
	key := sessionKey{namespace, secret}
	s.mu.Lock()
	k := s.removeLocked(key)
	damaged := !s.damaged.IsZero() && time.Since(s.damaged) < s.retention.Window
	s.mu.Unlock()
	switch {
	case k == nil && damaged:
		return nil, errDamaged
	case k == nil:
		return nil, adapter.ErrNoSession
	}
	err = s.table.view(func(tx *bbolt.Tx) (err error) { // the table keeps it: the process may end before save
		session, err = readSession(tx, key)
		return err
	})
	if err == nil {
		return session, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errDamaged):
		s.damaged = time.Now()
	case s.index[key] == nil:
		s.insertLocked(k)
	}
	return nil, err
}

func (s *sessions) drop(ctx context.Context, namespace, secret string) error {
	key := sessionKey{namespace, secret}
	s.mu.Lock()
	s.removeLocked(key)
	s.mu.Unlock()
	return s.table.update(ctx, func(tx *bbolt.Tx) error { return removeSession(tx, key) })
}

// expire removes the sessions that have ended before a time, and those that were dropped.
// left reports whether others have ended.
func (s *sessions) expire(ctx context.Context, before time.Time, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	s.mu.Lock()
	over := s.dropped
	s.dropped = nil
	for e := s.ended.Front(); e != nil; e = s.ended.Front() {
		k := e.Value.(*kept)
		if !k.ended.Before(before) {
			break
		}
		over = append(over, s.removeLocked(k.sessionKey))
	}
	left = s.ended.Len() > 0
	s.mu.Unlock()
	var damages error
	for len(over) > 0 {
		n := min(len(over), expireBatch)
		damaged, err := s.expireBatch(ctx, over[:n], expired)
		if err != nil {
			s.mu.Lock()
			s.dropped = append(s.dropped, over...) // once more, the next time
			s.mu.Unlock()
			return true, err
		}
		if damaged {
			damages = errDamaged
		}
		over = over[n:]
	}
	return left, damages
}

// expireBatch reports sessions, once each, and removes them from the table. Those that are
// damaged are only removed.
func (s *sessions) expireBatch(ctx context.Context, over []*kept, expired func(string, *adapter.Session)) (damaged bool, err error) {
	if err = ctx.Err(); err != nil {
		return false, err
	}
	list := make([]*adapter.Session, len(over)) // nil for those that are not reported
	err = s.table.view(func(tx *bbolt.Tx) error {
		for i, k := range over {
			if k.reported || !hasSession(tx, k.sessionKey) { // an earlier removal came late
				continue
			}
			session, err := readSession(tx, k.sessionKey)
			damaged = damaged || err != nil
			list[i] = session
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for i, session := range list {
		if session != nil {
			expired(over[i].namespace, session)
			over[i].reported = true
		}
	}
	return damaged, s.remove(context.WithoutCancel(ctx), over) // expired may have taken all the time
}

// has reports whether there are sessions of a namespace.
func (s *sessions) has(namespace string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[namespace] > 0
}
