// SPDX-License-Identifier: MIT

// Package turns keeps the order in which requests are answered that are decided at the
// same time. It knows nothing of what they ask for.
//
// Reading order: turns.go.
package turns
