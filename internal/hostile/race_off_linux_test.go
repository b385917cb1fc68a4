// SPDX-License-Identifier: MIT

//go:build !race

// This file tells whether the race detector is off.

package hostile

const raced = false
