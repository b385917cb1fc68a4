// SPDX-License-Identifier: MIT

// This file holds session: what recovery keeps of a socket.

package socketio

import (
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/recovery"
)

// A session is what recovery keeps of a socket.
type session struct {
	// Immutable after newSocket.
	pid    string // the secret that the client presents, or ""
	offset string // the position that it presents, or ""

	// Safe from anywhere.
	id        atomic.Pointer[string] // of the session that is continued
	recovered atomic.Bool
	lost      atomic.Uint64 // see adapter.Session; of this socket alone
	early     atomic.Int32  // decisions about events whose numbers are not known yet
	overtook  atomic.Uint64 // the token of the latest event that waited when something later was sent
	taken     atomic.Bool   // another server has the session: nothing of the client is handled

	// Written once, by join, before the socket is connected.
	track   *recovery.Track
	lineage *recovery.Lineage
	secret  string // with which the client can come back
	stale   string // see adapter.Session

	epoch string // of the numbers; "" if the log was not opened yet, so that the session can't be continued

	// Guarded by the order of the namespace. A socket is holding while it is a member and
	// its client is not answered yet.
	holding  bool
	overflow bool // more was held than the send queue takes
	held     []heldEvent
	bytes    int // of held

	saves   recovery.Saves // of a durable store
	dirty   atomic.Bool    // more must be saved than replies; before the calls of saves
	savedAt atomic.Uint64  // the number of the latest event then
	due     atomic.Bool    // it waits to be saved, see changedLater

	atEnd uint64 // guarded by Socket.mu; the number of the latest event when the client went

	// Owned by the goroutine of the handlers.
	rooms []string // that the socket has entered to hold
	news  []string
	final *adapter.Session // set by ended; nil if the client can't come back
}

// overtakes notes that the socket is sent something before the events up to a token.
func (k *session) overtakes(token uint64) {
	for old := k.overtook.Load(); token > old && !k.overtook.CompareAndSwap(old, token); old = k.overtook.Load() {
	}
}

// A heldEvent is an event for a holding socket.
type heldEvent struct {
	m      *engineio.Message
	number uint64
}
