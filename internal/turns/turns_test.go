// SPDX-License-Identifier: MIT

// This file tests the order of answers: which request waits for which, and for how long.

package turns_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/leakcheck"
	"socketio/internal/turns"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A scene is a line, and requests that wait in it.
type scene struct {
	*testing.T
	line     turns.Line
	begin    time.Time
	mu       sync.Mutex // guards answered
	answered []string
}

func bubble(t *testing.T, fn func(s *scene)) {
	synctest.Test(t, func(t *testing.T) { fn(&scene{T: t, begin: time.Now()}) })
}

func (s *scene) now() int64 { return int64(time.Since(s.begin)) }

// takes puts a request in line.
func (s *scene) takes(kind turns.Kind, limit time.Duration) *turns.Turn {
	t := new(turns.Turn)
	s.line.Take(t, kind, s.now()+int64(limit))
	return t
}

// waits has a request wait for its turn on a goroutine of its own, and notes when it came.
func (s *scene) waits(name string, t *turns.Turn) {
	go func() {
		s.line.Wait(t, s.now)
		s.mu.Lock()
		s.answered = append(s.answered, name)
		s.mu.Unlock()
		s.line.End(t)
	}()
	synctest.Wait()
}

func (s *scene) want(names ...string) {
	s.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.answered, names) {
		s.Errorf("after %v %v were answered, want %v", time.Since(s.begin), s.answered, names)
	}
}

// A request that is decided early waits for those before it.
func TestOrder(t *testing.T) {
	bubble(t, func(s *scene) {
		first, second, third := s.takes(turns.Undecided, time.Hour), s.takes(turns.Undecided, time.Hour), s.takes(turns.Undecided, time.Hour)
		s.waits("third", third)
		s.waits("second", second)
		s.want()
		s.waits("first", first)
		s.want("first", "second", "third")
	})
}

// Later requests stop waiting for a request when its time is over, and its time is not
// restarted.
func TestLimit(t *testing.T) {
	bubble(t, func(s *scene) {
		slow, next := s.takes(turns.Undecided, time.Hour), s.takes(turns.Undecided, time.Hour)
		s.waits("next", next)
		s.line.Limit(slow, s.now(), 50*time.Millisecond)
		time.Sleep(49 * time.Millisecond)
		s.want()
		time.Sleep(time.Millisecond)
		s.want("next")
		s.line.Limit(slow, s.now(), time.Hour)
		s.waits("later", s.takes(turns.Undecided, time.Hour))
		s.want("next", "later")
		s.line.End(slow)
	})
}

// No decision is needed for a rejection: it waits for rejections before it, not for
// decisions.
func TestRefusals(t *testing.T) {
	bubble(t, func(s *scene) {
		s.takes(turns.Undecided, time.Hour)
		if s.line.Ahead() {
			t.Error("a refusal does not wait for a decision")
		}
		first := s.takes(turns.Refused, time.Hour)
		if !s.line.Ahead() {
			t.Error("a refusal waits for one before it")
		}
		s.waits("second", s.takes(turns.Refused, time.Hour))
		s.want()
		s.waits("first", first)
		s.want("first", "second")
	})
}

// A request that needs no decision waits for those before it that do.
func TestGranted(t *testing.T) {
	bubble(t, func(s *scene) {
		slow, granted := s.takes(turns.Undecided, time.Hour), s.takes(turns.Granted, time.Hour)
		s.waits("refused", s.takes(turns.Refused, time.Hour))
		s.waits("granted", granted)
		s.want()
		s.waits("slow", slow)
		s.want("slow", "granted", "refused")
	})
}

// A turn that ends in the middle, twice, lets no request overtake; the end of the line
// releases all.
func TestEnd(t *testing.T) {
	bubble(t, func(s *scene) {
		first, second, third := s.takes(turns.Undecided, time.Hour), s.takes(turns.Undecided, time.Hour), s.takes(turns.Undecided, time.Hour)
		s.waits("third", third)
		s.line.End(second)
		s.line.End(second)
		s.want()
		s.line.EndAll()
		s.want("third")
		s.line.End(first)
		s.line.Wait(first, s.now) // it is in no line
	})
}
