// SPDX-License-Identifier: MIT

// This file holds the replies that are added to a session: each in a row of its own, until
// the session is stored again with all replies.

package diskstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"socketio/adapter"
)

// rowOverhead is added to the size of replies for their row.
const rowOverhead = 64

// repliesOf returns what the keys of the replies of a session begin with.
func repliesOf(k sessionKey) []byte { return appendText(appendText(nil, k.namespace), k.secret) }

// replyKey returns a key. The keys of a session sort by number.
func replyKey(k sessionKey, number uint64) []byte {
	return binary.BigEndian.AppendUint64(repliesOf(k), number)
}

// parseReplyKey is the reverse of replyKey.
func parseReplyKey(b []byte) (k sessionKey, err error) {
	r := reader{b: b}
	k = sessionKey{r.text(), r.text()}
	r.take(8)
	return k, r.end()
}

// addReplies adds replies to a session that has not ended.
func (s *sessions) addReplies(ctx context.Context, namespace, secret string, data []byte) error {
	k := sessionKey{namespace, secret}
	if !s.live(k) {
		return adapter.ErrNoSession
	}
	value, gone := withSum(slices.Clone(data), 0), false
	err := s.table.update(ctx, func(tx *bbolt.Tx) error {
		if gone = !hasSession(tx, k); gone { // dropped meanwhile
			return nil
		}
		number, err := tx.Bucket(bucketReplies).NextSequence()
		if err != nil {
			return err
		}
		return put(tx, bucketReplies, replyKey(k, number), value)
	})
	if err != nil {
		return err
	}
	if gone {
		return adapter.ErrNoSession
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.growLocked(k, len(data))
	return nil
}

// live reports whether there is a session that has not ended.
func (s *sessions) live(k sessionKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.index[k]
	return e != nil && e.Value.(*kept).ended.IsZero()
}

// growLocked counts replies that were added to a session. It reports whether there is one.
func (s *sessions) growLocked(k sessionKey, size int) bool {
	e := s.index[k]
	if e == nil {
		return false
	}
	of := e.Value.(*kept)
	of.size += size + rowOverhead
	if !of.ended.IsZero() {
		s.bytes += size + rowOverhead
	}
	return true
}

// loadReplies counts the replies in the table.
func (s *sessions) loadReplies(tx *bbolt.Tx) error {
	return each(tx, bucketReplies, func(key, value []byte) error {
		k, err := parseReplyKey(key)
		if err != nil || len(value) < sumSize || !s.growLocked(k, len(value)-sumSize) {
			return errDamaged
		}
		return nil
	})
}

// removeReplies removes the replies that were added to a session.
func removeReplies(tx *bbolt.Tx, k sessionKey) error {
	var keys [][]byte
	prefix, c := repliesOf(k), tx.Bucket(bucketReplies).Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := remove(tx, bucketReplies, key); err != nil {
			return err
		}
	}
	return nil
}

func hasSession(tx *bbolt.Tx, k sessionKey) bool {
	return tx.Bucket(bucketSessions).Get(k.bytes()) != nil
}

// readSession returns a session with all its replies, or errDamaged.
func readSession(tx *bbolt.Tx, k sessionKey) (*adapter.Session, error) {
	_, session, err := parseSession(tx.Bucket(bucketSessions).Get(k.bytes()))
	if err != nil {
		return nil, errDamaged
	}
	prefix, c := repliesOf(k), tx.Bucket(bucketReplies).Cursor()
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		r, err := summed(value)
		if err != nil {
			return nil, errDamaged
		}
		session.Replies = append(session.Replies, r.b...)
	}
	return session, nil
}
