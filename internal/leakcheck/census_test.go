// SPDX-License-Identifier: MIT

// Tests that goroutines are counted by what they are for.

package leakcheck_test

import (
	"strings"
	"sync"
	"testing"

	"socketio/internal/leakcheck"
)

func waiting(release chan struct{}) { <-release }

// begin starts a goroutine of each of two kinds. A copy of it in its caller would start
// others.
//
//go:noinline
func begin(work *sync.WaitGroup, release chan struct{}) {
	work.Go(func() { waiting(release) })
	work.Go(func() { <-release })
}

// settle looks until a census holds, since a goroutine has a name only when it runs.
func settle(t *testing.T, holds func() bool) {
	t.Helper()
	for range 100000 {
		if holds() {
			return
		}
	}
	t.Fatal("it does not hold")
}

func TestCensus(t *testing.T) {
	release := make(chan struct{})
	var work sync.WaitGroup
	defer work.Wait()
	defer close(release)
	of := func(c leakcheck.Census, text string) (count int) {
		for kind, stacks := range c {
			if strings.Contains(kind, text) {
				count += len(stacks)
			}
		}
		return count
	}
	begin(&work, release)
	settle(t, func() bool { return of(leakcheck.Take(), "leakcheck_test.begin") == 2 })
	most := make(leakcheck.Census)
	most.Add(leakcheck.Take())
	most.Add(leakcheck.Census{})
	if over := leakcheck.Take().Over(most); of(over, "leakcheck_test.begin") != 0 {
		t.Errorf("more than before, although nothing was started:\n%v", over)
	}
	begin(&work, release)
	settle(t, func() bool { return of(leakcheck.Take(), "leakcheck_test.begin") == 4 })
	over := leakcheck.Take().Over(most)
	if len(over) != 2 || of(over, "leakcheck_test.begin") != 4 || !strings.Contains(over.String(), "leakcheck_test.waiting(") {
		t.Errorf("two kinds have one more goroutine; found:\n%v", over)
	}
	if over := leakcheck.Take("leakcheck_test.waiting(").Over(most); len(over) != 1 {
		t.Errorf("one of two kinds is left out; found:\n%v", over)
	}
}
