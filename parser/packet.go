// SPDX-License-Identifier: MIT

// This file holds the packet: its types, its fields and its text form.

package parser

import "strconv"

// A Type is the first character of a packet, as a number.
type Type byte

// The packet types of protocol revision 5.
const (
	TypeConnect      Type = iota // joins a namespace; the server's answer has the same type
	TypeDisconnect               // leaves a namespace
	TypeEvent                    // payload: an array that starts with the event name
	TypeAck                      // payload: an array, acknowledges an event with an id
	TypeConnectError             // rejects a CONNECT
	TypeBinaryEvent              // an EVENT with attachments
	TypeBinaryAck                // an ACK with attachments
)

var typeNames = [...]string{
	"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK",
}

// String returns the name the specification uses.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "Type(" + strconv.Itoa(int(t)) + ")"
}

// Binary reports whether packets of type t carry attachments.
func (t Type) Binary() bool { return t == TypeBinaryEvent || t == TypeBinaryAck }

// NoID is the ID of a packet without an acknowledgement id.
const NoID = -1

// maxID is the largest integer that JavaScript counts exactly: 2^53-1.
const maxID = 1<<53 - 1

// A Packet is one Socket.IO packet. Note that the zero ID is an id: a packet
// without one has [NoID].
type Packet struct {
	Type Type

	// Namespace is "/" when the wire names none. [AppendPacket] takes "" for "/".
	Namespace string

	// ID is the acknowledgement id, [NoID] when absent.
	ID int64

	// Data is the raw JSON payload, nil when absent.
	Data []byte

	// Attachments are the binary parts, in the order of their numbers.
	Attachments [][]byte
}

// AppendPacket appends the text part of p to dst and returns the result. The
// attachments follow it on the wire as binary messages, in order; only their
// number is written here, and only for the binary types. p.Data is copied as it
// is, without any check.
func AppendPacket(dst []byte, p *Packet) []byte {
	dst = append(dst, '0'+byte(p.Type))
	if p.Type.Binary() {
		dst = strconv.AppendInt(dst, int64(len(p.Attachments)), 10)
		dst = append(dst, '-')
	}
	if p.Namespace != "" && p.Namespace != "/" {
		dst = append(dst, p.Namespace...)
		dst = append(dst, ',')
	}
	if p.ID >= 0 {
		dst = strconv.AppendInt(dst, p.ID, 10)
	}
	return append(dst, p.Data...)
}
