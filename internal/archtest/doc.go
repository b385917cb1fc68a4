// SPDX-License-Identifier: MIT

// The package comment.

// Package archtest holds tests of the source itself: imports go down, the core stays
// small, every file is on the map, every package states its purpose.
package archtest
