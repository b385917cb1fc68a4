// SPDX-License-Identifier: MIT

// This file opens what the tests of this package must see.

package socketio

// NewID makes the id of a socket.
func NewID() string { return newID() }
