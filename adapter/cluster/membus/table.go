// SPDX-License-Identifier: MIT

// This file holds the table of sessions at the broker.

package membus

import (
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// A sessionKey names a session.
type sessionKey struct{ namespace, secret string }

// A keptSession is a session in the store.
type keptSession struct {
	data    []byte
	added   []byte // replies
	owner   string
	ended   time.Time // zero while its socket is connected
	stored  time.Time
	expires bool // Expire of the owner has taken it
}

// A sessionTable has the sessions of all namespaces.
type sessionTable map[sessionKey]*keptSession

// find returns a session that can be taken.
func (all sessionTable) find(namespace, secret string) (*keptSession, *adapter.Session, error) {
	k := all[sessionKey{namespace, secret}]
	if k == nil || k.expires {
		return nil, nil, adapter.ErrNoSession
	}
	r, err := k.record()
	if err != nil {
		return nil, nil, err
	}
	return k, &r.Session, nil
}

// record returns what is stored.
func (k *keptSession) record() (*nodewire.SessionRecord, error) {
	r, err := nodewire.DecodeSession(k.data)
	if err == nil {
		r.Replies = append(r.Replies, k.added...)
	}
	return r, err
}

// expire makes a node the owner of at most limit sessions that are over, and returns them.
func (all sessionTable) expire(by string, before time.Time, alive func(owner string) bool, limit int) (keys []sessionKey, found []*nodewire.SessionRecord, left bool, err error) {
	for key, k := range all {
		since := k.stored
		if !k.ended.IsZero() {
			since = k.ended
		} else if k.owner == by && !k.expires {
			since = before // its socket is connected
		}
		over := since.Before(before) && (k.owner == by || !alive(k.owner))
		if !over || len(keys) == limit {
			left = true
			continue
		}
		r, err := k.record()
		if err != nil {
			return nil, nil, false, err
		}
		k.owner, k.expires = by, true
		keys, found = append(keys, key), append(found, r)
	}
	return keys, found, left, nil
}
