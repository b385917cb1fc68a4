// SPDX-License-Identifier: MIT

// This file checks that faults leave nothing behind.

package clusterhost

import (
	"testing"
	"time"

	"socketio/internal/leakcheck"
)

// LeavesNothing checks that no kind of goroutine is more after a number of faults than it was
// before, except those whose stacks have one of the texts of except. The first fault is not
// counted: what it starts for good may stay.
func LeavesNothing(t testing.TB, hosts []*Host, faults int, fault func(), except ...string) {
	t.Helper()
	if over := remains(t, hosts, Limit, faults, fault, except...); len(over) > 0 {
		t.Fatalf("more goroutines than before %d faults, after %v:\n\n%v", faults, Limit, over)
	}
}

// remains returns the kinds of goroutines that are more after the faults, and still after a
// time. Some come and go. So for each kind the least of some moments afterwards is compared
// with the most of some moments before.
func remains(t testing.TB, hosts []*Host, limit time.Duration, faults int, fault func(), except ...string) leakcheck.Census {
	t.Helper()
	look := func() leakcheck.Census {
		Settled(t, hosts)
		return leakcheck.Take(except...)
	}
	fault()
	most := make(leakcheck.Census)
	for range 10 {
		most.Add(look())
	}
	for range faults {
		fault()
		Exchange(t, hosts)
	}
	over := look().Over(most)
	HoldsWithin(limit, func() bool {
		now := look().Over(most)
		for kind := range over {
			if now[kind] == nil { // it was not more at this moment
				delete(over, kind)
			}
		}
		return len(over) == 0
	})
	return over
}
