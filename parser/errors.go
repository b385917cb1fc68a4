// SPDX-License-Identifier: MIT

// This file holds the errors of decoding. Their texts are those of the
// JavaScript implementation, where it has one for the case.

package parser

import "strconv"

// An ErrorKind says what is wrong with a message.
type ErrorKind byte

// The kinds of [DecodeError], with their texts.
const (
	KindPacketType         ErrorKind = iota + 1 // "unknown packet type N"
	KindAttachmentCount                         // "Illegal attachments": no count, or less than one
	KindTooManyAttachments                      // "too many attachments"
	KindNamespace                               // "invalid namespace": too long, not UTF-8, control characters
	KindPayload                                 // "invalid payload": not JSON, or not as the type asks, or a bad id
	KindPlaceholder                             // "illegal attachments": placeholders do not name each attachment once
	KindStrayBinary                             // "got binary data when not reconstructing a packet"
	KindStrayText                               // "got plaintext data when reconstructing a packet"
	KindIncompleteTooLarge                      // "incomplete packet too large"
)

var kindTexts = [...]string{
	KindPacketType:         "unknown packet type ",
	KindAttachmentCount:    "Illegal attachments",
	KindTooManyAttachments: "too many attachments",
	KindNamespace:          "invalid namespace",
	KindPayload:            "invalid payload",
	KindPlaceholder:        "illegal attachments",
	KindStrayBinary:        "got binary data when not reconstructing a packet",
	KindStrayText:          "got plaintext data when reconstructing a packet",
	KindIncompleteTooLarge: "incomplete packet too large",
}

// A DecodeError says that a peer violated the protocol. The connection must close.
// Of the peer's message it holds at most one digit, so it is safe to log.
type DecodeError struct {
	Kind ErrorKind

	// Offset is where in the text message decoding stopped, in bytes;
	// zero where it has no meaning.
	Offset int

	// Detail says in a few words what was expected. It may be empty.
	Detail string

	digit byte // for KindPacketType: '7' to '9', or 0 for anything but a digit
}

// Error returns the text of the JavaScript implementation for this kind.
func (e *DecodeError) Error() string {
	if int(e.Kind) >= len(kindTexts) {
		return "parser: error kind " + strconv.Itoa(int(e.Kind))
	}
	text := kindTexts[e.Kind]
	if e.Kind != KindPacketType {
		return text
	}
	if e.digit == 0 {
		return text + "NaN"
	}
	return text + string(rune(e.digit))
}
