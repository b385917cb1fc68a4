// SPDX-License-Identifier: MIT

// This file holds Message, the contents of what nodes send each other.

package nodewire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"socketio/adapter"
)

// A Kind is the kind of a message. The numbers up to 13 are those of the envelope of
// Node.js, which ignores the others.
type Kind int

const (
	KindHello            Kind = 1  // a node has started; those that have the namespace answer with a KindHeartbeat
	KindHeartbeat        Kind = 2  // a node lives
	KindBroadcast        Kind = 3  // an event for sockets
	KindSocketsJoin      Kind = 4  // sockets join Message.Rooms
	KindSocketsLeave     Kind = 5  // sockets leave Message.Rooms
	KindDisconnect       Kind = 6  // sockets are disconnected
	KindFetchSockets     Kind = 7  // asks for Sockets
	KindSockets          Kind = 8  // answers KindFetchSockets
	KindServerSideEmit   Kind = 9  // an event for servers
	KindServerSideAnswer Kind = 10 // answers KindServerSideEmit
	KindClientCount      Kind = 11 // says to how many sockets a node has sent a KindBroadcast with Ask
	KindClientAnswer     Kind = 12 // the answer of one socket
	KindBye              Kind = 13 // a node, or a namespace of it, ends

	// These are sent only to nodes in Go.

	KindNoMoreAnswers Kind = 101 // a node will send no more answers to a request
	KindHandOver      Kind = 102 // asks a node to end the socket of a session, whose client has come to another
	KindHandedOver    Kind = 103 // answers KindHandOver: Count sockets, 0 or 1, have not ended
	KindLost          Kind = 104 // in a log: a node has delivered events after the entry Message.After that are not in the log

	// These are requests of the classic format only.

	KindAllRooms Kind = 201 // asks for Message.Rooms, the names of all rooms
	KindAllIDs   Kind = 202 // asks for Message.IDs, the ids of sockets
	KindDone     Kind = 203 // answers an operation on one socket of an old version; see Message.Ask
)

// A Message is what a node sends to others. Which fields are used depends on the Kind.
type Message struct {
	Kind Kind
	// From identifies the sender: 16 hexadecimal digits, or 6 characters in the classic
	// format. It is "emitter" for processes without a server, and may be missing.
	From string
	// Namespace may be missing in messages of some emitters.
	Namespace string

	// Ask reports whether the sender awaits answers, which carry its RequestID. Old
	// versions of the classic format await a KindDone of the node that has the socket when
	// they operate on one socket.
	Ask       bool
	RequestID string

	// Event is the event of KindBroadcast and KindServerSideEmit. In an answer it is the list of
	// arguments, of which Node.js has at most one. Meta.Version is 0 in messages of
	// Node.js.
	Event adapter.Payload
	// Target selects sockets. Rooms is nil for all. Sender is written as one of Except.
	Target adapter.Target
	Flags  adapter.Flags
	// Timeout is how long the sender of a KindBroadcast waits for answers.
	Timeout time.Duration

	Rooms   []string             // KindSocketsJoin, KindSocketsLeave; the answer to KindAllRooms
	Close   bool                 // Disconnect
	Sockets []adapter.MemberInfo // the answer to KindFetchSockets
	Count   int                  // KindClientCount

	// The rest is ignored by Node.js.

	// Go reports whether the sender is a node in Go.
	Go bool
	// IDs are the ids of the sockets of a KindClientCount, or the answer to KindAllIDs.
	IDs []string
	// Socket is the id of the socket of a KindClientAnswer, or of the only recipient of a
	// KindBroadcast, which is in the room Target.Rooms; or the secret of the session of a
	// KindHandOver.
	Socket string
	// After is the number of an entry of the log of the namespace, or 0. The message is
	// handled after the entry.
	After uint64
	// Number counts from 1 the messages of a node, or is 0. A message that comes again
	// has the same number.
	Number uint64
	// Part counts from 0 the messages into which a large answer is divided. More reports
	// whether another part follows.
	Part int
	More bool
	// Member describes the sender: a JSON object.
	Member json.RawMessage
}

// FromEmitter is the From of processes without a server.
const FromEmitter = "emitter"

var (
	// ErrKind is returned for a kind of message that is not known here, or that the
	// format does not have. Receivers ignore such messages.
	ErrKind = errors.New("nodewire: unknown kind of message")
	// ErrFormat is wrapped by the errors for malformed messages.
	ErrFormat = errors.New("nodewire: malformed message")
)

// malformed returns an error that wraps ErrFormat. It has no part of the message.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// privateRoom is the length of the ids of sockets in Node.js, in UTF-16 units.
const privateRoom = 20

// LooksPrivate reports whether Node.js takes a room for the room of a single socket: its
// name has 20 UTF-16 units. Sharded adapters publish to such rooms differently.
func LooksPrivate(room string) bool {
	units := 0
	for _, r := range room {
		units++
		if r > 0xffff {
			units++
		}
	}
	return units == privateRoom && utf8.ValidString(room)
}
