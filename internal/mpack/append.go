// SPDX-License-Identifier: MIT

// This file writes values in the shortest form, like the JavaScript implementation.

package mpack

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// AppendBool appends true or false.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 0xc3)
	}
	return append(dst, 0xc2)
}

// AppendNil appends nil.
func AppendNil(dst []byte) []byte { return append(dst, 0xc0) }

// AppendUint appends an integer.
func AppendUint(dst []byte, v uint64) []byte {
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

// AppendInt appends an integer.
func AppendInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0:
		return AppendUint(dst, uint64(v))
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

// AppendFloat appends a number as JavaScript would: without fraction it is an
// integer. Negative zero keeps its sign, and integers that need more than 64 bits
// are floats, both of which JavaScript gets wrong.
func AppendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), jsNaN)
	}
	if f == math.Trunc(f) && !(f == 0 && math.Signbit(f)) {
		switch {
		case f >= 0 && f < 1<<64:
			return AppendUint(dst, uint64(f))
		case f < 0 && f >= -1<<63:
			return AppendInt(dst, int64(f))
		}
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

// jsNaN is the one NaN that JavaScript writes.
const jsNaN = 0x7ff8000000000000

// AppendFloat32 appends a number, in 32 bits unless it has no fraction.
func AppendFloat32(dst []byte, f float32) []byte {
	if float64(f) == math.Trunc(float64(f)) || math.IsNaN(float64(f)) {
		return AppendFloat(dst, float64(f))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xca), math.Float32bits(f))
}

// AppendStringHead appends the head of a string of n bytes.
func AppendStringHead(dst []byte, n int) []byte {
	switch {
	case n < 0x20:
		return append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		return append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
}

// AppendBinary appends b as binary data, also if it is nil.
func AppendBinary(dst, b []byte) []byte {
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

// AppendDate appends a Date, truncated to milliseconds.
func AppendDate(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 0xd7, jsExt), uint64(t.UnixMilli()))
}

// AppendArrayHead appends the head of an array of n values.
func AppendArrayHead(dst []byte, n int) []byte { return appendHead(dst, n, 0x90, 0xdc) }

// AppendMapHead appends the head of a map of n pairs.
func AppendMapHead(dst []byte, n int) []byte { return appendHead(dst, n, 0x80, 0xde) }

func appendHead(dst []byte, n int, fix, long byte) []byte {
	switch {
	case n < 0x10:
		return append(dst, fix|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
}

// FinishArrayHead replaces the one byte at start by the head of an array of n values. The
// bytes after it move if the head is longer.
func FinishArrayHead(dst []byte, start, n int) []byte { return finishHead(dst, start, n, 0x90, 0xdc) }

// FinishMapHead is FinishArrayHead for a map of n pairs.
func FinishMapHead(dst []byte, start, n int) []byte { return finishHead(dst, start, n, 0x80, 0xde) }

func finishHead(dst []byte, start, n int, fix, long byte) []byte {
	var buf [5]byte
	return slices.Replace(dst, start, start+1, appendHead(buf[:0], n, fix, long)...)
}
