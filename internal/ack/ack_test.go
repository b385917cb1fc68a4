// SPDX-License-Identifier: MIT

// This file holds the ends of a wait, the limit, late answers and the count.

package ack_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"socketio/internal/ack"
)

// A waiter keeps what its methods were called with.
type waiter struct {
	mu   sync.Mutex
	said []string
}

func (w *waiter) Answered(from string, answer int) { w.say(fmt.Sprint(from, " answered ", answer)) }
func (w *waiter) Failed(from string, err error)    { w.say(fmt.Sprint(from, " failed: ", err)) }

func (w *waiter) say(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, s)
}

var errGone = errors.New("gone")

// is compares what a method returned.
func is(t *testing.T, what string, got, expected any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

type results [3]any

// A wait is removed from the table and the count before its end is reported, and ends
// once.
func TestEachWaitEndsOnce(t *testing.T) {
	var table ack.Table[string, int]
	var count ack.Count
	w := new(waiter)
	for name, end := range map[string]func(id int64) bool{
		"taken":    func(id int64) bool { got, _, _ := table.Take(&count, id); return got == w },
		"given up": func(id int64) bool { taken, _ := table.GiveUp(&count, id); return taken },
		"failed":   func(int64) bool { n := len(w.said); table.Fail(&count, "peer", errGone); return len(w.said) == n+1 },
	} {
		if _, ok := table.Await(&count, 7, w, 1); !ok {
			t.Fatalf("%s: the table is full", name)
		}
		is(t, name+": awaited", results{table.Len(), count.Len()}, results{1, 1})
		is(t, name+" the first time", end(7), true)
		is(t, name+": left", results{table.Len(), count.Len()}, results{0, 0})
		is(t, name+" the second time", end(7), false)
		is(t, name+": the count", count.Len(), 0)
	}
	is(t, "the waiter was told", w.said, "[peer failed: gone]")
}

func TestLimit(t *testing.T) {
	var table ack.Table[string, int]
	var count ack.Count
	for id := range int64(3) {
		changed, ok := table.Await(&count, id, new(waiter), 3)
		is(t, "below the limit", results{changed, ok}, results{id == 0, true})
	}
	_, ok := table.Await(&count, 3, new(waiter), 3)
	is(t, "at the limit", results{ok, table.Len(), count.Len()}, results{false, 3, 3})
	table.GiveUp(&count, 1)
	_, ok = table.Await(&count, 3, new(waiter), 3)
	is(t, "with room again", ok, true)
}

// The peer may answer what was given up or has failed, as often as that was; more is
// what nobody asked for.
func TestLateAnswers(t *testing.T) {
	var table ack.Table[string, int]
	var count ack.Count
	_, asked, _ := table.Take(&count, 1)
	is(t, "an answer to nothing was asked for", asked, false)
	for id := range int64(4) {
		table.Await(&count, id, new(waiter), 9)
	}
	table.GiveUp(&count, 0)
	table.Take(&count, 1) // in time
	table.Fail(&count, "peer", errGone)
	for n, expected := range []bool{true, true, true, false} {
		w, asked, changed := table.Take(&count, int64(n))
		is(t, fmt.Sprint("late answer ", n), results{w, asked, changed}, results{nil, expected, false})
	}
}

// Tables of one connection share a count; changed is reported at its first and its last.
func TestCountOfAConnection(t *testing.T) {
	var one, two ack.Table[string, int]
	var count ack.Count
	w := new(waiter)
	first, _ := one.Await(&count, 1, w, 9)
	second, _ := two.Await(&count, 1, w, 9)
	third, _ := two.Await(&count, 2, w, 9)
	is(t, "begin", results{first, second, third}, results{true, false, false})
	_, _, taken := one.Take(&count, 1)
	_, givenUp := two.GiveUp(&count, 2)
	is(t, "end", results{taken, givenUp, two.Fail(&count, "peer", errGone)}, results{false, false, true})
	is(t, "the end of nothing", results{two.Fail(&count, "peer", errGone), count.Len()}, results{false, 0})
}

func TestIDs(t *testing.T) {
	var ids ack.IDs
	is(t, "ids", results{ids.Next(), ids.Next(), ids.Next()}, results{0, 1, 2})
}

// Answers, timeouts and the end of the peer at once: each wait ends in one of these ways
// and nothing is left in the count. A wait that Fail has removed is told later, perhaps by
// another goroutine: the ends are counted when all goroutines have returned.
func TestStorm(t *testing.T) {
	const askers, waits = 4, 2000
	var table ack.Table[string, int]
	var count ack.Count
	var ids ack.IDs
	var waiters [askers][waits]waiter
	var all sync.WaitGroup
	for asker := range waiters {
		all.Go(func() {
			for i := range waits {
				w := &waiters[asker][i]
				id := ids.Next()
				if _, ok := table.Await(&count, id, w, 1<<20); !ok {
					t.Error("the table is full")
				}
				var both sync.WaitGroup
				both.Go(func() {
					if got, _, _ := table.Take(&count, id); got != nil {
						got.Answered("peer", 1)
					}
				})
				if taken, _ := table.GiveUp(&count, id); taken {
					w.say("given up")
				}
				if id%100 == 0 {
					table.Fail(&count, "peer", errGone)
				}
				both.Wait()
			}
		})
	}
	all.Wait()
	is(t, "left", results{table.Len(), count.Len()}, results{0, 0})
	for asker := range waiters {
		for i := range waits {
			if said := waiters[asker][i].said; len(said) != 1 {
				t.Fatalf("wait %d of asker %d ended %d times: %q", i, asker, len(said), said)
			}
		}
	}
}
