// SPDX-License-Identifier: MIT

// This file holds the barrier that panics of an application do not pass.

package call

import "runtime/debug"

// Barrier is to be deferred. It stops a panic and stores an error made of the panic's
// value and the goroutine's stack in *err. It does not stop runtime.Goexit.
func Barrier(err *error, made func(value any, stack []byte) error) {
	if v := recover(); v != nil {
		*err = made(v, debug.Stack())
	}
}
