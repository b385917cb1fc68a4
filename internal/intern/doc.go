// SPDX-License-Identifier: MIT

// Package intern keeps one copy of texts that many values have in common, within a bound.
//
// Reading order: intern.go.
package intern
