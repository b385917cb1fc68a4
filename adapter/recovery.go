// SPDX-License-Identifier: MIT

// This file holds the contracts for recovery: Log gives events a position, Store keeps
// sessions. The server uses Log if an Adapter implements it. Store is not used yet.

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
	// Deliver sends the event to the members of this node. The Log calls it after it has
	// stored the event under a position.
	Deliver func(position string)
}

// A Log stores the events of a namespace and gives them positions. An Adapter that is a
// Log receives the events of its namespace, including those to one socket, by Append
// instead of Broadcast, except those that ask for an acknowledgement. A position is sent
// to clients as the last argument of its event.
type Log interface {
	// Append adds an event and returns without waiting for the network. The Log calls
	// Deliver once for each record, one at a time and in the order of the positions,
	// before Append returns or later, from any goroutine. The order of the positions may
	// differ from that of the calls to Append. If Append returns an error, Deliver is not
	// called.
	Append(r *Record) error
}

// ErrNoSession is returned by Store.Take for a session that is unknown, has expired, or was
// taken before.
var ErrNoSession = errors.New("adapter: no such session")

// A Session is the stored state of a socket whose client may reconnect.
type Session struct {
	ID       string // of the socket
	Secret   string // presented by the client when it reconnects
	Rooms    []string
	Data     []byte // a JSON object; see MemberInfo
	Position string // of the latest event sent to the socket
	Expires  time.Time
}

// A KeptEvent is an event in a Store.
type KeptEvent struct {
	Event    Payload
	Target   Target
	Position string
}

// A Store keeps the sessions and events of a namespace.
type Store interface {
	// Save stores a session, replacing an earlier one with the same id.
	Save(ctx context.Context, namespace string, s Session) error
	// Take removes and returns the session with the given secret. Of several concurrent
	// callers one receives it; the others get ErrNoSession.
	Take(ctx context.Context, namespace, secret string) (Session, error)
	// Append stores an event and returns its position.
	Append(ctx context.Context, namespace string, e KeptEvent) (position string, err error)
	// Since ranges over the events after a position, in order. If the position is unknown
	// or no longer stored, the last step has an error.
	Since(ctx context.Context, namespace, position string) iter.Seq2[KeptEvent, error]
	// Expire removes sessions and events from before a time.
	Expire(ctx context.Context, before time.Time) error
}
