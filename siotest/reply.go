// SPDX-License-Identifier: MIT

// This file holds Reply, the pending acknowledgement of an event.

package siotest

import "fmt"

// A Reply is the acknowledgement of an event that a Client has emitted.
type Reply struct {
	env    *env
	client fmt.Stringer // for messages
	event  string
	answer queue[Args]
}

// Wait waits for the acknowledgement. It returns an error if none arrives.
func (r *Reply) Wait() (Args, error) { return r.answer.next(r.env.patience) }

// Args waits for the acknowledgement. The test fails if none arrives.
func (r *Reply) Args() Args {
	r.env.t.Helper()
	args, err := r.Wait()
	if err != nil {
		r.env.t.Fatalf("%s wants an acknowledgement of %q, but %v", r.client, r.event, err)
	}
	return args
}

// Want waits for the acknowledgement and fails the test if it has other arguments; see
// Client.Want.
func (r *Reply) Want(args ...any) {
	r.env.t.Helper()
	got := r.Args()
	if same, err := got.equals(args); err != nil || !same {
		r.env.t.Fatalf("%s wants %q to be acknowledged with %s, but gets %s%s", r.client, r.event, describe(r.env.codec, args), got, because(err))
	}
}

// WantError waits for the acknowledgement and fails the test unless it is an error with
// this message and code, as a handler's *socketio.PublicError makes one:
// {"error":{"message","code"}}. Its data, if any, is in the result of Args.
func (r *Reply) WantError(message, code string) {
	r.env.t.Helper()
	got := r.Args()
	var answer struct {
		Error *struct{ Message, Code string }
	}
	if got.Len() == 1 {
		_ = got.Decode(&answer) // anything else is not an error
	}
	if e := answer.Error; e == nil || e.Message != message || e.Code != code {
		r.env.t.Fatalf("%s wants %q to fail with %q (code %q), but gets %s", r.client, r.event, message, code, got)
	}
}

// WantNothing fails the test if an acknowledgement has arrived; see Client.WantNothing.
func (r *Reply) WantNothing() {
	r.env.t.Helper()
	r.env.quiet()
	if got, ok, _, _ := r.answer.take(); ok {
		r.env.t.Fatalf("%s wants no acknowledgement of %q yet, but gets %s", r.client, r.event, got)
	}
}
