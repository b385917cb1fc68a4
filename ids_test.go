// SPDX-License-Identifier: MIT

// This file tests that ids can't be guessed, as far as a test can tell.

package socketio_test

import (
	"encoding/base64"
	"math"
	"testing"

	"socketio"
)

// A million ids all differ, and each of their bits is as often 1 as 0.
func TestIDsEntropy(t *testing.T) {
	const bits = 120
	ids := 1_000_000
	if testing.Short() {
		ids = 100_000
	}
	seen := make(map[[bits / 8]byte]struct{}, ids)
	var counts [bits / 8][256]int // how often a byte has a value
	for range ids {
		id := socketio.NewID()
		raw, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(raw) != bits/8 {
			t.Fatalf("the id %q is not %d bits in base64: %v", id, bits, err)
		}
		seen[[bits / 8]byte(raw)] = struct{}{}
		for i, b := range raw {
			counts[i][b]++
		}
	}
	want(t, "different ids", len(seen), ids)
	// Six standard deviations: chance alone fails once in a few million runs.
	allowed := 6 * math.Sqrt(float64(ids)) / 2
	for i := range bits {
		n := 0
		for b, count := range counts[i/8] {
			n += count * (b >> (i % 8) & 1)
		}
		if math.Abs(float64(n)-float64(ids)/2) > allowed {
			t.Errorf("bit %d is 1 in %d of %d ids", i, n, ids)
		}
	}
}
