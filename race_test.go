// SPDX-License-Identifier: MIT

//go:build race

// Whether the race detector is on: it allocates.

package socketio_test

const raceEnabled = true
