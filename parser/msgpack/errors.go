// SPDX-License-Identifier: MIT

// This file holds the errors of decoding packets. Their texts are those of the JavaScript
// implementation, where it has one.

package msgpack

import "strconv"

// An ErrorKind is the kind of a [DecodeError].
type ErrorKind byte

// The kinds of [DecodeError], with their texts.
const (
	KindFormat     ErrorKind = iota + 1 // "Could not parse": not MessagePack, not UTF-8, nested too deep, cut short, too many arrays and maps
	KindTrailing                        // "N trailing bytes"
	KindPacketType                      // "invalid packet type": not a number from 0 to 4
	KindNamespace                       // "invalid namespace": not a string, no leading slash, too long, commas, control characters
	KindPayload                         // "invalid payload": not valid for the type, or a reserved event name
	KindPacketID                        // "invalid packet id": not a number from 0 to 2^53-1
	KindText                            // "got a text message"
)

var kindTexts = [...]string{
	KindFormat:     "Could not parse",
	KindTrailing:   " trailing bytes",
	KindPacketType: "invalid packet type",
	KindNamespace:  "invalid namespace",
	KindPayload:    "invalid payload",
	KindPacketID:   "invalid packet id",
	KindText:       "got a text message",
}

// A DecodeError reports a violation of the protocol by a peer. The connection must be
// closed. It contains nothing of the peer's message, so it is safe to log.
type DecodeError struct {
	Kind ErrorKind

	// Trailing is the number of bytes after the packet, for KindTrailing.
	Trailing int
}

// Error returns the text of the JavaScript implementation for this kind.
func (e *DecodeError) Error() string {
	switch {
	case e.Kind == 0 || int(e.Kind) >= len(kindTexts):
		return "msgpack: error kind " + strconv.Itoa(int(e.Kind))
	case e.Kind == KindTrailing:
		return strconv.Itoa(e.Trailing) + kindTexts[KindTrailing]
	}
	return kindTexts[e.Kind]
}
