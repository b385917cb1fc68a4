// SPDX-License-Identifier: MIT

// This file holds the errors of decoding. Their texts are those of the JavaScript
// implementation where it has one.

package parser

import "strconv"

// An ErrorKind is the kind of a [DecodeError].
type ErrorKind byte

// The kinds of [DecodeError], with their texts.
const (
	KindPacketType         ErrorKind = iota + 1 // "unknown packet type N"
	KindAttachmentCount                         // "Illegal attachments": no count, or less than one
	KindTooManyAttachments                      // "too many attachments"
	KindNamespace                               // "invalid namespace": too long, not UTF-8, control characters
	KindPayload                                 // "invalid payload": not JSON, not valid for the type, or a bad id
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

// A DecodeError reports a violation of the protocol by a peer. The connection must be
// closed. It contains at most one digit of the peer's message, so it is safe to log.
type DecodeError struct {
	Kind ErrorKind

	// Offset is the byte offset in the text message at which decoding stopped, or zero if
	// there is no such offset.
	Offset int

	// Detail briefly describes the expected input. It may be empty.
	Detail string

	digit byte // for KindPacketType: '7' to '9', or 0 if it was not a digit
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
