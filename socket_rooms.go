// SPDX-License-Identifier: MIT

// This file holds the rooms of a Socket.

package socketio

import (
	"fmt"
	"slices"
)

const maxRoomName = 512

// Join adds the socket to rooms. A broadcast that begins after Join has returned reaches
// it. In a middleware, the socket joins the rooms when it has been accepted. If the
// socket has ended, Join does nothing. It returns ErrRoomName, ErrTooManyRooms or
// ErrSocketRoom, in which case no room was joined.
//
// Each socket is in a room named by its id, and members of that room receive everything
// that is sent only to that socket. If clients choose names of rooms, add a prefix:
// Join("chat:" + name), and To("chat:" + name) to send. Options.ReserveSocketIDs rejects
// the ids of other sockets.
func (s *Socket) Join(rooms ...string) (err error) {
	if err := checkRoomNames(rooms); err != nil {
		return err
	}
	if err := s.ns.server.checkReserved(rooms, s.id); err != nil {
		return err
	}
	var news []string
	joined := false
	defer func() {
		s.watch().roomsJoined(s, news)
		if joined {
			s.changed()
		}
	}()
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
		if s.watch().hearsRooms() {
			news = s.told.joined(s.id, rooms)
		}
		joined = true
	}
	return err
}

// roomForLocked reports whether the socket may join these rooms too. They are compared
// with its rooms only when it has joined so many that the bound may be reached.
func (m *member) roomForLocked(rooms []string) bool {
	s := (*Socket)(m)
	limit := s.ns.server.opts.MaxRooms
	if int(s.joins)+len(rooms) <= limit {
		s.joins += int32(len(rooms))
		return true
	}
	now := m.roomsLocked()
	all := make(map[string]struct{}, len(now)+len(rooms))
	for _, names := range [][]string{now, rooms} {
		for _, name := range names {
			all[name] = struct{}{}
		}
	}
	delete(all, s.id) // its own room does not count
	if len(all) > limit {
		return false
	}
	s.joins = int32(len(all))
	return true
}

// Leave removes the socket from rooms. A broadcast that begins after Leave has returned
// does not reach it. Rooms that the socket is not in are ignored.
func (s *Socket) Leave(rooms ...string) {
	var left []string
	defer func() {
		s.watch().roomsLeft(s, left)
		s.changed()
	}()
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

func checkRoomNames(rooms []string) error {
	for _, name := range rooms {
		if len(name) > maxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrRoomName, len(name), maxRoomName)
		}
	}
	return nil
}
