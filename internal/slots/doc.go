// SPDX-License-Identifier: MIT

// Package slots keeps what a connection does with each name that its client has asked
// for: one state machine for each name. It knows nothing of what has the names.
//
// Reading order: slots.go.
package slots
