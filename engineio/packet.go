// SPDX-License-Identifier: MIT

// This file holds Engine.IO 4 packets as text: a type digit and data, or `b` and
// base64, and the polling payload that joins them.

package engineio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

// A packetType is the first character of a packet.
type packetType byte

const (
	packetOpen    packetType = '0'
	packetClose   packetType = '1'
	packetPing    packetType = '2'
	packetPong    packetType = '3'
	packetMessage packetType = '4'
	packetUpgrade packetType = '5'
	packetNoop    packetType = '6'

	// payloadSeparator separates the packets of a polling payload.
	payloadSeparator = 0x1e
)

var (
	errUnknownPacket = errors.New("engineio: unknown packet type")
	errEmptyPacket   = errors.New("engineio: empty packet")
	errBase64        = errors.New("engineio: a binary packet is not valid base64")
	errInvalidUTF8   = errors.New("engineio: a payload is not valid UTF-8")
	errTooMany       = errors.New("engineio: too many packets in one payload")
)

// The content types of payloads.
const (
	textType   = "text/plain; charset=UTF-8"
	binaryType = "application/octet-stream"
)

// A packet is one decoded packet. data is a slice of what was decoded.
type packet struct {
	typ    packetType
	binary bool // typ is packetMessage and data is bytes
	own    bool // the Handler may keep data; see Conn.TakeMessage
	data   []byte
}

// decodePacket decodes a text packet. Base64 is decoded in place.
func decodePacket(b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, errEmptyPacket
	}
	if b[0] == 'b' {
		data, err := decodeBase64(b[1:])
		if err != nil {
			return packet{}, err
		}
		return packet{typ: packetMessage, binary: true, data: data}, nil
	}
	if b[0] < byte(packetOpen) || b[0] > byte(packetNoop) {
		return packet{}, errUnknownPacket
	}
	return packet{typ: packetType(b[0]), data: b[1:]}, nil
}

// decodeBase64 decodes in place. Like upstream it takes both alphabets, with or
// without padding, and line ends, which the Java client writes.
func decodeBase64(b []byte) ([]byte, error) {
	n := 0
	for _, c := range b {
		switch c {
		case '\r', '\n':
			continue
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		b[n] = c
		n++
	}
	b = b[:n]
	if n > 0 && n%4 == 0 {
		b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("=")), []byte("="))
	}
	n, err := base64.RawStdEncoding.Decode(b, b)
	if err != nil {
		return nil, errBase64
	}
	return b[:n], nil
}

// closes reports whether the rest of the payload has a close packet.
func (in *payload) closes() bool {
	for !in.done {
		p, err := in.next()
		if err != nil {
			return false
		}
		if p.typ == packetClose {
			return true
		}
	}
	return false
}

// maxPayloadPackets bounds the packets of one payload.
const maxPayloadPackets = 65536

// A payload is the body of a POST. Its packets are taken from the front one by one.
type payload struct {
	revision uint8
	binary   bool // revision 3: in the binary form
	done     bool // there are no more packets
	rest     []byte
	size     int // of the whole body
	packets  int // cut off, in revision 3
}

// begin sets the body and checks the properties that need no decoding.
func (in *payload) begin(body []byte) error {
	in.rest, in.size = body, len(body)
	if !in.binary && !utf8.Valid(body) {
		return errInvalidUTF8
	}
	if in.revision == 4 && bytes.Count(body, []byte{payloadSeparator}) >= maxPayloadPackets {
		return errTooMany
	}
	return nil
}

// next decodes the next packet. Another one follows unless done.
func (in *payload) next() (packet, error) {
	if in.revision == 3 {
		return in.nextV3()
	}
	var first []byte
	first, in.rest, in.done = nextPacket(in.rest)
	p, err := decodePacket(first)
	p.own = worthKeeping(p.data, in.size)
	return p, err
}

// worthKeeping reports whether data, a message in memory of size bytes that has no other
// use, is given to the Handler: otherwise it would hold on to much for little.
func worthKeeping(data []byte, size int) bool {
	return len(data) >= takeFrom && 2*len(data) >= size
}

// takeFrom is the size of the smallest message that a Handler may keep: others are copied
// quickly.
const takeFrom = 4 << 10

// nextPacket cuts the first packet off a payload. done means that it was the last one.
func nextPacket(body []byte) (first, rest []byte, done bool) {
	i := bytes.IndexByte(body, payloadSeparator)
	if i < 0 {
		return body, nil, true
	}
	return body[:i], body[i+1:], false
}

// appendPayload appends the packets of m to a polling payload.
func appendPayload(dst []byte, m *Message) []byte {
	for i := range m.frames() {
		dst = appendFrame(dst, m.frame(i))
	}
	return dst
}

// appendFrame appends one packet to a polling payload.
func appendFrame(dst []byte, f *frame) []byte {
	if len(dst) > 0 {
		dst = append(dst, payloadSeparator)
	}
	if f.binary {
		dst = append(dst, 'b')
		return base64.StdEncoding.AppendEncode(dst, f.wire[f.body:])
	}
	return append(dst, f.wire[f.body:]...)
}

// name is the name of a packet type in the protocol.
func (t packetType) name() string {
	if t < packetOpen || t > packetNoop {
		return "unknown"
	}
	return [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}[t-packetOpen]
}
