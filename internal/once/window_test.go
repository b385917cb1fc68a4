// SPDX-License-Identifier: MIT

// This file tests windows of calls: outcomes, bounds, waiters, and their state.

package once_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/once"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A waiter records the replies that it receives.
type waiter struct {
	mu  sync.Mutex
	got []string
}

func (w *waiter) Resend(reply string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, reply)
}

type window = once.Window[int, string]

func older(key, dropped int) bool { return key <= dropped }

// begin begins a call that must have an outcome.
func begin(t *testing.T, w *window, key int, wanted once.Outcome, waits *waiter) (*once.Call[int, string], string) {
	t.Helper()
	c, how, reply := w.Begin(key, waits)
	if how != wanted || (c != nil) != (how == once.New || how == once.Again) {
		t.Fatalf("call %d: outcome %d with call %v, want %d", key, how, c != nil, wanted)
	}
	return c, reply
}

func TestARepetitionGetsTheFirstReply(t *testing.T) {
	w := once.NewWindow[int, string](10, 1<<20, older)
	waits := new(waiter)
	c, _ := begin(t, w, 1, once.New, nil)
	begin(t, w, 1, once.Waiting, waits)
	c.Finish("first", 5)
	c.Finish("second", 6)
	c.Leave()
	if _, reply := begin(t, w, 1, once.Answered, nil); reply != "first" {
		t.Errorf("the repetition got %q", reply)
	}
	if !slices.Equal(waits.got, []string{"first"}) {
		t.Errorf("the one that waited got %q", waits.got)
	}
	begin(t, w, 2, once.New, nil)
}

// A call that was left without a reply is executed again, and a late reply changes nothing.
func TestACallThatWasLeft(t *testing.T) {
	w := once.NewWindow[int, string](10, 1<<20, older)
	waits := new(waiter)
	first, _ := begin(t, w, 1, once.New, nil)
	begin(t, w, 1, once.Waiting, waits)
	first.Leave()
	second, _ := begin(t, w, 1, once.New, nil)
	first.Finish("late", 4)
	begin(t, w, 1, once.Waiting, nil)
	if len(waits.got) > 0 {
		t.Errorf("the one that waited got %q", waits.got)
	}
	if _, running := w.State(1 << 20); !running {
		t.Error("the second call does not count as running")
	}
	second.Leave()
	if _, running := w.State(1 << 20); running {
		t.Error("a call that was left counts as running")
	}
}

func TestBounds(t *testing.T) {
	w := once.NewWindow[int, string](3, 300, older)
	for key := 1; key <= 4; key++ {
		c, _ := begin(t, w, key, once.New, nil)
		c.Finish(fmt.Sprint("reply ", key), 6)
	}
	c, _ := begin(t, w, 1, once.Again, nil) // and drops 2
	c.Leave()
	begin(t, w, 2, once.Again, nil)
	begin(t, w, 4, once.Answered, nil)
	large, _ := begin(t, w, 5, once.New, nil)
	large.Finish("large", 1000)
	begin(t, w, 5, once.Again, nil)
	begin(t, w, 4, once.Again, nil)

	unordered := once.NewWindow[int, string](1, 300, nil)
	for _, key := range []int{1, 2, 1} {
		begin(t, unordered, key, once.New, nil)
	}
}

// A call that is dropped while it runs still answers those that wait for it.
func TestACallDroppedWhileItRuns(t *testing.T) {
	w := once.NewWindow[int, string](1, 300, older)
	waits := new(waiter)
	c, _ := begin(t, w, 1, once.New, nil)
	begin(t, w, 1, once.Waiting, waits)
	other, _ := begin(t, w, 2, once.New, nil)
	c.Finish("reply", 5)
	other.Finish("other", 5)
	if !slices.Equal(waits.got, []string{"reply"}) {
		t.Errorf("the one that waited got %q", waits.got)
	}
	if _, running := w.State(1 << 20); running {
		t.Error("a call still counts as running")
	}
}

// Of many repetitions that wait, the latest ones are answered.
func TestManyWaiters(t *testing.T) {
	w := once.NewWindow[int, string](10, 300, older)
	c, _ := begin(t, w, 1, once.New, nil)
	all := make([]waiter, 40)
	for i := range all {
		begin(t, w, 1, once.Waiting, &all[i])
	}
	c.Finish("reply", 5)
	answered := 0
	for i := range all {
		answered += len(all[i].got)
	}
	if answered != 16 || len(all[39].got) != 1 || len(all[0].got) != 0 {
		t.Errorf("%d were answered", answered)
	}
}

func TestState(t *testing.T) {
	w := once.NewWindow[int, string](10, 1<<20, older)
	for key := 1; key <= 5; key++ {
		c, _ := begin(t, w, key, once.New, nil)
		if key != 3 {
			c.Finish(fmt.Sprint("reply ", key), 100)
		}
	}
	s, running := w.State(350) // two of 164 bytes
	if !running || len(s.Replies) != 2 || s.Replies[0].Key != 4 || s.Replies[1].Reply != "reply 5" || *s.Dropped != 2 {
		t.Fatalf("the state is %+v, running %v", s, running)
	}
	restored := once.NewWindow[int, string](10, 1<<20, older)
	restored.Restore(s)
	begin(t, restored, 2, once.Again, nil)
	begin(t, restored, 3, once.New, nil)
	if _, reply := begin(t, restored, 4, once.Answered, nil); reply != "reply 4" {
		t.Errorf("restored: %q", reply)
	}
}

// Each call is executed once, however many goroutines repeat it.
func TestStorm(t *testing.T) {
	w := once.NewWindow[int, string](1000, 1<<20, older)
	var executed, answered atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for key := range 500 {
				waits := new(waiter)
				c, how, reply := w.Begin(key, waits)
				switch how {
				case once.Answered:
					if reply != fmt.Sprint(key) {
						t.Errorf("call %d got %q", key, reply)
					}
					answered.Add(1)
				case once.New:
					executed.Add(1)
					c.Finish(fmt.Sprint(key), 1)
				case once.Again:
					t.Errorf("call %d was dropped", key)
				}
			}
		})
	}
	all.Wait()
	if executed.Load() != 500 {
		t.Errorf("%d calls of 500 were executed, %d answered", executed.Load(), answered.Load())
	}
}
