// SPDX-License-Identifier: MIT

// This file holds Ack, with which a handler sends the acknowledgement of an event itself.
// Its effect is in reply.go.

package socketio

import "errors"

// An Ack sends the acknowledgement of an event: a handler whose last parameter is an Ack
// decides when. The first call sends its arguments. Further calls, and calls for an event
// whose client wants no acknowledgement, do nothing; see Wanted. It may be called from
// any goroutine, also after the handler has returned. It returns the errors of Emit.
type Ack func(args ...any) error

// wantedProbe is the argument with which Wanted asks.
type wantedProbe struct{}

// errUnwanted is the answer to a wantedProbe if no acknowledgement is wanted.
var errUnwanted = errors.New("socketio: no acknowledgement is wanted")

// Wanted reports whether the client is waiting for the acknowledgement: it asked for one,
// and none has been sent. A handler may check it before it computes an expensive answer.
// Wanted sends nothing.
func (a Ack) Wanted() bool { return a != nil && a(wantedProbe{}) == nil }

// isProbe reports whether the arguments of an acknowledgement come from Ack.Wanted.
func isProbe(args []any) bool {
	if len(args) != 1 {
		return false
	}
	_, is := args[0].(wantedProbe)
	return is
}
