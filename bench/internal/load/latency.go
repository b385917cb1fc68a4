// SPDX-License-Identifier: MIT

//go:build linux

package load

import (
	"math/bits"
	"time"
)

const (
	fineBits = 5 // 32 steps for each doubling: 3 % at most between two of them
	fine     = 1 << fineBits
)

// A Latency counts durations, at 3 % of precision.
type Latency struct {
	counts [(64 - fineBits) * fine]uint64
	n      uint64
}

// Add counts one.
func (l *Latency) Add(d time.Duration) {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-fineBits-1, 0)
	l.counts[shift<<fineBits+int(v>>shift)]++
	l.n++
}

// Quantile returns a duration that the share q of all does not exceed. Without any it
// returns 0.
func (l *Latency) Quantile(q float64) time.Duration {
	left := uint64(q * float64(l.n))
	for i, n := range l.counts {
		if n > left {
			shift := max(i>>fineBits-1, 0)
			return time.Duration(uint64(i-shift<<fineBits)<<shift + uint64(1)<<shift/2)
		}
		left -= n
	}
	return 0
}
