// SPDX-License-Identifier: MIT

// This file holds the package comment.

// Package call turns functions of an application into handlers of events. It checks a
// function once, when it is registered, and compiles it into one form of call: decode the
// arguments, call, send the results as the acknowledgement. It depends on neither server
// nor client: the type of an event is a parameter.
//
// Reading order: event.go (the interface of events), compile.go (functions become
// handlers), common.go (the common shapes), shape.go (all other shapes, by reflection), check.go
// (which functions are refused), types.go (which types JSON can fill and carry), typed.go
// (handlers without reflection), answer.go (which of several handlers
// answers), table.go (the handlers of a namespace), few.go (those of a socket), list.go (registered functions),
// middleware.go (functions around handlers), barrier.go (panics).
package call
