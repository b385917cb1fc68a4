// SPDX-License-Identifier: MIT

// This file holds the rooms of a Socket. The room of its own id is in adapter/ownroom.go.

package socketio

import (
	"fmt"
	"slices"

	"socketio/adapter"
)

// Join adds the socket to rooms. A broadcast that begins after Join has returned reaches
// it. In a middleware, the socket joins the rooms when it has been accepted. If the
// socket has ended, Join does nothing. It returns ErrRoomName, ErrTooManyRooms or
// ErrSocketRoom, in which case no room was joined; only if another socket gets an id that
// is among the rooms while Join runs, the rest of them stay joined under ErrSocketRoom.
//
// Each socket is in a room named by its id, and members of that room receive everything
// that is sent only to that socket. If clients choose names of rooms, add a prefix:
// Join("chat:" + name), and To("chat:" + name) to send. Options.Limits.ReserveSocketIDs rejects
// the ids of other sockets.
//
// In a cluster, Join then waits until other servers know that this one has members in the
// rooms, so that it misses no broadcast of theirs that begins later. If that takes more
// than a second, or the cluster is known to be degraded, it returns ErrDegraded: the
// socket has joined, but broadcasts of other servers may not reach it yet.
func (s *Socket) Join(rooms ...string) error {
	_, joined, err := s.member().join(rooms, s.changed)
	if joined && err == nil {
		err = s.ns.waitJoined(rooms)
	}
	return err
}

// join is Join. If the socket is connected, it returns true and, with recovery, the number
// of the latest event before. save has the session saved.
func (m *member) join(rooms []string, save func()) (last uint64, joined bool, err error) {
	s := (*Socket)(m)
	if err := checkRoomNames(rooms); err != nil {
		return 0, false, err
	}
	if err := s.ns.server.checkReserved(rooms, s.ID()); err != nil {
		return 0, false, err
	}
	var news []string
	defer func() {
		s.watch().roomsJoined(s, news)
		if joined {
			save()
		}
	}()
	if s.kept() != nil {
		last = s.ns.keeper.begin()
		defer s.ns.keeper.end()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.member().roomForLocked(rooms) {
		return 0, false, fmt.Errorf("%w: at most %d", ErrTooManyRooms, s.ns.server.opts.MaxRooms)
	}
	switch s.state.Load() {
	case stateJoining:
		s.joining.rooms = append(s.joining.rooms, rooms...)
	case stateConnected:
		s.ns.adapter.Join(s.member(), rooms)
		rooms, err = s.member().leaveReservedLocked(rooms)
		if s.kept() != nil {
			s.kept().track.Join(last, rooms...)
		}
		if s.watch().hearsRooms() {
			news = rareOf(s).told.joined(s.ID(), rooms)
		}
		joined = true
	}
	return last, joined, err
}

// JoinAt is Join of a socket that is connected, and returns the position at the instant
// of joining: the socket receives the events to these rooms with later positions, and no
// others. An application whose stored state has the positions of its events (see
// adapter.ParsePosition) can load it up to that position; what follows then has no gap and
// no overlap. Without Options.Recovery, in a middleware, or for a client of Socket.IO 1 or
// 2, the position is "".
func (s *Socket) JoinAt(rooms ...string) (position string, err error) {
	last, joined, err := s.member().join(rooms, s.changed)
	if joined && err == nil {
		err = s.ns.waitJoined(rooms)
	}
	if err != nil || !joined || s.kept() == nil {
		return "", err
	}
	return s.ns.keeper.position(last), nil
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
	delete(all, s.ID()) // its own room does not count
	if len(all) > limit {
		return false
	}
	s.joins = int32(len(all))
	return true
}

// Leave removes the socket from rooms. A broadcast that begins after Leave has returned
// does not reach it. Rooms that the socket is not in are ignored.
func (s *Socket) Leave(rooms ...string) { s.member().leave(rooms, s.changed) }

// leave is Leave. save has the session saved.
func (m *member) leave(rooms []string, save func()) {
	s := (*Socket)(m)
	var left []string
	defer func() {
		s.watch().roomsLeft(s, left)
		save()
	}()
	var last uint64
	if s.ns.keeper != nil && len(rooms) > 0 && s.state.Load() != stateJoining {
		s.ns.keeper.leaves(s, rooms)
	}
	if s.kept() != nil {
		last = s.ns.keeper.begin()
		defer s.ns.keeper.end()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !joinedLocked(s) {
		s.joining.rooms = slices.DeleteFunc(s.joining.rooms, func(name string) bool { return slices.Contains(rooms, name) })
		return
	}
	if s.kept() != nil {
		s.kept().track.Leave(last, rooms...)
	}
	for _, room := range rooms {
		s.ns.adapter.Leave(s.member(), room)
		if s.watch().hearsRooms() && rareOf(s).told.left(room) {
			left = append(left, room)
		}
	}
}

func checkRoomNames(rooms []string) error {
	for _, name := range rooms {
		if len(name) > adapter.MaxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrRoomName, len(name), adapter.MaxRoomName)
		}
	}
	return nil
}
