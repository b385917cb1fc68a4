// SPDX-License-Identifier: MIT

// This file tests the bounds of the bucket of sessions.

package natsadapter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter"
	"socketio/adapter/natsadapter/internal/natstest"
)

// openSessions returns the sessions of a bus of its own over a bucket of a size. They end
// with the test.
func openSessions(t *testing.T, prefix string, l LogOptions, servers ...*natstest.Server) *sessions {
	t.Helper()
	o := (&Options{Prefix: prefix, Log: l}).withDefaults()
	j := newJet(natstest.URLs(servers), &o)
	if err := j.Open(silent{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.Background()) })
	return j.sessions
}

// expireAll has a node report what has ended, except of some nodes, and returns the secrets.
func expireAll(t *testing.T, s *sessions, by string, living ...string) (secrets []string) {
	t.Helper()
	alive := func(owner string) bool { return slices.Contains(living, owner) }
	if _, err := s.Expire(t.Context(), by, time.Now().Add(time.Hour), alive, 10_000, func(_ string, s *adapter.Session) { secrets = append(secrets, s.Secret) }); err != nil {
		t.Fatalf("Expire: %v", err)
	}
	slices.Sort(secrets)
	return secrets
}

// A bucket that is full takes no mark of a session that is over: it gets room nevertheless, and
// each session is reported once.
func TestFullBucketEmptiesItself(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		servers  []*natstest.Server
		replicas int
	}{"one server": {[]*natstest.Server{natstest.Start(t, natstest.JetStream)}, 1}, "three servers": {StartThree(t), 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := LogOptions{Replicas: one.replicas, MaxBytes: 8 << 20, MaxSessionBytes: 1 << 20}
			s := openSessions(t, "full", l, one.servers...)
			var refused *jetstream.APIError
			var stored []string
			for size := 100_000; size > 10; size /= 2 {
				for i := 0; ; i++ {
					session := &adapter.Session{ID: "i", Secret: fmt.Sprintf("s%06d-%02d", size, i), Data: []byte("{}"), Replies: []byte(strings.Repeat("x", size)), Ended: time.Now()}
					err := s.Put(t.Context(), "/", "a", session)
					if errors.As(err, &refused) {
						break
					} else if err != nil {
						t.Fatal(err)
					}
					stored = append(stored, session.Secret)
				}
			}
			slices.Sort(stored)
			var reported []string
			for range 3 {
				reported = append(reported, expireAll(t, s, "b")...)
			}
			slices.Sort(reported)
			if !slices.Equal(stored, reported) {
				t.Errorf("%d sessions were stored, and %d reported", len(stored), len(reported))
			}
			if err := s.Put(t.Context(), "/", "a", &adapter.Session{ID: "i", Secret: "new", Replies: make([]byte, 100_000)}); err != nil {
				t.Errorf("a session afterwards: %v", err)
			}
		})
	}
}

// A session that is dropped leaves no change that could be read. What a server knows of sessions
// is bounded nevertheless, on the one that has dropped it and on the others.
func TestIndexOfSessionsIsBounded(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	l := LogOptions{MaxBytes: 8 << 20, MaxSessionBytes: 8 << 20}
	a, b := openSessions(t, "index", l, server), openSessions(t, "index", l, server)
	const rounds, count = 12, 250
	for round := range rounds {
		each := func(do func(secret string) error) {
			var work sync.WaitGroup
			for i := range count {
				work.Go(func() {
					if err := do(fmt.Sprint(round, "-", i)); err != nil {
						t.Error(err)
					}
				})
			}
			work.Wait()
		}
		each(func(secret string) error {
			return a.Put(t.Context(), "/", "a", &adapter.Session{ID: "i", Secret: secret, Data: []byte("{}")})
		})
		for name, s := range map[string]*sessions{"a": a, "b": b} {
			if got := expireAll(t, s, name, "a"); len(got) > 0 {
				t.Fatalf("%s has expired %v", name, got)
			}
			if n := len(s.expiry.known); n < count || n > 2*count+mostStale+count {
				t.Fatalf("%s knows %d sessions after %d rounds, of which %d are left", name, n, round+1, count)
			}
		}
		each(func(secret string) error { return a.Drop(t.Context(), "/", secret, "a") })
	}
}
