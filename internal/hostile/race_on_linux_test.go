// SPDX-License-Identifier: MIT

//go:build race

// This file tells whether the race detector is on.

package hostile

const raced = true
