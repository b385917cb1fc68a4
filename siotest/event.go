// SPDX-License-Identifier: MIT

// This file holds Event, an event received by a client.

package siotest

import (
	"strconv"

	"socketio/parser"
)

// A poster sends packets to the namespace of a client.
type poster interface {
	post(p parser.Outgoing) error
}

// An Event is an event received by a Client.
type Event struct {
	Args
	// Name is the event's name.
	Name string

	env *env
	to  poster
	who string // the client's name
	id  int64  // of the requested acknowledgement, or parser.NoID
}

// WantsAck reports whether the server waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != parser.NoID }

// Ack answers the server's EmitWithAck. It fails the test if the server does not expect
// an acknowledgement, or if a value can't be encoded. It may be called from any
// goroutine.
func (e *Event) Ack(args ...any) {
	e.env.t.Helper()
	if !e.WantsAck() {
		e.env.t.Errorf("%s acknowledges %q, for which the server does not wait", e.who, e.Name)
		return
	}
	if err := e.to.post(parser.Outgoing{Type: parser.TypeAck, ID: e.id, Args: args}); err != nil {
		e.env.t.Errorf("%s can't acknowledge %q: %v", e.who, e.Name, err)
	}
}

// String returns the event's name and arguments.
func (e *Event) String() string { return strconv.Quote(e.Name) + " " + e.Args.String() }
