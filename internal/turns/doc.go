// SPDX-License-Identifier: MIT

// Package turns keeps the order of answers to requests that are decided concurrently. It
// does not depend on the kind of request.
//
// Reading order: turns.go.
package turns
