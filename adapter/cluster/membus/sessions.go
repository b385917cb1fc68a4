// SPDX-License-Identifier: MIT

// This file holds the store of sessions of a network, with its faults.

package membus

import (
	"context"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// Sessions returns the store of sessions, as this node reaches it: not while the node is
// broken, or on another island than the first of a Partition. The store keeps sessions as
// bytes.
func (n *Node) Sessions() cluster.Sessions { return sessions{n} }

// FailSessions makes calls for the store of sessions fail. before is called with the name
// of the method before it is performed, after when it has been: the caller then does not
// know that it was. Both may be nil.
func (w *Network) FailSessions(before, after func(node, method string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failBefore, w.failAfter = before, after
}

// sessions is the store, as a node reaches it.
type sessions struct{ *Node }

var _ cluster.ReplySessions = sessions{}

// call performs a method of the store: it goes to the store and comes back, each in the
// time of Delay.
func (s sessions) call(ctx context.Context, method string, do func(all sessionTable) error) error {
	w := s.network
	if err := s.travel(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	var err error
	if w.failBefore != nil {
		err = w.failBefore(s.name, method)
	}
	if err == nil {
		err = do(w.kept)
		if w.failAfter != nil {
			if lost := w.failAfter(s.name, method); lost != nil {
				err = lost
			}
		}
	}
	w.mu.Unlock()
	if back := s.travel(ctx); back != nil {
		return back
	}
	return err
}

// travel waits as long as a message is on the way. A node that is paused waits until it is
// not.
func (s sessions) travel(ctx context.Context) error {
	w := s.network
	if !s.awake() {
		return ErrKilled
	}
	w.mu.Lock()
	delay, broken := w.logDelayLocked(s.Node), s.broken
	if w.stalledLocked(s.Node) {
		broken = ErrDown
	}
	w.mu.Unlock()
	if broken != nil {
		return broken
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if !s.awake() {
		return ErrKilled
	}
	return ctx.Err()
}

// Put implements cluster.Sessions.
func (s sessions) Put(ctx context.Context, namespace, owner string, session *adapter.Session) error {
	data, err := nodewire.AppendSession(nil, &nodewire.SessionRecord{Namespace: namespace, Owner: owner, Session: *session})
	if err != nil {
		return err
	}
	return s.call(ctx, "Put", func(all sessionTable) error {
		key := sessionKey{namespace, session.Secret}
		if k := all[key]; k != nil && (k.owner != owner || k.expires) {
			return cluster.ErrTaken
		}
		all[key] = &keptSession{data: data, owner: owner, ended: session.Ended, stored: time.Now()}
		return nil
	})
}

// AddReplies implements cluster.ReplySessions.
func (s sessions) AddReplies(ctx context.Context, namespace, owner, secret string, data []byte) error {
	return s.call(ctx, "AddReplies", func(all sessionTable) error {
		switch k := all[sessionKey{namespace, secret}]; {
		case k == nil || k.expires || k.owner == owner && !k.ended.IsZero():
			return adapter.ErrNoSession
		case k.owner != owner:
			return cluster.ErrTaken
		default:
			k.added = append(k.added, data...)
			return nil
		}
	})
}

// Get implements cluster.Sessions.
func (s sessions) Get(ctx context.Context, namespace, secret string) (session *adapter.Session, owner string, err error) {
	err = s.call(ctx, "Get", func(all sessionTable) error {
		k, found, err := all.find(namespace, secret)
		if err == nil {
			session, owner = found, k.owner
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return session, owner, nil
}

// Take implements cluster.Sessions.
func (s sessions) Take(ctx context.Context, namespace, secret, by, from string, live bool) (session *adapter.Session, err error) {
	err = s.call(ctx, "Take", func(all sessionTable) error {
		k, found, err := all.find(namespace, secret)
		if err == nil && (k.owner != from || k.ended.IsZero() && !live) {
			err = cluster.ErrTaken
		}
		if err == nil {
			k.owner, k.stored, session = by, time.Now(), found
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return session, nil
}

// Drop implements cluster.Sessions.
func (s sessions) Drop(ctx context.Context, namespace, secret, owner string) error {
	return s.call(ctx, "Drop", func(all sessionTable) error {
		if key := (sessionKey{namespace, secret}); all[key] != nil && all[key].owner == owner {
			delete(all, key)
		}
		return nil
	})
}

// Owned implements cluster.Sessions.
func (s sessions) Owned(ctx context.Context, namespace, owner string, secrets []string) (owned []string, err error) {
	err = s.call(ctx, "Owned", func(all sessionTable) error {
		for _, secret := range secrets {
			if k := all[sessionKey{namespace, secret}]; k != nil && k.owner == owner && !k.expires {
				owned = append(owned, secret)
			}
		}
		return nil
	})
	return owned, err
}

// Expire implements cluster.Sessions.
func (s sessions) Expire(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(string, *adapter.Session)) (left bool, err error) {
	var keys []sessionKey
	var found []*nodewire.SessionRecord
	err = s.call(ctx, "Expire", func(all sessionTable) (err error) {
		keys, found, left, err = all.expire(by, before, alive, limit)
		return err
	})
	if err != nil {
		return false, err
	}
	for i, r := range found {
		expired(keys[i].namespace, &r.Session)
	}
	return left, s.call(ctx, "Expire", func(all sessionTable) error {
		for _, key := range keys {
			if k := all[key]; k != nil && k.owner == by && k.expires {
				delete(all, key)
			}
		}
		return nil
	})
}

// SessionOwner returns the owner of a session, or "" if the session does not exist.
func (w *Network) SessionOwner(namespace, secret string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.kept[sessionKey{namespace, secret}]; k != nil {
		return k.owner
	}
	return ""
}

// Secrets returns the secrets of the sessions of a namespace in the store, in order.
func (w *Network) Secrets(namespace string) (secrets []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.kept {
		if key.namespace == namespace {
			secrets = append(secrets, key.secret)
		}
	}
	slices.Sort(secrets)
	return secrets
}
