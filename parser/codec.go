// SPDX-License-Identifier: MIT

// This file holds the contract of packet formats, for servers and clients.

package parser

// A Codec is a packet format: how packets become Engine.IO messages and back, and
// how values stand in them. Both sides of a connection must use the same one. The
// default format is the text form of this package; package msgpack has another,
// and an application may bring its own.
//
// All methods may be called from any goroutine, at the same time.
//
// # Payloads
//
// To the caller the Data of a decoded packet is opaque. It goes back to the
// methods EventName, SplitArray and Decode of the same Codec, often much later and
// on another goroutine. None of them may change it, or panic, whatever it holds.
type Codec interface {
	// NewDecoder returns the decoder of one new connection.
	NewDecoder() PacketDecoder

	// AppendPacket encodes p. It appends the first message to dst, whose
	// contents it must not change, and may return other memory if dst is too
	// small. An error means that a value cannot be encoded in this format; dst is
	// then no longer used.
	//
	// The values belong to the caller. The codec must not change them, and keeps
	// none of them, save byte slices that become attachments.
	AppendPacket(dst []byte, p Outgoing) (Encoded, error)

	// EventName returns the name of the event in data, the Data of a decoded
	// event. The result may share memory with data. It is nil if there is none.
	EventName(data []byte) []byte

	// SplitArray appends the elements of data, the Data of a decoded event or
	// acknowledgement, to dst and returns the result. Those of an event begin
	// with its name. The elements share memory with data; appending to one of
	// them must not reach the next.
	SplitArray(dst [][]byte, data []byte) [][]byte

	// Decode decodes raw into dst, a non-nil pointer. raw is an element of
	// SplitArray, or the whole Data of a CONNECT or CONNECT_ERROR packet. att are
	// the attachments of the packet.
	//
	// Decode follows encoding/json as far as its format can: field names and
	// options come from json tags, a missing or null value leaves dst alone. A
	// *json.RawMessage gets JSON text, whatever the format is. Decode keeps no
	// reference to raw. What it stores may share memory with att, which the
	// caller therefore gives away.
	Decode(raw []byte, att [][]byte, dst any) error
}

// A PacketDecoder turns the Engine.IO messages of one connection into packets. It
// belongs to one goroutine at a time. *[Decoder] is one.
type PacketDecoder interface {
	// Add takes one message. It returns a packet and true when one is complete,
	// or false and no error when more messages are needed; the caller bounds the
	// time they may take. On an error the connection must close: its text is
	// logged, so it should hold nothing the peer sent. Nil limits mean the
	// defaults.
	//
	// A packet of more than one message has a binary type, and its Data and
	// Attachments are its own. Those of all other packets may alias data, which
	// is valid until the caller returns from what it does with the packet. Type
	// and Namespace are as in [Packet]; the namespace starts with a slash. The
	// decoder has checked Data: an event has a name that is not reserved, an
	// acknowledgement is an array.
	//
	// Add may run on an event loop that serves other connections. It must not
	// block, and what it keeps must be bounded by the limits.
	Add(l *Limits, binary bool, data []byte) (p Packet, ok bool, err error)
}

// An Outgoing packet is what a [Codec] encodes.
type Outgoing struct {
	// Type is any but the binary types: whether a packet has attachments is up to
	// the codec.
	Type Type

	// Namespace is the namespace; "" is "/".
	Namespace string

	// ID is the acknowledgement id, [NoID] when absent.
	ID int64

	// Event is the name of an event.
	Event string

	// Args are the arguments of an event or an acknowledgement.
	Args []any

	// Payload is the payload of a CONNECT or a CONNECT_ERROR, nil when absent. It
	// is encoded without attachments.
	Payload any
}

// Encoded is a packet as Engine.IO messages: one, and then its attachments.
type Encoded struct {
	// Data is the dst of AppendPacket with the first message appended.
	Data []byte

	// Binary says that the first message is a binary one. Otherwise it is text
	// and must be valid UTF-8.
	Binary bool

	// Attachments are the binary messages that follow. There can be some only
	// after a text message. They may be memory of the values that were encoded:
	// they must not change until they are copied.
	Attachments [][]byte
}

var _ PacketDecoder = (*Decoder)(nil)
