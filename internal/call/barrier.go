// SPDX-License-Identifier: MIT

// This file holds Barrier and Try, which recover panics of the application.

package call

import "runtime/debug"

// Barrier recovers a panic when deferred. It stores an error made from the panic's value
// and the goroutine's stack in *err. It does not stop runtime.Goexit.
func Barrier(err *error, made func(value any, stack []byte) error) {
	if v := recover(); v != nil {
		*err = made(v, debug.Stack())
	}
}

// A Panicked is a panic recovered by Try.
type Panicked struct {
	Value any    // the argument of panic
	Stack []byte // of the goroutine, as text
}

// Error is for Barrier: a Panicked is returned unchanged.
func (p *Panicked) Error() string { return "panic" }

func newPanicked(value any, stack []byte) error { return &Panicked{value, stack} }

// Try calls fn and returns its panic, or nil if it returned.
func Try(fn func()) *Panicked {
	var err error
	func() {
		defer Barrier(&err, newPanicked)
		fn()
	}()
	p, _ := err.(*Panicked)
	return p
}
