// SPDX-License-Identifier: MIT

// This file reads and writes the bytes of MessagePack, in the dialect of notepack.io 3
// and @msgpack/msgpack 2, which the adapters of Node.js use.

package nodewire

import (
	"encoding/binary"
	"math"
	"time"
)

// A kind is the kind of a value, independent of its size in bytes.
type kind byte

const (
	badKind   kind = iota
	nullKind       // nil
	gapKind        // undefined, of older versions
	boolKind       // num is 0 or 1
	uintKind       // num is the value
	intKind        // num is the two's complement of a negative value
	floatKind      // num is the bits of a float64
	dateKind       // num is the two's complement of milliseconds since 1970
	textKind       // n bytes follow
	bytesKind      // n bytes follow
	extKind        // n bytes follow, ext is the type
	arrayKind      // n values follow
	mapKind        // n pairs follow
)

// A head is the beginning of a value.
type head struct {
	kind kind
	ext  int8
	n    int
	num  uint64
}

// A reader reads heads from data. Each read fails if what must follow the head, with one
// byte for each value, can't be in data.
type reader struct {
	data []byte
	i    int
}

// take returns the next n bytes, which alias data.
func (r *reader) take(n int) []byte {
	b := r.data[r.i : r.i+n : r.i+n]
	r.i += n
	return b
}

// size reads a big-endian number of width bytes.
func (r *reader) size(width int) (num uint64, ok bool) {
	if len(r.data)-r.i < width {
		return 0, false
	}
	for _, c := range r.take(width) {
		num = num<<8 | uint64(c)
	}
	return num, true
}

// fits returns a head for n units that follow, of at least unit bytes each.
func (r *reader) fits(k kind, n uint64, unit int) head {
	if n > uint64((len(r.data)-r.i)/unit) {
		return head{}
	}
	return head{kind: k, n: int(n)}
}

// head reads the head of the next value. Its kind is badKind if there is none.
func (r *reader) head() head {
	if r.i >= len(r.data) {
		return head{}
	}
	c := r.data[r.i]
	r.i++
	switch {
	case c <= 0x7f:
		return head{kind: uintKind, num: uint64(c)}
	case c <= 0x8f:
		return r.fits(mapKind, uint64(c&0x0f), 2)
	case c <= 0x9f:
		return r.fits(arrayKind, uint64(c&0x0f), 1)
	case c <= 0xbf:
		return r.fits(textKind, uint64(c&0x1f), 1)
	case c >= 0xe0:
		return head{kind: intKind, num: uint64(int64(int8(c)))}
	case c == 0xc0:
		return head{kind: nullKind}
	case c == 0xc2, c == 0xc3:
		return head{kind: boolKind, num: uint64(c & 1)}
	}
	return r.longHead(c)
}

// longHead reads a head whose first byte c is followed by a number.
func (r *reader) longHead(c byte) head {
	var width int
	switch {
	case c >= 0xd4 && c <= 0xd8: // an extension of fixed size
		return r.ext(uint64(1)<<(c-0xd4), true)
	case c >= 0xc4 && c <= 0xc6:
		width = 1 << (c - 0xc4)
	case c >= 0xc7 && c <= 0xc9:
		width = 1 << (c - 0xc7)
	case c == 0xca, c == 0xcb:
		width = 4 << (c - 0xca)
	case c >= 0xcc && c <= 0xcf:
		width = 1 << (c - 0xcc)
	case c >= 0xd0 && c <= 0xd3:
		width = 1 << (c - 0xd0)
	case c >= 0xd9 && c <= 0xdb:
		width = 1 << (c - 0xd9)
	case c >= 0xdc:
		width = 2 << ((c - 0xdc) & 1)
	default:
		return head{} // 0xc1 has no meaning
	}
	num, ok := r.size(width)
	switch {
	case !ok:
		return head{}
	case c <= 0xc6:
		return r.fits(bytesKind, num, 1)
	case c <= 0xc9:
		return r.ext(num, false)
	case c == 0xca:
		return head{kind: floatKind, num: math.Float64bits(float64(math.Float32frombits(uint32(num))))}
	case c == 0xcb:
		return head{kind: floatKind, num: num}
	case c <= 0xcf:
		return head{kind: uintKind, num: num}
	case c <= 0xd3:
		shift := 64 - 8*width
		n := int64(num) << shift >> shift
		if n >= 0 {
			return head{kind: uintKind, num: uint64(n)}
		}
		return head{kind: intKind, num: uint64(n)}
	case c <= 0xdb:
		return r.fits(textKind, num, 1)
	case c <= 0xdd:
		return r.fits(arrayKind, num, 1)
	}
	return r.fits(mapKind, num, 2)
}

// Extension types.
const (
	oldExt       = 0 // of notepack.io 2: undefined, Date and ArrayBuffer, by size
	timestampExt = -1
)

// ext reads the type of an extension of n bytes, whose first byte says its size if it is
// fixed. Those of older versions have kinds of their own.
func (r *reader) ext(n uint64, fixed bool) head {
	if r.i >= len(r.data) {
		return head{}
	}
	ext := int8(r.data[r.i])
	r.i++
	k := extKind
	if ext == oldExt {
		switch {
		case fixed && n == 1:
			k = gapKind
		case fixed && n == 8:
			k = dateKind
		case !fixed:
			k = bytesKind
		}
	}
	h := r.fits(k, n, 1)
	h.ext = ext
	switch h.kind {
	case gapKind:
		r.take(h.n)
	case dateKind:
		h.num, _ = r.size(8)
	}
	return h
}

// timestamp returns the time of an extension of type -1.
func timestamp(b []byte) (t time.Time, ok bool) {
	var sec int64
	var nsec uint32
	switch len(b) {
	case 4:
		sec = int64(binary.BigEndian.Uint32(b))
	case 8:
		num := binary.BigEndian.Uint64(b)
		sec, nsec = int64(num&(1<<34-1)), uint32(num>>34)
	case 12:
		sec, nsec = int64(binary.BigEndian.Uint64(b[4:])), binary.BigEndian.Uint32(b)
	default:
		return t, false
	}
	return time.Unix(sec, int64(nsec)).UTC(), nsec < 1e9
}

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

// appendFloat appends a number as JavaScript does: without fraction it is an integer, if
// it has at most 64 bits.
func appendFloat(dst []byte, f float64) []byte {
	if f == math.Trunc(f) {
		switch {
		case f >= 0 && f < 1<<64:
			return appendUint(dst, uint64(f))
		case f < 0 && f >= -1<<63:
			return appendInt(dst, int64(f))
		}
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

// appendTextHead appends the head of a text of n bytes.
func appendTextHead(dst []byte, n int) []byte {
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

func appendBytes(dst, b []byte) []byte {
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

// appendHead appends the head of an array or a map, by the first bytes of their forms.
func appendHead(dst []byte, n int, fix, long byte) []byte {
	switch {
	case n < 0x10:
		return append(dst, fix|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, long+1), uint32(n))
}
