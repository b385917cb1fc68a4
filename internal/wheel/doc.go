// SPDX-License-Identifier: MIT

// The package comment.

// Package wheel wakes owners of deadlines, cheaply and in large numbers.
//
// A [Wheel] is a hashed timing wheel: setting, moving and stopping a [Timer] is
// a few pointer writes under a lock, and allocates nothing. One goroutine per
// Wheel sleeps exactly until the next slot that holds a timer. It is for
// deadlines by the thousand that are mostly moved or stopped before they come,
// and where waking a little late does no harm.
//
// The wheel only wakes. What a deadline means, and whether it has really
// passed, is the business of its owner, who keeps the exact time.
//
// Reading order: wheel.go for what callers use, run.go for the goroutine,
// list.go for the lists.
package wheel
