// SPDX-License-Identifier: MIT

// This file tests how many sessions may be pending by default.

package engineio

import "testing"

func TestMaxPendingByDefault(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 1, 5: 4, 500: 400, 10_000: 8000, 12_500: 10_000, 50_000: 10_000, 100_000: 20_000} {
		if c := newConfig(&Options{MaxConnections: n}); c.MaxPending != want {
			t.Errorf("of %d connections %d may be pending, want %d", n, c.MaxPending, want)
		}
	}
	if c := newConfig(&Options{MaxConnections: 10, MaxPending: 9}); c.MaxPending != 9 {
		t.Errorf("%d may be pending, want what the option says", c.MaxPending)
	}
}
