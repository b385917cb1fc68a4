// SPDX-License-Identifier: MIT

// This file reads the heads of values.

package mpack

import (
	"encoding/binary"
	"math"
	"time"
)

// A Kind is the kind of a value, independent of its size on the wire.
type Kind byte

const (
	Nil Kind = iota
	Undefined
	Bool      // Num is 0 or 1
	Uint      // Num is the value
	Int       // Num is the two's complement of a negative value
	Float     // Num is the bits of a float64
	Date      // Num is the two's complement of milliseconds since 1970
	String    // N bytes follow
	Binary    // N bytes follow
	Extension // N bytes follow, Ext is the type
	Array     // N values follow
	Map       // N pairs of values follow
)

// A Head is the beginning of a value. For the kinds that nothing follows it is all of it.
type Head struct {
	Kind Kind
	Ext  int8
	N    int
	Num  uint64
}

// Extension types.
const (
	jsExt        = 0 // of notepack: undefined, Date and ArrayBuffer, by size
	timestampExt = -1
)

// ReadHead reads the head of the value at i and returns where what follows it
// starts. It fails if that, with one byte for each value that follows, can't be
// in data.
func ReadHead(data []byte, i int) (h Head, next int, ok bool) {
	if i >= len(data) {
		return h, i, false
	}
	c := data[i]
	i++
	switch {
	case c <= 0x7f:
		return Head{Kind: Uint, Num: uint64(c)}, i, true
	case c <= 0x8f:
		h = Head{Kind: Map, N: int(c & 0x0f)}
		return h, i, h.N <= (len(data)-i)/2
	case c <= 0x9f:
		h = Head{Kind: Array, N: int(c & 0x0f)}
		return h, i, h.N <= len(data)-i
	case c <= 0xbf:
		h = Head{Kind: String, N: int(c & 0x1f)}
		return h, i, h.N <= len(data)-i
	case c >= 0xe0:
		return signed(int64(int8(c))), i, true
	}
	return readLongHead(data, i, c)
}

// readLongHead reads the head that starts with c, from 0xc0 to 0xdf; the rest is
// at i.
func readLongHead(data []byte, i int, c byte) (h Head, next int, ok bool) {
	switch c {
	case 0xc0:
		return Head{Kind: Nil}, i, true
	case 0xc2, 0xc3:
		return Head{Kind: Bool, Num: uint64(c & 1)}, i, true
	case 0xc4, 0xc5, 0xc6:
		return sized(data, i, Binary, 1<<(c-0xc4), 1)
	case 0xc7, 0xc8, 0xc9:
		return readExt(data, i, 1<<(c-0xc7))
	case 0xd9, 0xda, 0xdb:
		return sized(data, i, String, 1<<(c-0xd9), 1)
	case 0xdc, 0xdd:
		return sized(data, i, Array, 2<<(c-0xdc), 1)
	case 0xde, 0xdf:
		return sized(data, i, Map, 2<<(c-0xde), 2)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return readFixExt(data, i, 1<<(c-0xd4))
	case 0xca:
		num, next, ok := number(data, i, 4)
		return Head{Kind: Float, Num: math.Float64bits(float64(math.Float32frombits(uint32(num))))}, next, ok
	case 0xcb:
		num, next, ok := number(data, i, 8)
		return Head{Kind: Float, Num: num}, next, ok
	case 0xcc, 0xcd, 0xce, 0xcf:
		num, next, ok := number(data, i, 1<<(c-0xcc))
		return Head{Kind: Uint, Num: num}, next, ok
	case 0xd0, 0xd1, 0xd2, 0xd3:
		size := 1 << (c - 0xd0)
		num, next, ok := number(data, i, size)
		shift := 64 - 8*size
		return signed(int64(num) << shift >> shift), next, ok
	}
	return h, i, false // 0xc1 has no meaning
}

func signed(n int64) Head {
	if n >= 0 {
		return Head{Kind: Uint, Num: uint64(n)}
	}
	return Head{Kind: Int, Num: uint64(n)}
}

// number reads a big-endian number of size bytes.
func number(data []byte, i, size int) (num uint64, next int, ok bool) {
	if len(data)-i < size {
		return 0, i, false
	}
	switch size {
	case 1:
		num = uint64(data[i])
	case 2:
		num = uint64(binary.BigEndian.Uint16(data[i:]))
	case 4:
		num = uint64(binary.BigEndian.Uint32(data[i:]))
	default:
		num = binary.BigEndian.Uint64(data[i:])
	}
	return num, i + size, true
}

// sized reads the rest of a head with a length of size bytes, which counts units
// of at least unit bytes each.
func sized(data []byte, i int, k Kind, size, unit int) (Head, int, bool) {
	num, next, ok := number(data, i, size)
	if !ok || num > uint64((len(data)-next)/unit) {
		return Head{}, next, false
	}
	return Head{Kind: k, N: int(num)}, next, true
}

// readExt reads the rest of the head of an extension with a length of size bytes.
func readExt(data []byte, i, size int) (Head, int, bool) {
	num, next, ok := number(data, i, size)
	if !ok || next >= len(data) || num > uint64(len(data)-next-1) {
		return Head{}, next, false
	}
	h := Head{Kind: Extension, N: int(num), Ext: int8(data[next])}
	if h.Ext == jsExt {
		h.Kind = Binary // an ArrayBuffer
	}
	return h, next + 1, true
}

// readFixExt reads the rest of the head of an extension of size bytes.
func readFixExt(data []byte, i, size int) (Head, int, bool) {
	if len(data)-i < 1+size {
		return Head{}, i, false
	}
	h := Head{Kind: Extension, N: size, Ext: int8(data[i])}
	i++
	switch {
	case h.Ext == jsExt && size == 1:
		return Head{Kind: Undefined}, i + 1, true
	case h.Ext == jsExt && size == 8:
		return Head{Kind: Date, Num: binary.BigEndian.Uint64(data[i:])}, i + 8, true
	}
	return h, i, true
}

// Date returns the time of a Date, or of a timestamp, whose bytes are rest.
func (h Head) Date(rest []byte) (t time.Time, ok bool) {
	if h.Kind == Date {
		return time.UnixMilli(int64(h.Num)).UTC(), true
	}
	if h.Kind != Extension || h.Ext != timestampExt {
		return t, false
	}
	var sec int64
	var nsec uint32
	switch h.N {
	case 4:
		sec = int64(binary.BigEndian.Uint32(rest))
	case 8:
		num := binary.BigEndian.Uint64(rest)
		sec, nsec = int64(num&(1<<34-1)), uint32(num>>34)
	case 12:
		sec, nsec = int64(binary.BigEndian.Uint64(rest[4:])), binary.BigEndian.Uint32(rest)
	default:
		return t, false
	}
	return time.Unix(sec, int64(nsec)).UTC(), nsec < 1e9
}

// Integer returns the value of a number without fraction, however it was written. big
// reports that it exceeds the range of int64 and is a uint64.
func (h Head) Integer() (n int64, big, ok bool) {
	switch h.Kind {
	case Uint:
		return int64(h.Num), h.Num > math.MaxInt64, true
	case Int:
		return int64(h.Num), false, true
	case Float:
		f := math.Float64frombits(h.Num)
		switch {
		case f != math.Trunc(f): // NaN as well
		case f >= -1<<63 && f < 1<<63:
			return int64(f), false, true
		case f >= 1<<63 && f < 1<<64:
			return int64(uint64(f)), true, true
		}
	}
	return 0, false, false
}

// Float returns the value of a number.
func (h Head) Float() float64 {
	switch h.Kind {
	case Uint:
		return float64(h.Num)
	case Int:
		return float64(int64(h.Num))
	}
	return math.Float64frombits(h.Num)
}

// IsNumber reports whether the value is a number.
func (h Head) IsNumber() bool {
	return h.Kind == Uint || h.Kind == Int || h.Kind == Float
}

// IsNull reports whether the value is nil or undefined.
func (h Head) IsNull() bool { return h.Kind == Nil || h.Kind == Undefined }
