// SPDX-License-Identifier: MIT

// This file says that the race detector is on: it allocates by itself.

//go:build race

package engineio_test

const raceEnabled = true
