// SPDX-License-Identifier: MIT

// Opcodes, and how frames are written: headers, server frames that go out as
// they are, and masked frames for clients.

package ws

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// An Opcode says what a frame carries (RFC 6455, section 5.2).
type Opcode byte

// The opcodes of RFC 6455. All others are reserved.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// IsControl reports whether op is that of a control frame, reserved or not.
func (op Opcode) IsControl() bool { return op&0x8 != 0 }

func (op Opcode) String() string {
	switch op {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return fmt.Sprintf("opcode %d", byte(op))
}

// MaxHeader is the size in bytes of the longest unmasked frame header.
const MaxHeader = 10

// MaxControl is the size in bytes of the longest control frame payload.
const MaxControl = 125

const (
	finBit   = 0x80
	rsvBits  = 0x70
	rsv1Bit  = 0x40 // the message is compressed (RFC 7692)
	opBits   = 0x0F
	maskBit  = 0x80
	lenBits  = 0x7F
	len16    = 126 // a two byte length follows
	len64    = 127 // an eight byte length follows
	maskSize = 4
	// maxHeld is the size of the longest header of all: with a mask.
	maxHeld = MaxHeader + maskSize
)

// AppendHeader appends to dst the header of an unmasked, final frame whose
// payload has length bytes, and returns the extended slice. A length below
// zero panics.
func AppendHeader(dst []byte, op Opcode, length int) []byte {
	return appendHeader(dst, finBit|byte(op), 0, length)
}

// PutHeader writes the header of an unmasked, final frame into room so that it
// ends exactly at len(room), and returns where it starts. A sender leaves
// MaxHeader bytes in front of a payload, calls PutHeader(buf[:MaxHeader], ...)
// and sends buf[start:]. It panics when room is shorter than MaxHeader or
// length is below zero.
func PutHeader(room []byte, op Opcode, length int) (start int) {
	end := len(room)
	_ = room[MaxHeader-1]
	switch {
	case length < 0:
		panic("ws: negative frame length")
	case length < len16:
		start = end - 2
		room[start+1] = byte(length)
	case length <= 0xFFFF:
		start = end - 4
		room[start+1] = len16
		binary.BigEndian.PutUint16(room[start+2:], uint16(length))
	default:
		start = end - MaxHeader
		room[start+1] = len64
		binary.BigEndian.PutUint64(room[start+2:], uint64(length))
	}
	room[start] = finBit | byte(op)
	return start
}

// AppendFrame appends a whole unmasked, final frame to dst and returns the
// extended slice. The payload is copied.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(AppendHeader(dst, op, len(payload)), payload...)
}

// AppendMasked appends a frame as a client sends it: payload is copied and
// masked with key. A key must come from a source that a peer cannot predict
// (RFC 6455, section 10.3), and must be new for each frame.
func AppendMasked(dst []byte, op Opcode, fin bool, key [4]byte, payload []byte) []byte {
	first := byte(op)
	if fin {
		first |= finBit
	}
	dst = appendHeader(dst, first, maskBit, len(payload))
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	xor(dst[start:], binary.LittleEndian.Uint32(key[:]))
	return dst
}

func appendHeader(dst []byte, first, mask byte, length int) []byte {
	switch {
	case length < 0:
		panic("ws: negative frame length")
	case length < len16:
		return append(dst, first, mask|byte(length))
	case length <= 0xFFFF:
		return append(dst, first, mask|len16, byte(length>>8), byte(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, mask|len64), uint64(length))
}

// MaskFrame returns a copy of a whole unmasked frame as a client sends it, with a fresh
// mask from crypto/rand.
func MaskFrame(frame []byte) []byte {
	size := 2
	switch frame[1] & lenBits {
	case len16:
		size = 4
	case len64:
		size = MaxHeader
	}
	dst := make([]byte, 0, len(frame)+maskSize)
	dst = append(dst, frame[:size]...)
	dst[1] |= maskBit
	dst = append(dst, 0, 0, 0, 0)
	key := dst[size:]
	_, _ = rand.Read(key) // it does not fail
	dst = append(dst, frame[size:]...)
	xor(dst[size+maskSize:], binary.LittleEndian.Uint32(key))
	return dst
}
