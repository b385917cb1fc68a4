// SPDX-License-Identifier: MIT

// Package slots keeps the state of each name that a client has requested on a connection:
// one state machine for each name. It does not depend on the types of members and
// searches.
//
// Reading order: slots.go.
package slots
