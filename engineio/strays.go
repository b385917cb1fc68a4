// SPDX-License-Identifier: MIT

// This file holds the warning about clients whose requests reach several servers.

package engineio

import (
	"time"

	"socketio/internal/lock"
	"socketio/internal/telemetry"
)

// strays counts, for a minute, the requests that name no session of this process.
type strays struct {
	sampled *telemetry.Sampled

	mu     lock.Mutex // guards the fields below
	since  int64      // when the minute began, by services.now
	opened uint64     // sessions opened until then
	before uint64     // and until the minute of strays before began
	n      int
}

// fewStrays is how many strays a minute are normal: laptops wake, servers restart.
const fewStrays = 10

// note counts a stray. It warns of a balancer that spreads the requests of one client:
// then there is at least one stray for each two sessions that open. opened is how many
// sessions have opened so far.
func (t *strays) note(now int64, opened uint64) {
	t.mu.Lock()
	if t.n == 0 || now-t.since >= int64(time.Minute) {
		t.since, t.opened, t.before, t.n = now, opened, t.opened, 0
	}
	t.n++
	many := t.n >= fewStrays && uint64(t.n) >= (opened-t.before)/4
	t.mu.Unlock()
	if many {
		t.sampled.Warn("many requests name unknown sessions; are there several processes behind a load balancer without sticky sessions? (after a restart this is normal for a short time)")
	}
}
