// SPDX-License-Identifier: MIT

// This file holds Message: an Engine.IO message encoded once, for any number of
// connections and any transport.

package engineio

import (
	"slices"
	"sync/atomic"

	"socketio/internal/ws"
)

// HeaderRoom is how many bytes the buffer given to NewMessage leaves free before its
// text, for the WebSocket header and the packet type.
const HeaderRoom = ws.MaxHeader + 1

// A Message is one unit of output: a text message and the binary messages that
// belong to it. It is sent or dropped as a whole, and no other message comes between its
// parts. It is immutable and may be sent to any number of connections
// concurrently.
type Message struct {
	first frame
	rest  []frame
	size  int // bytes of all frames

	key      string // see Conflate
	overflow Overflow
	plain    bool // never compressed
	split    bool // in rest, the header of each frame comes before its bytes
	lent     bool // these bytes are the caller's; see NewLentMessage

	states atomic.Uint32 // of a message of Drafts; else 0
	draft  *draft        // what it is part of; nil if its memory is not used again

	packed   atomic.Pointer[Message] // the compressed form; see pack
	streamed atomic.Pointer[Message] // in other frames; see streamForm
}

// A frame is a whole unmasked WebSocket frame. What polling needs of it follows
// its header: wire[body:] is the text packet with its type digit, or the bytes
// of a binary message.
type frame struct {
	wire   []byte
	body   uint8
	binary bool
}

// NewMessage makes a message of a text and its binary attachments. The text
// stands in buf from index HeaderRoom on; NewMessage fills in what comes before it and
// keeps buf, which must not be changed afterwards. The attachments are copied.
func NewMessage(buf []byte, attachments [][]byte) *Message {
	m := new(Message)
	m.Fill(buf, attachments, false)
	return m
}

// begin gives m its text.
func (m *Message) begin(buf []byte) {
	buf[HeaderRoom-1] = byte(packetMessage)
	start := ws.PutHeader(buf[:ws.MaxHeader], ws.Text, len(buf)-ws.MaxHeader)
	m.first = frame{wire: buf[start:], body: uint8(ws.MaxHeader - start)}
	m.size = len(m.first.wire)
}

// attach adds copies of attachments to a message that has none.
func (m *Message) attach(attachments [][]byte) {
	if len(attachments) == 0 {
		return
	}
	m.rest = make([]frame, len(attachments))
	for i, a := range attachments {
		m.rest[i] = binaryFrame(a)
		m.size += len(m.rest[i].wire)
	}
}

// lendFrom is how many bytes the attachments of a lent message have at least: to copy fewer
// costs less than to write more slices.
const lendFrom = 8 << 10

// NewLentMessage is NewMessage, but does not copy large attachments. The message may be given
// to one Conn, once, by Send. The attachments must not be changed before Send returns, which
// copies what it could not write.
func NewLentMessage(buf []byte, attachments [][]byte) *Message {
	m := new(Message)
	m.Fill(buf, attachments, true)
	return m
}

// lend adds attachments that stay the caller's to a message that has none.
func (m *Message) lend(attachments [][]byte) {
	m.split, m.lent = true, true
	m.rest = make([]frame, 0, 2*len(attachments))
	headers := make([]byte, 0, ws.MaxHeader*len(attachments))
	for _, a := range attachments {
		start := len(headers)
		headers = ws.AppendHeader(headers, ws.Binary, len(a))
		header := headers[start:]
		m.rest = append(m.rest, frame{wire: header, body: uint8(len(header)), binary: true}, frame{wire: a, binary: true})
		m.size += len(header) + len(a)
	}
}

// own copies the attachments of a lent message of which nothing was written.
func (m *Message) own() {
	if m.lent {
		_, _, attachments := m.Parts()
		m.split, m.lent, m.size = false, false, len(m.first.wire)
		m.attach(attachments)
	}
}

// owned returns the frames of a lent message after its first one, of which those before from
// were written and will not be read again, nor will the first offset bytes of the next one.
func (m *Message) owned(from, offset int) []frame {
	rest := slices.Clone(m.rest)
	for i := max(from-1, 0); i < len(rest); i++ {
		wire := make([]byte, len(rest[i].wire))
		if i != from-1 {
			offset = 0
		}
		copy(wire[offset:], rest[i].wire[offset:])
		rest[i].wire = wire
	}
	return rest
}

// TextMessage makes a message of a text alone.
func TextMessage(text string) *Message {
	buf := make([]byte, HeaderRoom, HeaderRoom+len(text))
	return NewMessage(append(buf, text...), nil)
}

// BinaryMessage makes a message of bytes alone. data is copied.
func BinaryMessage(data []byte) *Message {
	m := &Message{first: binaryFrame(data)}
	m.size = len(m.first.wire)
	return m
}

// NewBinaryMessage makes a message of bytes alone. They stand in buf from index
// HeaderRoom on; NewBinaryMessage fills in what comes before them and keeps buf, which
// must not be changed afterwards.
func NewBinaryMessage(buf []byte) *Message {
	start := ws.PutHeader(buf[1:HeaderRoom], ws.Binary, len(buf)-HeaderRoom)
	wire := buf[1+start:]
	return &Message{first: frame{wire: wire, body: uint8(ws.MaxHeader - start), binary: true}, size: len(wire)}
}

// Uncompressed disables compression of m on all transports. It must be called before m is
// first sent. It returns m.
func (m *Message) Uncompressed() *Message {
	m.plain = true
	return m
}

// An Overflow says what happens to a message when the send queue of a connection is full;
// see Options.MaxQueueBytes.
type Overflow uint8

const (
	// OverflowClose queues the message anyway. The connection closes with
	// ErrSlowConsumer if its queue stays over the bound for 10 s, or reaches 16 times
	// the bound. It is the default: a client misses no message.
	OverflowClose Overflow = iota
	// OverflowFail rejects the message with ErrQueueFull; the connection stays open.
	OverflowFail
	// OverflowDropNewest drops the message.
	OverflowDropNewest
	// OverflowDropOldest drops the oldest waiting messages that are
	// OverflowDropOldest too, until there is room. If they are not enough, the
	// message itself is dropped.
	OverflowDropOldest
)

// Overflow sets what happens to m when a queue is full. It must be called before m is
// first sent. It returns m.
func (m *Message) Overflow(o Overflow) *Message {
	m.overflow = o
	return m
}

// Conflate marks m as the latest value of a key: m replaces an earlier message with the
// same key that still waits in a queue, and goes to the end of that queue. An empty key
// means no key. It must be called before m is first sent. It returns m.
func (m *Message) Conflate(key string) *Message {
	m.key = key
	return m
}

// Size returns the number of bytes of the message on a WebSocket and in the send queue.
func (m *Message) Size() int { return m.size }

// Parts returns the text of the message, or its bytes if it is binary, and its attachments.
// They share memory with the message and must not be modified.
func (m *Message) Parts() (binary bool, first []byte, attachments [][]byte) {
	first = m.first.wire[m.first.body:]
	if !m.first.binary {
		first = first[1:] // the packet type
	}
	for i, f := range m.rest {
		if !m.split || i%2 == 1 {
			attachments = append(attachments, f.wire[f.body:])
		}
	}
	return m.first.binary, first, attachments
}

func binaryFrame(data []byte) frame {
	wire := make([]byte, 0, ws.MaxHeader+len(data))
	wire = ws.AppendHeader(wire, ws.Binary, len(data))
	body := len(wire)
	return frame{wire: append(wire, data...), body: uint8(body), binary: true}
}

// packetMsg makes a message of a bare packet: a type and its data.
func packetMsg(t packetType, data string) *Message {
	wire := ws.AppendHeader(make([]byte, 0, ws.MaxHeader+1+len(data)), ws.Text, 1+len(data))
	body := len(wire)
	wire = append(append(wire, byte(t)), data...)
	return &Message{first: frame{wire: wire, body: uint8(body)}, size: len(wire)}
}

// rawMsg makes a message of bytes that are sent unchanged. It is not for polling.
func rawMsg(wire []byte) *Message {
	return &Message{first: frame{wire: wire}, size: len(wire)}
}

// frames is how many frames the message has; frame returns one of them. If it is split,
// the header of a frame and its bytes count as two.
func (m *Message) frames() int { return 1 + len(m.rest) }

// parts is how many messages of a WebSocket m is.
func (m *Message) parts() int {
	if m.split {
		return 1 + len(m.rest)/2
	}
	return m.frames()
}

func (m *Message) frame(i int) *frame {
	if i == 0 {
		return &m.first
	}
	return &m.rest[i-1]
}

// hasBinary reports whether the message has bytes. Only its first frame may be
// text.
func (m *Message) hasBinary() bool { return m.first.binary || len(m.rest) > 0 }

// formFor returns m as a WebSocket or a WebTransport sends it. Bytes of revision 3 begin
// with the packet type; for a client that accepts no bytes they are sent as text. The
// message itself is shared and is not changed.
func (m *Message) formFor(revision uint8, base64 bool, deflate ws.DeflateParams) *Message {
	if revision == 4 && (!base64 || !m.hasBinary()) {
		if deflate.Negotiated() {
			return m.packedFor(deflate)
		}
		return m
	}
	if !m.hasBinary() {
		return m
	}
	form := &Message{rest: make([]frame, len(m.rest)), key: m.key, overflow: m.overflow}
	for i := range m.frames() {
		if f := m.frame(i); revision == 4 {
			*form.frame(i) = frameBase64(*f, "b")
		} else {
			*form.frame(i) = frameV3(*f, base64)
		}
		form.size += len(form.frame(i).wire)
	}
	return form
}

// contents returns the number of bytes of the message without framing and packet types.
func (m *Message) contents() int {
	n := 0
	for i := range m.frames() {
		f := m.frame(i)
		n += len(f.wire) - int(f.body)
		if !f.binary {
			n--
		}
	}
	return n
}

// isMessage reports whether a frame is a message, not another packet.
func (f *frame) isMessage() bool { return f.binary || packetType(f.wire[f.body]) == packetMessage }

// maskedForm returns the message as a client sends it, with a fresh mask for each frame.
// It is created each time the message is sent.
func (m *Message) maskedForm() *Message {
	form := &Message{first: m.first.masked(), key: m.key, overflow: m.overflow}
	form.size = len(form.first.wire)
	for i := range m.rest {
		f := m.rest[i].masked()
		form.rest = append(form.rest, f)
		form.size += len(f.wire)
	}
	return form
}

func (f *frame) masked() frame {
	return frame{wire: ws.MaskFrame(f.wire), binary: f.binary}
}
