// SPDX-License-Identifier: MIT

// This file ends sessions that are over.

package natsadapter

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter"
)

// An expiry knows the sessions of all servers without their contents, about 150 bytes
// each. It reads each change of the bucket once, in the order of changes: the bucket has
// only the latest change of each session.
type expiry struct {
	turn sync.Mutex // held by one call of Expire, also while it waits for NATS

	created time.Time        // of the bucket
	cursor  uint64           // the last change that was read
	known   map[string]*kept // by key, without data
}

// Expire implements cluster.Sessions.
func (s *sessions) Expire(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	s.expiry.turn.Lock()
	defer s.expiry.turn.Unlock()
	if err := s.scan(ctx); err != nil {
		return false, err
	}
	n := 0
	for key, k := range s.expiry.known {
		if n >= limit {
			break
		}
		if !k.over(by, before, alive) {
			continue
		}
		delete(s.expiry.known, key)
		took, err := s.expire(ctx, by, key, k.revision, expired)
		if err != nil {
			s.expiry.known[key] = k
			return true, err
		}
		if took {
			n++
		}
	}
	return s.remain(ctx)
}

// over reports whether the node by is to report the end of a session.
func (k *kept) over(by string, before time.Time, alive func(owner string) bool) bool {
	gone := func(owner string) bool { return owner != by && !alive(owner) }
	switch {
	case k.taken != "":
		return k.taken == by || gone(k.taken)
	case !k.ended.IsZero():
		return k.ended.Before(before) && (k.owner == by || gone(k.owner))
	}
	return k.stored.Before(before) && gone(k.owner)
}

// expire reports the end of a session and removes it, unless it has changed.
func (s *sessions) expire(ctx context.Context, by, key string, revision uint64, expired func(namespace string, s *adapter.Session)) (bool, error) {
	k, err := s.get(ctx, key)
	if err != nil || k.revision != revision {
		return false, err // the change is read later
	}
	namespace, session, err := k.session()
	if err != nil {
		return false, s.remove(ctx, key, revision) // nobody can read it
	}
	k.taken = by
	if k.revision, err = s.put(ctx, &k); err != nil {
		if errors.Is(err, errChanged) {
			err = nil
		}
		return false, err
	}
	s.know(key, 0)
	expired(namespace, session)
	return true, s.remove(ctx, key, k.revision)
}

// info asks for the state of the bucket.
func (s *sessions) info(ctx context.Context) (info *jetstream.StreamInfo, nc *nats.Conn, err error) {
	err = s.patiently(ctx, func(ctx context.Context) (bool, error) {
		if nc, err = s.connect(ctx); err != nil {
			return false, err
		}
		js, err := s.stream.jet(nc)
		if err != nil {
			return true, err
		}
		bucket, err := js.Stream(ctx, s.name())
		if err != nil {
			return false, err
		}
		info = bucket.CachedInfo()
		return true, nil
	})
	return info, nc, err
}

// scan reads the changes of the bucket.
func (s *sessions) scan(ctx context.Context) error {
	x := &s.expiry
	info, nc, err := s.info(ctx)
	if err != nil {
		return err
	}
	if !info.Created.Equal(x.created) || info.State.LastSeq < x.cursor {
		x.created, x.cursor, x.known = info.Created, 0, make(map[string]*kept)
	}
	for more := true; more; {
		attempt, cancel := context.WithTimeout(ctx, asksFor)
		all, rest, err := batch(attempt, nc, s.stream.api(), s.name(), s.subject("s.>"), x.cursor+1)
		cancel()
		if err != nil {
			return err
		}
		more = rest && len(all) > 0
		for _, m := range all {
			k := s.read(m)
			k.data = nil
			if x.cursor = k.revision; m.Header.Get("KV-Operation") != "" {
				delete(x.known, k.key) // somebody has removed it with another program
				continue
			}
			x.known[k.key] = &k
		}
	}
	return nil
}

// remain reports whether there are sessions.
func (s *sessions) remain(ctx context.Context) (bool, error) {
	info, _, err := s.info(ctx)
	return err != nil || info.State.Msgs > 0, err
}
