// SPDX-License-Identifier: MIT

// This file holds the options of recovery.

package socketio

import (
	"time"

	"socketio/adapter"
)

// Recovery configures connection state recovery; see Options.Recovery. A zero field means
// its default.
type Recovery struct {
	// Window is how long after its disconnection a client may come back and continue
	// where it was. Events are kept as long. Default 2 min, as in npm socket.io.
	Window time.Duration
	// Store keeps events and sessions. It belongs to one server, which opens and closes
	// it. The default is adapter.NewMemoryStore, which does not outlive the process.
	Store adapter.Store
	// MaxBytes bounds the size of the events that are kept for all namespaces, and
	// separately that of the sessions of disconnected clients. The oldest are dropped
	// first; clients that need a dropped event or session are not recovered. Default
	// 64 MiB.
	MaxBytes int
	// MaxSessions bounds the sessions of disconnected clients that are kept. Those that
	// have ended first are dropped first. Default 100,000.
	MaxSessions int
}

// withRecovery returns the settings of recovery with defaults filled in, or nil if there
// is none.
func withRecovery(r *Recovery) *Recovery {
	if r == nil {
		return nil
	}
	c := *r
	setDefault(&c.Window, 2*time.Minute)
	setDefault(&c.MaxBytes, 64<<20)
	setDefault(&c.MaxSessions, 100_000)
	if c.Store == nil {
		c.Store = adapter.NewMemoryStore()
	}
	return &c
}
