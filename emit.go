// SPDX-License-Identifier: MIT

// This file holds the basis of every emit: which events can be sent, what happens when a
// queue is full, which errors were reported.

package socketio

import (
	"errors"
	"fmt"

	"socketio/engineio"
	"socketio/parser"
)

// noAck is the id of a packet without acknowledgement.
const noAck = parser.NoID

// An Overflow says what happens to an event when a client's send queue is full; see
// Options.Engine.MaxQueueBytes, Options.Overflow and Broadcast.Overflow.
type Overflow = engineio.Overflow

const (
	// OverflowClose queues the event regardless. The connection closes with
	// ErrSlowConsumer if its queue stays over the bound for 10 s, or reaches 16 times the
	// bound. This is the default: a client receives everything or is disconnected.
	OverflowClose = engineio.OverflowClose
	// OverflowFail rejects the event: Emit to one socket returns ErrQueueFull. A broadcast
	// returns no error.
	OverflowFail = engineio.OverflowFail
	// OverflowDropNewest drops the event.
	OverflowDropNewest = engineio.OverflowDropNewest
	// OverflowDropOldest drops the oldest waiting events that are OverflowDropOldest
	// too, until there is room; if there are not enough of them, the event itself.
	OverflowDropOldest = engineio.OverflowDropOldest
)

// checkEvent rejects names that applications must not send.
func checkEvent(event string) error {
	if parser.IsReserved(event) {
		return fmt.Errorf("%w %q: choose another", ErrReservedEvent, event)
	}
	return nil
}

// A reportedError is an error of an Emit that has already been reported. It is not
// reported again if a handler returns it.
type reportedError struct{ err error }

func (e *reportedError) Error() string { return e.err.Error() }

func (e *reportedError) Unwrap() error { return e.err }

func isReported(err error) bool {
	var e *reportedError
	return errors.As(err, &e)
}
