// SPDX-License-Identifier: MIT

// The package comment.

// Package memnet is a network in memory, for tests: a net.Listener, a dialer,
// and connections with bounded buffers, deadlines and half close.
//
// It runs under net/http, hijacking included, and inside a synctest bubble: no lock is
// held while anything waits, and waiting is on conditions and channels only. Listeners
// and connections made inside a bubble must be used there.
//
// Reading order: listener.go, conn.go, half.go.
package memnet
