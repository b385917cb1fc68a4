// SPDX-License-Identifier: MIT

// This file holds Reply: an acknowledgement the server owes.

package siotest

import (
	"fmt"

	"socketio/parser"
)

// A Reply is the acknowledgement of an event that a Client has emitted.
type Reply struct {
	client *Client
	event  string
	answer queue[Args]
}

// Ask emits an event that wants an acknowledgement and returns at once. What comes is
// in the Reply. The test fails if the event can't be sent.
func (c *Client) Ask(event string, args ...any) *Reply {
	c.t().Helper()
	r := &Reply{client: c, event: event}
	c.mu.Lock()
	id := c.lastAck
	c.lastAck++
	c.replies[id] = r
	c.mu.Unlock()
	if err := c.post(parser.Outgoing{Type: parser.Event, ID: id, Event: event, Args: args}); err != nil {
		c.t().Fatalf("%s can't emit %q: %v", c, event, err)
	}
	return r
}

// EmitWithAck emits an event and waits for its acknowledgement. The test fails if none
// comes.
func (c *Client) EmitWithAck(event string, args ...any) Args {
	c.t().Helper()
	return c.Ask(event, args...).Args()
}

// Wait waits for the acknowledgement. The error says why there is none.
func (r *Reply) Wait() (Args, error) { return r.answer.next(r.client.conn.srv.patience) }

// Args waits for the acknowledgement. The test fails if none comes.
func (r *Reply) Args() Args {
	r.client.t().Helper()
	args, err := r.Wait()
	if err != nil {
		r.client.t().Fatalf("%s wants an acknowledgement of %q, but %v", r.client, r.event, err)
	}
	return args
}

// Want waits for the acknowledgement and fails the test if it has other arguments; see
// Client.Want.
func (r *Reply) Want(args ...any) {
	r.client.t().Helper()
	got := r.Args()
	if same, err := got.equals(args); err != nil || !same {
		r.client.t().Fatalf("%s wants %q to be acknowledged with %s, but gets %s%s", r.client, r.event, describe(r.client.conn.codec, args), got, because(err))
	}
}

// WantError waits for the acknowledgement and fails the test unless it is an error with
// this message and code, as a handler's *socketio.PublicError makes one:
// {"error":{"message","code"}}. Its data, if it has any, is in what Args returns.
func (r *Reply) WantError(message, code string) {
	r.client.t().Helper()
	got := r.Args()
	var answer struct {
		Error *struct{ Message, Code string }
	}
	if got.Len() == 1 {
		_ = got.Decode(&answer) // what is something else is no error
	}
	if e := answer.Error; e == nil || e.Message != message || e.Code != code {
		r.client.t().Fatalf("%s wants %q to fail with %q (code %q), but gets %s", r.client, r.event, message, code, got)
	}
}

// WantNothing wants that no acknowledgement has come; see Client.WantNothing.
func (r *Reply) WantNothing() {
	r.client.t().Helper()
	r.client.conn.srv.quiet()
	if got, ok, _, _ := r.answer.take(); ok {
		r.client.t().Fatalf("%s wants no acknowledgement of %q yet, but gets %s", r.client, r.event, got)
	}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}
