// SPDX-License-Identifier: MIT

// This file holds the rules for names, which are the same for servers and for emitters.

package adapter

import "errors"

// MaxRoomName is the maximum length of the name of a room in bytes.
const MaxRoomName = 512

var (
	// ErrReservedEvent is the error for an event whose name clients or servers use
	// themselves.
	ErrReservedEvent = errors.New("socketio: reserved event name")
	// ErrRoomName is the error for the name of a room longer than MaxRoomName.
	ErrRoomName = errors.New("socketio: room name too long")
)
