// SPDX-License-Identifier: MIT

// This file holds what hosts do together, and waiting for what has no event.

package clusterhost

import (
	"testing"
	"time"
)

// Limit is the most that a cluster may need after a fault.
const Limit = 60 * time.Second

// Eventually waits until a condition holds, and returns how long that took. After Limit it
// ends the test.
func Eventually(t testing.TB, what string, holds func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	if !HoldsWithin(Limit, holds) {
		t.Fatalf("%s: not after %v", what, Limit)
	}
	return time.Since(start)
}

// HoldsWithin looks until a condition holds, and reports whether it did within limit. It is
// for what other processes do, which has no event to wait for.
func HoldsWithin(limit time.Duration, holds func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(limit); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			return holds()
		}
	}
	return true
}

// Exchange sends events until each host has received one of each stream from each other
// host, which was sent after the call. It returns how long that took.
func Exchange(t testing.TB, hosts []*Host) time.Duration {
	t.Helper()
	type stream struct {
		from, to *Host
		name     string
	}
	first := make(map[stream]int)
	for _, from := range hosts {
		for name := range from.Sent {
			for _, to := range hosts {
				first[stream{from, to, name}] = from.Sent[name] + 1
			}
		}
	}
	return Eventually(t, "events of all hosts at all hosts", func() bool {
		for _, h := range hosts {
			for name := range h.Sent {
				_, _ = h.Emit(name)
			}
		}
		for s, number := range first {
			if s.to.Heard(s.from.Name, s.name) < number {
				return false
			}
		}
		return true
	})
}

// Settled waits until all hosts know each other and are healthy.
func Settled(t testing.TB, hosts []*Host) {
	t.Helper()
	Exchange(t, hosts)
	for _, h := range hosts {
		Eventually(t, "the health of "+h.Name, func() bool { return h.Health().Degraded == nil })
		Eventually(t, "the nodes that "+h.Name+" knows", func() bool { return h.Nodes() == len(hosts) })
	}
}
