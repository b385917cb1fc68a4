// SPDX-License-Identifier: MIT

// This file holds the framing of Engine.IO 3, for clients of Socket.IO 1 and 2:
// packets have a length instead of a separator, and bytes have a form of their own.

package engineio

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"socketio/internal/ws"
)

var errPayloadV3 = errors.New("engineio: malformed payload")

func frameV3(f frame, asText bool) frame {
	data := f.wire[f.body:]
	switch {
	case !f.binary:
		return f
	case asText:
		return frameBase64(f, "b4")
	}
	wire := ws.AppendHeader(make([]byte, 0, ws.MaxHeader+1+len(data)), ws.Binary, 1+len(data))
	body := len(wire)
	wire = append(wire, byte(packetMessage-'0'))
	return frame{wire: append(wire, data...), body: uint8(body), binary: true}
}

// frameBase64 is f as text, if it is bytes.
func frameBase64(f frame, prefix string) frame {
	if !f.binary {
		return f
	}
	data := f.wire[f.body:]
	n := len(prefix) + base64.StdEncoding.EncodedLen(len(data))
	wire := ws.AppendHeader(make([]byte, 0, ws.MaxHeader+n), ws.Text, n)
	body := len(wire)
	wire = append(wire, prefix...)
	return frame{wire: base64.StdEncoding.AppendEncode(wire, data), body: uint8(body)}
}

// appendPayloadV3 appends messages to a polling payload of revision 3. The text
// form is "<length>:<packet>" for each packet, with the length in UTF-16 units and bytes as
// "b4" and base64. The binary form, for clients that accept it and batches with bytes, is
// for each packet 0 (text) or 1 (bytes), the decimal digits of its length as one byte each,
// 255, and the packet; bytes begin with their type, 4.
func appendPayloadV3(dst []byte, items []*Message, asBinary bool) []byte {
	for _, m := range items {
		for i := range m.frames() {
			f := m.frame(i)
			if asBinary {
				dst = appendCountedBytes(dst, f)
			} else {
				dst = appendCountedText(dst, f)
			}
		}
	}
	return dst
}

func appendCountedText(dst []byte, f *frame) []byte {
	data := f.wire[f.body:]
	if f.binary {
		dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(data))), 10)
		dst = append(dst, ":b4"...)
		return base64.StdEncoding.AppendEncode(dst, data)
	}
	dst = strconv.AppendInt(dst, int64(utf16Length(data)), 10)
	dst = append(dst, ':')
	return append(dst, data...)
}

func appendCountedBytes(dst []byte, f *frame) []byte {
	data := f.wire[f.body:]
	n := len(data)
	if f.binary {
		dst = append(dst, 1)
		n++
	} else {
		dst = append(dst, 0)
	}
	for _, digit := range strconv.Itoa(n) {
		dst = append(dst, byte(digit-'0'))
	}
	dst = append(dst, 255)
	if f.binary {
		dst = append(dst, byte(packetMessage-'0'))
	}
	return append(dst, data...)
}

// hasBinary reports whether any of the messages has bytes.
func hasBinary(items []*Message) bool {
	return slices.ContainsFunc(items, (*Message).hasBinary)
}

// maxLengthDigits bounds the digits of a length, so that it fits an int anywhere.
const maxLengthDigits = 9

// nextV3 is payload.next of revision 3.
func (in *payload) nextV3() (packet, error) {
	if in.packets++; in.packets > maxPayloadPackets {
		return packet{}, errTooMany
	}
	var first []byte
	var err error
	binary := false
	if in.binary {
		first, binary, in.rest, err = nextCountedBytes(in.rest)
	} else {
		first, in.rest, err = nextCountedText(in.rest)
	}
	if err != nil {
		return packet{}, err
	}
	in.done = len(in.rest) == 0
	return decodePacketV3(first, binary)
}

// nextCountedText cuts the first packet off a text payload.
func nextCountedText(body []byte) (first, rest []byte, err error) {
	n, i := 0, 0
	for ; i < len(body) && body[i] != ':'; i++ {
		if body[i] < '0' || body[i] > '9' || i == maxLengthDigits {
			return nil, nil, errPayloadV3
		}
		n = 10*n + int(body[i]-'0')
	}
	if i == 0 || i == len(body) || n == 0 {
		return nil, nil, errPayloadV3
	}
	end, ok := utf16Offset(body[i+1:], n)
	if !ok {
		return nil, nil, errPayloadV3
	}
	return body[i+1 : i+1+end], body[i+1+end:], nil
}

// nextCountedBytes cuts the first packet off a binary payload.
func nextCountedBytes(body []byte) (first []byte, binary bool, rest []byte, err error) {
	if len(body) == 0 || body[0] > 1 {
		return nil, false, nil, errPayloadV3
	}
	n, i := 0, 1
	for ; i < len(body) && body[i] != 255; i++ {
		if body[i] > 9 || i > maxLengthDigits {
			return nil, false, nil, errPayloadV3
		}
		n = 10*n + int(body[i])
	}
	if i == 1 || i == len(body) || n == 0 || n > len(body)-i-1 {
		return nil, false, nil, errPayloadV3
	}
	first, binary, rest = body[i+1:i+1+n], body[0] == 1, body[i+1+n:]
	if !binary && !utf8.Valid(first) {
		return nil, false, nil, errInvalidUTF8
	}
	return first, binary, rest, nil
}

// decodePacketV3 decodes one packet. Bytes begin with their type, as a number in
// a binary packet and as a digit after "b" in a text one. Base64 is decoded in
// place.
func decodePacketV3(b []byte, binary bool) (packet, error) {
	switch {
	case len(b) == 0:
		return packet{}, errEmptyPacket
	case binary:
		if b[0] != byte(packetMessage-'0') {
			return packet{}, errUnknownPacket
		}
		return packet{typ: packetMessage, binary: true, data: b[1:]}, nil
	case b[0] == 'b':
		if len(b) < 2 || b[1] != byte(packetMessage) {
			return packet{}, errUnknownPacket
		}
		data, err := decodeBase64(b[2:])
		if err != nil {
			return packet{}, err
		}
		return packet{typ: packetMessage, binary: true, data: data}, nil
	}
	return decodePacket(b)
}

// utf16Length is the length of text in UTF-16 units.
func utf16Length(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		i += size
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// utf16Offset is the number of bytes that n UTF-16 units of text take. It reports
// false if there are fewer, or if the last would be half a pair.
func utf16Offset(text []byte, n int) (offset int, ok bool) {
	for n > 0 && offset < len(text) {
		r, size := utf8.DecodeRune(text[offset:])
		offset += size
		n--
		if r > 0xffff {
			n--
		}
	}
	return offset, n == 0
}
