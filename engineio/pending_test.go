// SPDX-License-Identifier: MIT

// This file tests how many sessions may be pending by default, and their order.

package engineio

import (
	"math/rand/v2"
	"slices"
	"testing"
)

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

// Connections leave the line in any order. The oldest is found, and those that have left
// take no more places than the others.
func TestPendings(t *testing.T) {
	var line pendings
	var want []*Conn
	random := rand.New(rand.NewPCG(1, 2))
	for step := range 5000 {
		c := new(Conn)
		line.remove(c) // is not there
		if len(want) == 0 || random.IntN(1000) < 500+step%100 {
			line.add(c)
			want = append(want, c)
		} else {
			i := random.IntN(len(want))
			if random.IntN(3) == 0 {
				i = 0
			}
			line.remove(want[i])
			want = slices.Delete(want, i, i+1)
		}
		if line.n != len(want) || len(line.conns) > max(2*line.n, 1) {
			t.Fatalf("%d of %d places are pending, want %d", line.n, len(line.conns), len(want))
		}
		if len(want) > 0 && line.oldest() != want[0] {
			t.Fatal("the oldest is another")
		}
	}
}
