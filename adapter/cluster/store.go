// SPDX-License-Identifier: MIT

// This file holds the Store of a node whose bus has a log: an adapter.SharedStore.

package cluster

import (
	"context"
	"errors"
	"strings"
	"time"

	"socketio/adapter"
)

// Store returns the store that the servers of the cluster share, or nil if the bus is not
// a LogBus. NewServer uses it for Options.Recovery without a Store.
func (c *Cluster) Store() adapter.Store {
	bus, ok := c.node.bus.(LogBus)
	if !ok {
		return nil
	}
	s := &store{node: c.node, sessions: bus.Sessions()}
	if sessions, ok := s.sessions.(ReplySessions); ok {
		return replyStore{s, sessions}
	}
	return s
}

// A store is the adapter.SharedStore of a node.
type store struct {
	node     *node
	sessions Sessions

	retention adapter.Retention // constant after Open
	ended     endedSessions
}

var _ adapter.SharedStore = (*store)(nil)

// Open implements adapter.Store.
func (s *store) Open(_ adapter.Node, r adapter.Retention) error {
	s.retention = r
	if sessions, ok := s.sessions.(Retainer); ok {
		sessions.Retain(r.Window)
	}
	return nil
}

// Serve implements adapter.SharedStore.
func (s *store) Serve(h adapter.Holder) {
	s.node.holding.set(retrier{h, s})
	s.node.gate.begin(s.node.opts.Lease)
}

// Log implements adapter.Store. The log is an adapter.SharedLog.
func (s *store) Log(namespace string) (adapter.Log, error) { return s.node.logOf(namespace) }

// Durable implements adapter.Store.
func (s *store) Durable() bool { return true }

// Lapsed implements adapter.SharedStore.
func (s *store) Lapsed() bool { return s.node.gate.lapsed() }

// Await implements adapter.SharedStore.
func (s *store) Await(ctx context.Context) error {
	return s.node.gate.wait(ctx, s.node.askOwned)
}

// failed returns the error of a call for the sessions.
func (s *store) failed(err error) error {
	if err != nil && s.node.ctx.Err() != nil {
		return errors.Join(adapter.ErrStoreClosed, err)
	}
	return err
}

// Save implements adapter.Store.
func (s *store) Save(ctx context.Context, namespace string, session *adapter.Session) error {
	ended := !session.Ended.IsZero()
	err := s.Await(ctx)
	if err == nil {
		err = s.sessions.Put(ctx, namespace, s.node.uid, session)
	}
	if err != nil {
		switch {
		case !ended || errors.Is(err, ErrTaken):
		case errors.Is(err, ErrTooLarge):
			_ = s.giveUp(ctx, namespace, session)
		default:
			s.ended.later(namespace, session.Secret, session)
		}
		return s.failed(err)
	}
	s.ended.done(namespace, session.Secret)
	if ended {
		for _, one := range s.ended.add(namespace, session, &s.retention) {
			s.retire(ctx, one)
		}
	}
	return nil
}

// A replyStore is the store of a node whose bus can add to the replies of a session.
type replyStore struct {
	*store
	replies ReplySessions
}

var _ adapter.ReplyStore = replyStore{}

// AddReplies implements adapter.ReplyStore.
func (s replyStore) AddReplies(ctx context.Context, namespace, secret string, data []byte) error {
	if err := s.Await(ctx); err != nil {
		return err
	}
	return s.failed(s.replies.AddReplies(ctx, namespace, s.node.uid, secret, data))
}

// giveUp drops a session of this node whose end can't be stored: nobody would take it, and
// its owner would keep it. Expire reports it, unless another node has taken it.
func (s *store) giveUp(ctx context.Context, namespace string, session *adapter.Session) error {
	err := s.sessions.Drop(ctx, namespace, session.Secret, s.node.uid)
	if err == nil {
		if _, _, err = s.sessions.Get(ctx, namespace, session.Secret); errors.Is(err, adapter.ErrNoSession) {
			s.ended.retired(namespace, session)
			return nil
		}
	}
	if err != nil {
		s.ended.later(namespace, session.Secret, session)
	}
	return s.failed(err)
}

// retired is the end of the owner of a session that is about to be dropped: nobody takes
// it.
const retired = "-retired"

// retire drops a session of this node that exceeds a bound, unless another node has taken
// it. Expire reports it.
func (s *store) retire(ctx context.Context, one endedSession) {
	session, err := s.sessions.Take(ctx, one.namespace, one.secret, s.node.uid+retired, s.node.uid, false)
	if err != nil {
		return // it is gone, or is left for Expire
	}
	s.ended.retired(one.namespace, session)
	_ = s.sessions.Drop(ctx, one.namespace, one.secret, s.node.uid+retired) // else Expire finds it
}

// Find implements adapter.SharedStore.
func (s *store) Find(ctx context.Context, namespace, secret string) (*adapter.Session, error) {
	session, owner, err := s.sessions.Get(ctx, namespace, secret)
	if err == nil && isRetired(owner) {
		err = adapter.ErrNoSession
	}
	return session, s.failed(err)
}

func isRetired(owner string) bool { return strings.HasSuffix(owner, retired) }

// Take implements adapter.Store.
func (s *store) Take(ctx context.Context, namespace, secret string) (*adapter.Session, error) {
	if err := s.Await(ctx); err != nil {
		return nil, err
	}
	if err := s.retry(ctx, namespace, secret, time.Time{}); err != nil && !errors.Is(err, ErrTaken) {
		return nil, err
	}
	released := "" // the node that has said that it has no socket
	for {
		session, owner, err := s.sessions.Get(ctx, namespace, secret)
		switch {
		case err != nil:
			return nil, s.failed(err)
		case isRetired(owner):
			return nil, adapter.ErrNoSession
		}
		silent, own := false, owner == s.node.uid || owner == ""
		switch {
		case !session.Ended.IsZero(), own:
		case owner == released: // it could not store the end
			return nil, adapter.ErrTaken
		default:
			if silent = s.node.members.dead(owner, s.node.opts.Lease, time.Now()) && s.node.health.err() == nil; !silent {
				switch err := s.release(ctx, namespace, secret, owner); {
				case err == nil:
					released = owner
				case errors.Is(err, errSilentOwner):
				default:
					return nil, err
				}
				continue
			}
		}
		soon, cancel := context.WithTimeout(ctx, s.node.opts.Lease/4) // if this node is frozen now, the owner may live again
		session, err = s.sessions.Take(soon, namespace, secret, s.node.uid, owner, silent || own)
		late := soon.Err() != nil
		cancel()
		switch {
		case err == nil:
		case late && ctx.Err() == nil: // perhaps this node was frozen: whose session it is must be asked again
			continue
		default:
			return nil, s.failed(err)
		}
		s.ended.gone(namespace, secret)
		if silent {
			s.node.tellTaken(namespace, secret, owner)
		}
		if session.Ended.IsZero() {
			session.Ended = time.Now()
		}
		return session, nil
	}
}

// release asks the owner of a session to end its socket. It returns errSilentOwner if that
// may be dead, after a pause, and adapter.ErrTaken if ctx ends before.
func (s *store) release(ctx context.Context, namespace, secret, owner string) error {
	if s.node.members.known(owner) {
		err := s.node.askHandOver(ctx, namespace, secret, owner)
		if err == nil || errors.Is(err, adapter.ErrTaken) {
			return err
		}
	}
	pause := time.NewTimer(releasePause)
	defer pause.Stop()
	select {
	case <-pause.C:
		return errSilentOwner
	case <-ctx.Done():
		return adapter.ErrTaken
	case <-s.node.ctx.Done():
		return adapter.ErrStoreClosed
	}
}

// releasePause is the time between two looks whether a silent node is dead.
const releasePause = 100 * time.Millisecond

// Drop implements adapter.Store.
func (s *store) Drop(ctx context.Context, namespace, secret string) error {
	err := s.sessions.Drop(ctx, namespace, secret, s.node.uid)
	if err != nil {
		s.ended.later(namespace, secret, nil)
	} else {
		s.ended.done(namespace, secret)
		s.ended.gone(namespace, secret)
	}
	return s.failed(err)
}

// retry stores the end of a session if that has failed before. One that has ended before a
// time is dropped.
func (s *store) retry(ctx context.Context, namespace, secret string, before time.Time) error {
	switch session, late := s.ended.late(namespace, secret); {
	case !late:
		return nil
	case session == nil:
		return s.Drop(ctx, namespace, secret)
	case session.Ended.Before(before):
		return s.giveUp(ctx, namespace, session)
	default:
		return s.Save(ctx, namespace, session)
	}
}

// A retrier is the Holder of the server, which also stores what could not be stored.
type retrier struct {
	adapter.Holder
	store *store
}

// HandOver implements adapter.Holder.
func (r retrier) HandOver(ctx context.Context, namespace, secret string) error {
	if err := r.store.retry(ctx, namespace, secret, time.Time{}); err != nil {
		return err
	}
	return r.Holder.HandOver(ctx, namespace, secret)
}

// expireAtOnce is how many sessions Expire takes at once.
const expireAtOnce = 256

// Expire implements adapter.Store. The bus drops the events.
func (s *store) Expire(ctx context.Context, before time.Time, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	for _, one := range s.ended.over(before) {
		expired(one.namespace, one.Session)
	}
	if err := s.Await(ctx); err != nil {
		return true, err
	}
	late := s.retryAll(ctx, before)
	for {
		count := 0
		left, err = s.sessions.Expire(ctx, s.node.uid, before, s.alive, expireAtOnce, func(namespace string, session *adapter.Session) {
			count++
			expired(namespace, session)
		})
		if err != nil || count < expireAtOnce {
			return left || late != nil, errors.Join(s.failed(err), late)
		}
	}
}

// retryAll is retry for all sessions, as long as ctx lasts: one that can't be stored does
// not hold up the others. It returns the first error.
func (s *store) retryAll(ctx context.Context, before time.Time) (first error) {
	for _, one := range s.ended.allLate() {
		if ctx.Err() != nil {
			break
		}
		if err := s.retry(ctx, one.namespace, one.secret, before); err != nil && first == nil && !errors.Is(err, ErrTaken) {
			first = err
		}
	}
	return first
}

// alive reports whether a node lives, or has died so recently that its clients may still
// come back.
func (s *store) alive(owner string) bool {
	switch {
	case owner == "":
		return false
	case owner == s.node.uid, s.node.members.known(owner), s.node.health.err() != nil:
		return true
	}
	return time.Since(s.node.members.heardUntil(owner)) < s.retention.Window
}

// Close implements adapter.Store. What is stored is kept by the bus.
func (s *store) Close(context.Context) error { return nil }
