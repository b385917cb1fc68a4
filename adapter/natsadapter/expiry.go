// SPDX-License-Identifier: MIT

// This file ends sessions that are over.

package natsadapter

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter"
)

// An expiry knows the sessions of all servers without their contents, about 150 bytes
// each. It reads each change of the bucket once, in the order of changes: the bucket has
// only the latest change of each session.
type expiry struct {
	bucket *bucket
	turn   sync.Mutex // held by one call of Expire, also while it waits for NATS

	created time.Time        // of the bucket
	cursor  uint64           // the last change that was read
	known   map[string]*kept // by key, without data
}

// mostStale bounds the sessions that are known and were removed since, which leaves no change
// that could be read. If as many more are known than twice those in the bucket, all are read
// again.
const mostStale = 1024

// run does what cluster.Sessions says of Expire.
func (x *expiry) run(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	x.turn.Lock()
	defer x.turn.Unlock()
	if err := x.scan(ctx); err != nil {
		return false, err
	}
	n := 0
	for key, k := range x.known {
		if n >= limit {
			break
		}
		if !k.over(by, before, alive) {
			continue
		}
		delete(x.known, key)
		took, err := x.expire(ctx, by, key, k.revision, expired)
		if err != nil {
			x.known[key] = k
			return true, err
		}
		if took {
			n++
		}
	}
	return x.remain(ctx)
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
func (x *expiry) expire(ctx context.Context, by, key string, revision uint64, expired func(namespace string, s *adapter.Session)) (bool, error) {
	k, err := x.bucket.get(ctx, key)
	if err != nil || k.revision != revision {
		return false, err // the change is read later
	}
	namespace, session, err := k.session()
	if err != nil {
		_, err = x.bucket.remove(ctx, key, revision) // nobody can read it
		return false, err
	}
	k.taken = by
	var refused *jetstream.APIError
	switch k.revision, err = x.bucket.put(ctx, &k); {
	case errors.Is(err, errChanged):
		return false, nil
	case errors.As(err, &refused):
		// A bucket that is full takes no mark, and gets room only by this. Who has removed the
		// session reports it.
		removed, err := x.bucket.remove(ctx, key, revision)
		if removed {
			expired(namespace, session)
		}
		return removed, err
	case err != nil:
		return false, err
	}
	x.bucket.know(key, 0)
	expired(namespace, session)
	_, err = x.bucket.remove(ctx, key, k.revision)
	return true, err
}

// scan reads the changes of the bucket.
func (x *expiry) scan(ctx context.Context) error {
	info, nc, err := x.bucket.info(ctx)
	if err != nil {
		return err
	}
	stale := uint64(len(x.known)) > 2*info.State.Msgs+mostStale
	if stale || !info.Created.Equal(x.created) || info.State.LastSeq < x.cursor {
		x.created, x.cursor, x.known = info.Created, 0, make(map[string]*kept)
	}
	for more := true; more; {
		limited, cancel := context.WithTimeout(ctx, asksFor)
		attempt, end := x.bucket.link.asking(limited)
		all, rest, err := batch(attempt, nc, x.bucket.stream.api(), x.bucket.streamName(), x.bucket.subject("s.>"), x.cursor+1)
		end()
		cancel()
		if err != nil {
			return err
		}
		more = rest && len(all) > 0
		for _, m := range all {
			k := x.bucket.read(m)
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
func (x *expiry) remain(ctx context.Context) (bool, error) {
	info, _, err := x.bucket.info(ctx)
	return err != nil || info.State.Msgs > 0, err
}
