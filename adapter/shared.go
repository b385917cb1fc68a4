// SPDX-License-Identifier: MIT

// This file holds SharedStore, the contract of a Store that several servers share.

package adapter

import (
	"context"
	"errors"
)

// A SharedStore is a Store whose sessions all servers of a cluster see: a client may come
// back to another server than the one that it has left, also if that one has died. Each
// session belongs to one server, and at most one has a socket with its id. Of Store:
//
//   - Save fails with ErrTaken, and saves nothing, if another server has the session.
//   - Take makes the session one of this server and returns it, as it is when its socket
//     has ended: if another server has the socket, Take asks that one to end it, and waits.
//     If that server does not answer, Take waits until it must be dead. It returns
//     ErrTaken if another server takes the session first, or if ctx ends. The session
//     stays in the store.
//   - Expire drops the sessions of this server, and those of servers that have died.
type SharedStore interface {
	Store
	// Serve says who has the sockets of this server. It is called once, after Open and
	// before all other methods.
	Serve(h Holder)
	// Find returns a session as it is stored, and does not take it. Its socket may still
	// be connected, to any server.
	Find(ctx context.Context, namespace, secret string) (*Session, error)
	// Lapsed reports whether the other servers may take this one for dead, and its
	// sessions with it: this process was frozen. It is called for each message of a
	// client.
	Lapsed() bool
	// Await waits until Lapsed does not report true: until it is known which sessions were
	// taken, and Holder.Taken has returned.
	Await(ctx context.Context) error
}

// A Holder has the sockets of a server. Its methods may be called from any goroutine.
type Holder interface {
	// HandOver ends the socket of a session, whose client has come to another server, and
	// saves the session. If there is no such socket, it returns nil. It returns ErrTaken if
	// another client of this server continues the session, or if the handlers of the
	// socket have not returned when ctx ends.
	HandOver(ctx context.Context, namespace, secret string) error
	// Held returns the secrets of the sessions of all sockets, by namespace.
	Held() map[string][]string
	// Taken ends the sockets of sessions that another server has taken. When it returns,
	// none of their handlers will begin, except those for the end.
	Taken(namespace string, secrets []string)
}

// ErrTaken is returned for a session that another server has.
var ErrTaken = errors.New("adapter: another server has the session")
