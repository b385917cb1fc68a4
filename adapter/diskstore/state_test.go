// SPDX-License-Identifier: MIT

// This file opens a store again after an Open that has failed.

package diskstore

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// fails expects that the directory can't be opened.
func (s *stand) fails() {
	s.t.Helper()
	if store, err := Open(context.Background(), s.dir, &s.o); err == nil {
		_ = store.Close(context.Background())
		s.t.Fatal("the store opens")
	}
}

// That an event was lost is known until each log has it.
func TestLostIsRememberedByAnOpenThatFails(t *testing.T) {
	fs := newFaulty()
	s := newStand(t, Options{files: fs})
	l := s.namespace("/")
	s.add(l, "a")
	s.add(l, "b")
	s.table.broken.Store(true) // nothing can be written into the table
	if err := l.MarkLost(2); err != nil {
		t.Fatal(err)
	}
	s.table.broken.Store(false)
	s.abandon()
	fs.set(func() { fs.noOpen = syscall.EIO })
	s.fails()
	fs.set(func() { fs.noOpen = nil })
	s.open()
	if after, ok := s.namespace("/").Lost(); after != 2 || !ok {
		t.Error(after, ok)
	}
}

// After a loss of power the store begins anew, even if at first the data could not be
// removed.
func TestLossOfPowerIsRememberedByAnOpenThatFails(t *testing.T) {
	for _, what := range []string{"found", "damaged"} {
		s := newStand(t, Options{boot: "one"})
		l := s.namespace("/")
		epoch := l.Epoch()
		s.add(l, "a")
		if err := s.Save(context.Background(), "/", someSession()); err != nil {
			t.Fatal(err)
		}
		s.abandon()
		if what == "damaged" {
			if err := os.WriteFile(filepath.Join(s.dir, "state"), []byte("?"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.o.boot = "two"
		name := filepath.Join(s.dir, "sessions.db")
		stays := filepath.Join(name, "stays") // so that the name can't be removed
		if err := os.Rename(name, name+".kept"); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(stays, 0o700); err != nil {
			t.Fatal(err)
		}
		s.fails()
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".kept", name); err != nil {
			t.Fatal(err)
		}
		s.open()
		if l = s.namespace("/"); l.Epoch() == epoch {
			t.Errorf("the state was %s: the log goes on, though its end may be missing", what)
		}
		if _, err := s.Take(context.Background(), "/", "secret"); err == nil {
			t.Errorf("the state was %s: a session of before is there", what)
		}
	}
}
