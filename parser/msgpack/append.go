// SPDX-License-Identifier: MIT

// This file writes the bytes of MessagePack values, in the shortest form, like the
// JavaScript implementation.

package msgpack

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 0xc3)
	}
	return append(dst, 0xc2)
}

func appendNil(dst []byte) []byte { return append(dst, 0xc0) }

func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v <= 0x7f:
		return append(dst, byte(v))
	case v <= math.MaxUint8:
		return append(dst, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), v)
}

func appendInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0:
		return appendUint(dst, uint64(v))
	case v >= -0x20:
		return append(dst, byte(v))
	case v >= math.MinInt8:
		return append(dst, 0xd0, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(v))
}

// appendFloat appends a number as JavaScript would: without fraction it is an
// integer. Negative zero keeps its sign, and integers that need more than 64 bits
// are floats, both of which JavaScript gets wrong.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), jsNaN)
	}
	if f == math.Trunc(f) && !(f == 0 && math.Signbit(f)) {
		switch {
		case f >= 0 && f < 1<<64:
			return appendUint(dst, uint64(f))
		case f < 0 && f >= -1<<63:
			return appendInt(dst, int64(f))
		}
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

// jsNaN is the one NaN that JavaScript writes.
const jsNaN = 0x7ff8000000000000

func appendFloat32(dst []byte, f float32) []byte {
	if float64(f) == math.Trunc(float64(f)) || math.IsNaN(float64(f)) {
		return appendFloat(dst, float64(f))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xca), math.Float32bits(f))
}

// appendString appends s. Invalid UTF-8 becomes U+FFFD, as in encoding/json.
func appendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = validUTF8(s)
	}
	switch n := len(s); {
	case n < 0x20:
		dst = append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
	}
	return append(dst, s...)
}

// validUTF8 returns s with U+FFFD for each byte that is not UTF-8.
func validUTF8(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

// appendBytes appends b as bin. nil is nil.
func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return appendNil(dst)
	}
	switch n := len(b); {
	case n <= math.MaxUint8:
		dst = append(dst, 0xc4, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xc5), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xc6), uint32(n))
	}
	return append(dst, b...)
}

// appendTime appends a Date, truncated to milliseconds.
func appendTime(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0xd7, jsExt), uint64(t.UnixMilli()))
}

func appendArrayHead(dst []byte, n int) []byte { return appendHead(dst, n, 0x90, 0xdc) }
func appendMapHead(dst []byte, n int) []byte   { return appendHead(dst, n, 0x80, 0xde) }

func appendHead(dst []byte, n int, fix, long byte) []byte {
	switch {
	case n < 0x10:
		return append(dst, fix|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
}

// finishHead replaces the one byte at start by the head that head appends for n; the
// bytes after it move if the head is longer.
func finishHead(dst []byte, start, n int, head func([]byte, int) []byte) []byte {
	var buf [5]byte
	return slices.Replace(dst, start, start+1, head(buf[:0], n)...)
}
