// SPDX-License-Identifier: MIT

// This file stores sessions.

package natsadapter

import (
	"context"
	"errors"
	"sync"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// sessions is the cluster.Sessions of one server.
type sessions struct {
	bucket *bucket
	expiry expiry
}

var _ cluster.Sessions = (*sessions)(nil)

// Put implements cluster.Sessions.
func (s *sessions) Put(ctx context.Context, namespace, owner string, session *adapter.Session) error {
	data, err := nodewire.AppendSession(nil, &nodewire.SessionRecord{Namespace: namespace, Owner: owner, Session: *session})
	if err != nil {
		return err
	}
	k := kept{key: sessionKey(namespace, session.Secret), owner: owner, ended: session.Ended, data: data}
	k.revision = s.bucket.revision(k.key)
	for {
		revision, err := s.bucket.put(ctx, &k)
		if err == nil {
			s.bucket.know(k.key, revision)
			return nil
		}
		if !errors.Is(err, errChanged) {
			return err
		}
		now, err := s.bucket.get(ctx, k.key)
		if err != nil {
			return err
		}
		if now.revision > 0 && (now.owner != owner || now.taken != "") {
			s.bucket.know(k.key, 0)
			return cluster.ErrTaken
		}
		k.revision = now.revision
	}
}

// Get implements cluster.Sessions.
func (s *sessions) Get(ctx context.Context, namespace, secret string) (*adapter.Session, string, error) {
	k, err := s.bucket.get(ctx, sessionKey(namespace, secret))
	if err != nil {
		return nil, "", err
	}
	if k.revision == 0 || k.taken != "" {
		return nil, "", adapter.ErrNoSession
	}
	_, session, err := k.session()
	return session, k.owner, err
}

// Take implements cluster.Sessions.
func (s *sessions) Take(ctx context.Context, namespace, secret, by, from string, live bool) (*adapter.Session, error) {
	key := sessionKey(namespace, secret)
	for {
		k, err := s.bucket.get(ctx, key)
		switch {
		case err != nil:
			return nil, err
		case k.revision == 0 || k.taken != "":
			return nil, adapter.ErrNoSession
		case k.owner != from || !live && k.ended.IsZero():
			return nil, cluster.ErrTaken
		}
		_, session, err := k.session()
		if err != nil {
			return nil, err
		}
		k.owner = by
		revision, err := s.bucket.put(ctx, &k)
		if err == nil {
			s.bucket.know(key, revision)
			return session, nil
		}
		if !errors.Is(err, errChanged) {
			return nil, err
		}
	}
}

// Drop implements cluster.Sessions.
func (s *sessions) Drop(ctx context.Context, namespace, secret, owner string) error {
	k, err := s.bucket.get(ctx, sessionKey(namespace, secret))
	if err != nil || k.revision == 0 || k.owner != owner || k.taken != "" {
		return err
	}
	_, err = s.bucket.remove(ctx, k.key, k.revision)
	return err
}

// ownedAtOnce is how many sessions Owned asks for at once.
const ownedAtOnce = 64

// Owned implements cluster.Sessions. It stores each session again as it is: a leader that
// has been replaced, and does not know it yet, can answer questions, but not do that.
func (s *sessions) Owned(ctx context.Context, namespace, owner string, secrets []string) ([]string, error) {
	owned, errs := make([]bool, len(secrets)), make([]error, len(secrets))
	tokens := make(chan struct{}, ownedAtOnce)
	var work sync.WaitGroup
	for i, secret := range secrets {
		tokens <- struct{}{}
		work.Go(func() {
			defer func() { <-tokens }()
			owned[i], errs[i] = s.owns(ctx, sessionKey(namespace, secret), owner)
		})
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var all []string
	for i, is := range owned {
		if is {
			all = append(all, secrets[i])
		}
	}
	return all, nil
}

func (s *sessions) owns(ctx context.Context, key, owner string) (bool, error) {
	for {
		k, err := s.bucket.get(ctx, key)
		if err != nil || k.revision == 0 || k.owner != owner || k.taken != "" {
			return false, err
		}
		revision, err := s.bucket.put(ctx, &k)
		if err == nil {
			s.bucket.know(key, revision)
			return true, nil
		}
		if !errors.Is(err, errChanged) {
			return false, err
		}
	}
}

// Expire implements cluster.Sessions.
func (s *sessions) Expire(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	return s.expiry.run(ctx, by, before, alive, limit, expired)
}
