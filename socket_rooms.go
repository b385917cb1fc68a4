// SPDX-License-Identifier: MIT

// This file holds the rooms of a Socket.

package socketio

import (
	"fmt"
	"maps"
	"slices"

	"socketio/adapter"
	"socketio/internal/lock"
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
	if !s.roomForLocked(rooms) {
		return fmt.Errorf("%w: at most %d", ErrTooManyRooms, s.ns.server.opts.MaxRooms)
	}
	switch s.state.Load() {
	case stateJoining:
		s.joining.rooms = append(s.joining.rooms, rooms...)
	case stateConnected:
		s.ns.adapter.Join(s.member(), rooms)
		rooms, err = s.leaveReservedLocked(rooms)
		news = s.told.joined(s, rooms)
	}
	return err
}

// socketIDs are the ids of the sockets of a server, from their CONNECT to their end. It
// is empty unless Options.ReserveSocketIDs is set. In revision 4 two may have one id, one
// after the other.
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

// has reports whether one of rooms is the id of a socket, but for own.
func (t *socketIDs) has(rooms []string, own string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.ContainsFunc(rooms, func(name string) bool { return name != own && t.count[name] > 0 })
}

// checkReserved refuses the ids of sockets, but for own, if they are reserved.
func (s *Server) checkReserved(rooms []string, own string) error {
	if s.opts.ReserveSocketIDs && s.socketIDs.has(rooms, own) {
		return ErrSocketRoom
	}
	return nil
}

// reserveRoom empties the room of the socket's id before it is in: a client of revision
// 4 knows its id before it joins, and may have told it.
func (s *Socket) reserveRoom() {
	if !s.ns.server.opts.ReserveSocketIDs {
		return
	}
	for _, m := range s.ns.adapter.Members(adapter.Target{Rooms: []string{s.id}}) {
		if other := socketOf(m); other.id != s.id {
			other.Leave(s.id)
		}
	}
}

// leaveReservedLocked leaves those of rooms, joined a moment ago, that have become the
// room of another socket meanwhile. It returns the rest.
func (s *Socket) leaveReservedLocked(rooms []string) (rest []string, err error) {
	server := s.ns.server
	if server.checkReserved(rooms, s.id) == nil {
		return rooms, nil
	}
	rest = slices.DeleteFunc(slices.Clone(rooms), func(name string) bool {
		taken := server.checkReserved([]string{name}, s.id) != nil
		if taken {
			s.ns.adapter.Leave(s.member(), name)
		}
		return taken
	})
	return rest, ErrSocketRoom
}

// roomForLocked reports whether the socket may join these rooms too. They are
// compared with those it is in only when so many were joined that it matters.
func (s *Socket) roomForLocked(rooms []string) bool {
	limit := s.ns.server.opts.MaxRooms
	if s.joins+len(rooms) <= limit {
		s.joins += len(rooms)
		return true
	}
	now := s.roomsLocked()
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
	rooms := s.roomsNow()
	slices.Sort(rooms)
	return slices.Compact(rooms)
}

func (s *Socket) roomsNow() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roomsLocked()
}

// roomsLocked returns the rooms, or those that the socket is to join. The caller owns the
// result.
func (s *Socket) roomsLocked() []string {
	switch {
	case s.wasJoined:
		return s.ns.adapter.Rooms(s.member())
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
