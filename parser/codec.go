// SPDX-License-Identifier: MIT

// This file holds the contract of packet formats, for servers and clients.

package parser

// A Codec is a packet format: it encodes packets and their values as Engine.IO messages,
// and decodes them. Both sides of a connection must use the same one. The default is the
// text format of this package. Package msgpack is another, and applications may implement
// their own.
//
// All methods must be safe for concurrent use.
//
// # Payloads
//
// The Data of a decoded packet is opaque to the caller. It is passed to the methods
// EventName, SplitArray and Decode of the same Codec, often much later and on another
// goroutine. They must not change it, and must not panic whatever it holds.
type Codec interface {
	// NewDecoder returns the decoder of one new connection.
	NewDecoder() PacketDecoder

	// AppendPacket encodes p. It appends the first message to dst, whose
	// contents it must not change, and may return other memory if dst is too
	// small. An error means that a value cannot be encoded in this format; dst is
	// then no longer used.
	//
	// The values belong to the caller. The codec must neither change nor keep them,
	// except byte slices that become attachments.
	AppendPacket(dst []byte, p Outgoing) (Encoded, error)

	// EventName returns the name of the event in data, the Data of a decoded
	// event. The result may share memory with data. It is nil if there is none.
	EventName(data []byte) []byte

	// SplitArray appends the elements of data, the Data of a decoded event or
	// acknowledgement, to dst and returns the result. Those of an event begin with its
	// name. The elements share memory with data; appending to one of them must not
	// overwrite the next.
	SplitArray(dst [][]byte, data []byte) [][]byte

	// Decode decodes raw into dst, a non-nil pointer. raw is an element of
	// SplitArray, or the whole Data of a CONNECT or CONNECT_ERROR packet. att are
	// the attachments of the packet.
	//
	// Decode follows encoding/json as far as its format can: field names and options come
	// from json tags, a missing or null value leaves dst unchanged. A *json.RawMessage
	// gets JSON text, whatever the format is. Decode keeps no reference to raw. The
	// decoded value may share memory with att, so the caller must not use att for
	// anything else.
	Decode(raw []byte, att [][]byte, dst any) error
}

// A TextAppender is a Codec that can add a text to an event that it has encoded. With
// recovery, each event ends with its position, which is known when the events before it
// have theirs. Other Codecs encode the whole event then, and later events wait for that.
type TextAppender interface {
	Codec
	// AppendText adds text as the last argument to data[from:], the only message of an
	// event without acknowledgement, which AppendPacket has encoded. It may change data, and
	// may return other memory if data is too small.
	AppendText(data []byte, from int, text string) ([]byte, error)
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
	// A packet of more than one message has a binary type, and its Data and Attachments
	// are its own. Those of all other packets may alias data, which the caller leaves
	// unchanged while it handles the packet. Type and Namespace are as in [Packet]; the
	// namespace starts with a slash. The decoder has checked Data: an event has a name
	// that is not reserved, an acknowledgement is an array.
	//
	// Add may run on an event loop that serves other connections. It must not block, and
	// the memory that it keeps must be bounded by the limits.
	Add(l *Limits, binary bool, data []byte) (p Packet, ok bool, err error)
}

// An Outgoing is a packet to be encoded by a [Codec].
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

// Encoded is a packet as Engine.IO messages: one message, followed by its attachments.
type Encoded struct {
	// Data is the dst of AppendPacket with the first message appended.
	Data []byte

	// Binary reports whether the first message is binary. Otherwise it is text and must
	// be valid UTF-8.
	Binary bool

	// Attachments are the binary messages that follow. They can only follow a text
	// message. They may share memory with the encoded values, which must not change until
	// they are copied.
	Attachments [][]byte
}

var _ PacketDecoder = (*Decoder)(nil)
