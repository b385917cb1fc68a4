// SPDX-License-Identifier: MIT

// This file damages what is stored.

package diskstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio/adapter"
)

// Whatever is damaged: the store opens, events and sessions are what they were or there is
// an error, a hole is never passed over, and no number is given twice.
func TestDamage(t *testing.T) {
	original := t.TempDir()
	s := newStand(t, Options{})
	sessions := fill(t, s)
	l := s.namespace("/")
	epoch, last := l.Epoch(), l.Last()
	s.abandon() // as by kill -9, so that no file is better known than others
	if err := os.CopyFS(filepath.Join(original, "store"), os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	noticed, damages := 0, uint64(400)
	if testing.Short() {
		damages = 80
	}
	for seed := range damages {
		r := rand.New(rand.NewPCG(seed, 0))
		dir := filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(original, "store"))); err != nil {
			t.Fatal(err)
		}
		what := damage(t, r, dir, files)
		d := &stand{t: t, dir: dir}
		d.open()
		if d.log.Len() > 0 {
			noticed++
		}
		l := d.namespace("/")
		if l.Epoch() == epoch {
			if l.Last() < last {
				t.Errorf("seed %d, %s: the last number is %d, it was %d", seed, what, l.Last(), last)
			}
			for after := uint64(0); after < last; after += 7 {
				events, err := since(l, after)
				if errors.Is(err, adapter.ErrTrimmed) {
					t.Fatalf("seed %d, %s: damaged events seem trimmed", seed, what)
				}
				if err == nil && len(events) != int(last-after) {
					t.Fatalf("seed %d, %s: there are %d events after %d, and no error", seed, what, len(events), after)
				}
				for i, e := range events {
					if n := int(after) + i + 1; e != fmt.Sprintf(`%d["%s"]`, n, text(n)) {
						t.Fatalf("seed %d, %s: event %d is %s", seed, what, n, e)
					}
				}
			}
		}
		if n, err := add(l, "next"); err == nil && l.Epoch() == epoch && n <= last {
			t.Errorf("seed %d, %s: number %d is given again", seed, what, n)
		}
		for secret, want := range sessions {
			got, err := d.Take(context.Background(), "/", secret)
			if err == nil {
				got.Ended = want.Ended // it is ended by open
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, %s: a session is %+v", seed, what, got)
			}
			if errors.Is(err, adapter.ErrNoSession) {
				t.Errorf("seed %d, %s: a session that was damaged is unknown", seed, what)
			}
		}
		d.abandon()
	}
	if noticed < int(damages/4) {
		t.Errorf("%d of %d damages were noticed", noticed, damages)
	}
}

func text(n int) string { return fmt.Sprint("event ", n, " ", strings.Repeat("x", n*7%300)) }

// fill stores events in several segments, and sessions.
func fill(t *testing.T, s *stand) map[string]*adapter.Session {
	s.events.size = 3 << 10
	l, other := s.namespace("/"), s.namespace("/other")
	for n := range 60 {
		s.add(l, text(n+1))
		s.add(other, "other")
	}
	sessions := make(map[string]*adapter.Session)
	for i := range 15 {
		session := someSession()
		session.Secret = fmt.Sprint("secret ", i)
		session.Ended = time.Time{}
		sessions[session.Secret] = session
		if err := s.Save(context.Background(), "/", session); err != nil {
			t.Fatal(err)
		}
		for range i {
			if err := s.AddReplies(context.Background(), "/", session.Secret, []byte("more")); err != nil {
				t.Fatal(err)
			}
			session.Replies = append(session.Replies, "more"...)
		}
	}
	return sessions
}

// damage changes a few bytes of one of the files, or many.
func damage(t *testing.T, r *rand.Rand, dir string, files []os.DirEntry) string {
	for {
		name := files[r.IntN(len(files))].Name()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 || name == "lock" {
			continue
		}
		at := r.IntN(len(b))
		n := 1
		if r.IntN(3) == 0 {
			n = min(1+r.IntN(4096), len(b)-at)
		}
		zero := r.IntN(3) == 0
		for i := range n {
			if zero {
				b[at+i] = 0
			} else {
				b[at+i] ^= byte(1 + r.IntN(255))
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d bytes at %d of %s", n, at, name)
	}
}

// What is damaged while the store is open is an error too, and not one of trimming.
func TestDamageWhileOpen(t *testing.T) {
	s := newStand(t, Options{})
	l := s.namespace("/")
	for n := range 10 {
		s.add(l, text(n+1))
	}
	names, _, err := segmentNames(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(names[0], 600); err != nil {
		t.Fatal(err)
	}
	if events, err := since(l, 0); !errors.Is(err, errDamaged) || errors.Is(err, adapter.ErrTrimmed) {
		t.Errorf("%q %v", events, err)
	}
}

// A database that is cut short is noticed by its pages, and no longer used.
func TestDamagedDatabaseWhileOpen(t *testing.T) {
	s := newStand(t, Options{})
	fill(t, s)
	if _, err := s.Take(context.Background(), "/", "secret 3"); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(s.dir, "sessions.db"), 4096); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Take(context.Background(), "/", "secret 7"); err == nil || errors.Is(err, adapter.ErrNoSession) {
			t.Errorf("Take: %v", err)
		}
	}
	l := s.namespace("/")
	if _, err := add(l, "goes on"); err != nil {
		t.Errorf("Append: %v", err)
	}
	if err := s.Close(context.Background()); err == nil {
		t.Error("Close is content")
	}
	s.Store = nil
	s.open()
	if !strings.Contains(s.log.String(), "damaged") {
		t.Errorf("the log says %s", s.log.String())
	}
}
