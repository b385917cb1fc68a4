// SPDX-License-Identifier: MIT

// This file says that the race detector is off.

//go:build !race

package engineio_test

const raceEnabled = false
