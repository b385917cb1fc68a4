// SPDX-License-Identifier: MIT

//go:build !race

// Whether the race detector is on: no.

package ws_test

const underRace = false
