// SPDX-License-Identifier: MIT

// This file holds the table of reserved ids of sockets; see SocketLimits.ReserveSocketIDs.

package socketio

import (
	"slices"

	"socketio/internal/lock"
)

// socketIDs counts the ids of the sockets of a server, from their CONNECT to their end.
// It is empty unless SocketLimits.ReserveSocketIDs is set. In revision 4 two sockets may have
// the same id, one after the other.
type socketIDs struct {
	mu    lock.RWMutex // guards count; nothing is called while it is held
	count map[string]int
}

func (t *socketIDs) add(id string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil {
		t.count = make(map[string]int)
	}
	if t.count[id] += n; t.count[id] == 0 {
		delete(t.count, id)
	}
}

// has reports whether one of rooms is the id of a socket other than own.
func (t *socketIDs) has(rooms []string, own string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.ContainsFunc(rooms, func(name string) bool { return name != own && t.count[name] > 0 })
}
