// SPDX-License-Identifier: MIT

// This file holds the rooms of a socket that its watcher has been notified of.

package socketio

import (
	"maps"
	"slices"
)

// toldRooms are the rooms of a socket that its watcher has been notified of. It is empty
// unless the watcher hears of rooms. Socket.mu guards it.
type toldRooms struct{ names map[string]struct{} }

// joined returns the rooms that the watcher must be notified of: the socket was not in
// them. The room of its own id is not among them.
func (t *toldRooms) joined(own string, rooms []string) (news []string) {
	for _, room := range rooms {
		if _, known := t.names[room]; known || room == own {
			continue
		}
		if t.names == nil {
			t.names = make(map[string]struct{})
		}
		t.names[room] = struct{}{}
		news = append(news, room)
	}
	return news
}

// left reports whether the watcher must be notified that the socket left a room.
func (t *toldRooms) left(room string) bool {
	_, known := t.names[room]
	delete(t.names, room)
	return known
}

// all returns the rooms that the watcher must be notified of when the socket ends, sorted
// by name.
func (t *toldRooms) all() []string {
	rooms := slices.Sorted(maps.Keys(t.names))
	t.names = nil
	return rooms
}
