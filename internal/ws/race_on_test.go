// SPDX-License-Identifier: MIT

//go:build race

// Whether the race detector is on: yes.

package ws_test

// underRace makes the Autobahn cases, which have one goroutine each and nothing
// to race for, do less where the detector makes them take long.
const underRace = true
