// SPDX-License-Identifier: MIT

// This file tests how sessions expire while the disk, or the application, is slow.

package diskstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"socketio/adapter"
)

// save saves a session, which has ended unless ended is zero.
func (s *stand) save(secret string, ended time.Time) {
	s.t.Helper()
	session := someSession()
	session.Secret, session.Ended = secret, ended
	if err := s.Save(context.Background(), "/", session); err != nil {
		s.t.Fatal(err)
	}
}

// expire returns the secrets of the sessions that expire, and the error.
func (s *stand) expire(ctx context.Context, during func()) (secrets string, err error) {
	var list []string
	_, err = s.Expire(ctx, time.Now().Add(time.Second), func(_ string, session *adapter.Session) {
		list = append(list, session.Secret)
		during()
	})
	return strings.Join(list, " "), err
}

func (s *stand) wantExpired(want string) {
	s.t.Helper()
	if got, err := s.expire(context.Background(), func() {}); got != want || err != nil {
		s.t.Errorf("%q expire (%v), want %q", got, err, want)
	}
}

// blocks makes the disk take its time for the sessions, until it is called.
func (s *stand) blocks() (goesOn func()) {
	gate, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends with the gate
		_ = s.table.update(context.Background(), func(*bbolt.Tx) error { <-gate; return nil })
		close(ended)
	}()
	synctest.Wait()
	return func() { close(gate); <-ended; synctest.Wait() }
}

// Sessions expire, once each, also if the application took all the time there was, or the
// disk did not remove one in time.
func TestExpiryGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, Options{})
		s.save("a", time.Now())
		ctx, cancel := context.WithCancel(context.Background())
		if got, _ := s.expire(ctx, cancel); got != "a" {
			t.Errorf("%q expire", got)
		}
		synctest.Wait()
		s.save("b", time.Now())
		s.wantExpired("b")

		s.save("c", time.Now())
		var goesOn func()
		got, err := s.expire(context.Background(), func() { goesOn = s.blocks() })
		if got != "c" || !errors.Is(err, errStalled) {
			t.Fatalf("%q expire (%v)", got, err)
		}
		goesOn()
		s.save("d", time.Now())
		s.wantExpired("d")
		for _, secret := range []string{"a", "b", "c", "d"} {
			if s.stores(secret) {
				t.Errorf("session %q is still stored", secret)
			}
		}
	})
}

// A removal that was given up and happened nevertheless is not tried again and again.
func TestARemovalThatCameLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, Options{})
		s.save("a", time.Now())
		s.save("b", time.Now())
		err := s.table.update(context.Background(), func(tx *bbolt.Tx) error {
			return removeSession(tx, sessionKey{"/", "a"})
		})
		if err != nil {
			t.Fatal(err)
		}
		s.wantExpired("b")
		s.wantExpired("")
	})
}

// More sessions than one batch has expire when there is time again.
func TestExpiryWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, Options{})
		for i := range expireBatch + 1 {
			s.save(fmt.Sprint(i), time.Now())
		}
		ctx, cancel := context.WithCancel(context.Background())
		got, err := s.expire(ctx, cancel)
		if n := len(strings.Fields(got)); n != expireBatch || !errors.Is(err, context.Canceled) {
			t.Errorf("%d expire (%v)", n, err)
		}
		s.wantExpired(fmt.Sprint(expireBatch))
	})
}

// A damaged session is removed. The error says so once, and the others expire.
func TestADamagedSessionExpires(t *testing.T) {
	s := newStand(t, Options{})
	for _, secret := range []string{"a", "b", "c"} {
		s.save(secret, time.Now())
	}
	err := s.table.update(context.Background(), func(tx *bbolt.Tx) error {
		return put(tx, bucketSessions, sessionKey{"/", "b"}.bytes(), []byte("?"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.expire(context.Background(), func() {}); got != "a c" || !errors.Is(err, errDamaged) {
		t.Errorf("%q expire (%v)", got, err)
	}
	s.save("d", time.Now())
	s.wantExpired("d")
	if s.stores("b") {
		t.Error("the damaged session is still stored")
	}
}

// stores reports whether the table has a session.
func (s *stand) stores(secret string) (has bool) {
	err := s.table.view(func(tx *bbolt.Tx) error {
		has = hasSession(tx, sessionKey{"/", secret})
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return has
}
