// SPDX-License-Identifier: MIT

// This file holds Event, the interface between an event and its handlers.

package call

import "context"

// An Event is an event on its way through its handlers. S is the type of the socket that
// it came from, A is a type that holds all arguments undecoded. Only one goroutine uses
// an Event at a time, and only until its handlers have returned: it may be reused.
type Event[S, A any] interface {
	// Context is the context for a handler that takes one.
	Context() context.Context
	// Socket is the socket that the event came from.
	Socket() S
	// Args returns all arguments. The caller may keep them.
	Args() A
	// Len is the number of arguments.
	Len() int
	// Decode decodes argument i, counted from 0, into dst, a non-nil pointer. It
	// returns an error if there is no argument i. The error names the argument.
	Decode(i int, dst any) error
	// Text decodes the first argument into a string, without the allocation that
	// Decode needs for its dst.
	Text() (string, error)
	// Answer sends the acknowledgement. If none was requested, or one has already been
	// sent, it does nothing and returns nil.
	Answer(args ...any) error
	// AnswerFunc returns a function that does the same, from any goroutine, also after
	// the handlers have returned.
	AnswerFunc() func(args ...any) error
}
