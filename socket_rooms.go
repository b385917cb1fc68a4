// SPDX-License-Identifier: MIT

// This file holds the rooms of a Socket.

package socketio

import (
	"fmt"
	"maps"
	"slices"
)

const maxRoomName = 512

// Join puts the socket into rooms. A broadcast that begins after Join has
// returned reaches it. In a middleware the rooms wait until the socket is let in.
// On a socket that is gone it does nothing. Errors: ErrRoomName, ErrTooManyRooms,
// ErrSocketRoom; then no room was joined.
//
// Each socket is in the room of its own id, and who joins that room hears what is
// sent to the socket alone. Where a client chooses the name, put a prefix before it:
// Join("chat:" + name), and To("chat:" + name) to send. Options.ReserveSocketIDs refuses
// the ids of other sockets.
func (s *Socket) Join(rooms ...string) (err error) {
	if err := checkRoomNames(rooms); err != nil {
		return err
	}
	if err := s.ns.server.checkReserved(rooms, s.id); err != nil {
		return err
	}
	var news []string
	defer func() { s.watch().roomsJoined(s, news) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.member().roomForLocked(rooms) {
		return fmt.Errorf("%w: at most %d", ErrTooManyRooms, s.ns.server.opts.MaxRooms)
	}
	switch s.state.Load() {
	case stateJoining:
		s.joining.rooms = append(s.joining.rooms, rooms...)
	case stateConnected:
		s.ns.adapter.Join(s.member(), rooms)
		rooms, err = s.member().leaveReservedLocked(rooms)
		news = s.told.joined(s, rooms)
	}
	return err
}

// roomForLocked reports whether the socket may join these rooms too. They are
// compared with those it is in only when so many were joined that it matters.
func (m *member) roomForLocked(rooms []string) bool {
	s := (*Socket)(m)
	limit := s.ns.server.opts.MaxRooms
	if s.joins+len(rooms) <= limit {
		s.joins += len(rooms)
		return true
	}
	now := m.roomsLocked()
	all := make(map[string]struct{}, len(now)+len(rooms))
	for _, names := range [][]string{now, rooms} {
		for _, name := range names {
			all[name] = struct{}{}
		}
	}
	delete(all, s.id) // its own is free
	if len(all) > limit {
		return false
	}
	s.joins = len(all)
	return true
}

// Leave takes the socket out of rooms. A broadcast that begins after Leave has returned
// does not reach it. Rooms that the socket is not in are ignored.
func (s *Socket) Leave(rooms ...string) {
	var left []string
	defer func() { s.watch().roomsLeft(s, left) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wasJoined {
		if s.joining != nil {
			s.joining.rooms = slices.DeleteFunc(s.joining.rooms, func(name string) bool { return slices.Contains(rooms, name) })
		}
		return
	}
	for _, room := range rooms {
		s.ns.adapter.Leave(s.member(), room)
		if s.told.left(room) {
			left = append(left, room)
		}
	}
}

// Rooms returns the rooms of the socket, its own id among them, in the order of their
// names. In a middleware they are those that it is to join. The caller owns the result.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	rooms := s.member().roomsLocked()
	s.mu.Unlock()
	slices.Sort(rooms)
	return slices.Compact(rooms)
}

// roomsLocked returns the rooms, or those that the socket is to join. The caller owns the
// result.
func (m *member) roomsLocked() []string {
	s := (*Socket)(m)
	switch {
	case s.wasJoined:
		return s.ns.adapter.Rooms(m)
	case s.joining != nil:
		return slices.Clone(s.joining.rooms)
	}
	return nil
}

// toldRooms are the rooms of a socket that its watcher was told of. It is empty unless the
// watcher wants to hear of rooms. Socket.mu guards it.
type toldRooms struct{ names map[string]struct{} }

// joined returns those of rooms that the watcher of s is to be told of: s was not in them.
func (t *toldRooms) joined(s *Socket, rooms []string) (news []string) {
	if !s.watch().hearsRooms() {
		return nil
	}
	for _, room := range rooms {
		if _, known := t.names[room]; known || room == s.id {
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

// left reports whether the watcher is to be told that the socket left a room.
func (t *toldRooms) left(room string) bool {
	_, known := t.names[room]
	delete(t.names, room)
	return known
}

// all returns the rooms that the watcher is to be told of when the socket ends.
func (t *toldRooms) all() []string {
	rooms := slices.Collect(maps.Keys(t.names))
	t.names = nil
	return rooms
}

func checkRoomNames(rooms []string) error {
	for _, name := range rooms {
		if len(name) > maxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrRoomName, len(name), maxRoomName)
		}
	}
	return nil
}
