// SPDX-License-Identifier: MIT

// This file holds the pauses between attempts.

package pgadapter

import (
	"context"
	"time"
)

// A pause is the growing time between attempts. The first one is short.
type pause time.Duration

const (
	leastPause = 50 * time.Millisecond
	mostPause  = time.Second
	// steadyAfter is how long a connection must last before the next pause is short again.
	steadyAfter = 10 * time.Second
)

// wait waits. It returns false if ctx has ended.
func (p *pause) wait(ctx context.Context) bool {
	*p = min(max(2**p, pause(leastPause)), pause(mostPause))
	t := time.NewTimer(time.Duration(*p))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// poke wakes the reader of a channel with room for one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
