// SPDX-License-Identifier: MIT

// This file holds what gives events a position, and what keeps sessions: the contracts that
// recovery stands on. The server uses Log where an Adapter is one; nothing uses Store yet.

package adapter

import (
	"context"
	"errors"
	"iter"
	"time"
)

// A Record is an event on its way into a Log.
type Record struct {
	Namespace string
	Event     Payload
	Flags     Flags
	Target    Target
	// Deliver sends the event to the members of this node. The Log calls it once it has
	// given the event a position and kept it.
	Deliver func(position string)
}

// A Log gives the events of a namespace their positions, and keeps them. An Adapter that is
// a Log gets the events of its namespace, direct ones too, by Append instead of Broadcast;
// but for those that ask for an acknowledgement. A position is sent to clients as the last
// argument of its event.
type Log interface {
	// Append hands over an event and returns without waiting for the network. The Log calls
	// Deliver of the records of a namespace one at a time, in the order of their positions,
	// each once: before Append returns, or later, from any goroutine. It need not be the
	// order of the calls of Append. If Append returns an error, it does not call Deliver.
	Append(r *Record) error
}

// ErrNoSession is returned by Store.Take for a session that is unknown, has expired, or was
// taken before.
var ErrNoSession = errors.New("adapter: no such session")

// A Session is what is kept of a socket whose client may come back.
type Session struct {
	ID       string // of the socket
	Secret   string // what the client shows when it comes back
	Rooms    []string
	Data     []byte // a JSON object; see MemberInfo
	Position string // of the latest event that the socket was sent
	Expires  time.Time
}

// An KeptEvent is an event that a Store has kept.
type KeptEvent struct {
	Event    Payload
	Target   Target
	Position string
}

// A Store keeps the sessions and events of a namespace.
type Store interface {
	// Save keeps a session, in place of an earlier one with its id.
	Save(ctx context.Context, namespace string, s Session) error
	// Take returns the session with a secret and removes it: of several callers one gets
	// it, the others get ErrNoSession.
	Take(ctx context.Context, namespace, secret string) (Session, error)
	// Append keeps an event and returns its position.
	Append(ctx context.Context, namespace string, e KeptEvent) (position string, err error)
	// Since ranges over the events after a position, in order. Its last step has an error
	// if the position is unknown or no longer kept.
	Since(ctx context.Context, namespace, position string) iter.Seq2[KeptEvent, error]
	// Expire removes sessions and events from before a time.
	Expire(ctx context.Context, before time.Time) error
}
