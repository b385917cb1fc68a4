// SPDX-License-Identifier: MIT

// This file reads the bytes of MessagePack values: their heads, and the pass that
// checks a whole value.

package msgpack

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// A kind is the kind of a value, independent of its size on the wire.
type kind byte

const (
	nilKind kind = iota
	undefinedKind
	boolKind  // num is 0 or 1
	uintKind  // num is the value
	intKind   // num is the two's complement of a negative value
	floatKind // num is the bits of a float64
	dateKind  // num is the two's complement of milliseconds since 1970
	strKind   // n bytes follow
	binKind   // n bytes follow
	extKind   // n bytes follow, ext is the type
	arrayKind // n values follow
	mapKind   // n pairs of values follow
)

// A head is the beginning of a value: all of it, for the kinds nothing follows.
type head struct {
	kind kind
	ext  int8
	n    int
	num  uint64
}

// Extension types.
const (
	jsExt        = 0 // of notepack: undefined, Date and ArrayBuffer, by size
	timestampExt = -1
)

// maxNesting bounds the recursion of every function here that follows values
// into depth. It is the ceiling of Limits.MaxDepth and a little more.
const maxNesting = 1100

// readHead reads the head of the value at i and returns where what follows it
// starts. It fails if that, with one byte for each value that follows, can't be
// in data.
func readHead(data []byte, i int) (h head, next int, ok bool) {
	if i >= len(data) {
		return h, i, false
	}
	c := data[i]
	i++
	switch {
	case c <= 0x7f:
		return head{kind: uintKind, num: uint64(c)}, i, true
	case c <= 0x8f:
		h = head{kind: mapKind, n: int(c & 0x0f)}
		return h, i, h.n <= (len(data)-i)/2
	case c <= 0x9f:
		h = head{kind: arrayKind, n: int(c & 0x0f)}
		return h, i, h.n <= len(data)-i
	case c <= 0xbf:
		h = head{kind: strKind, n: int(c & 0x1f)}
		return h, i, h.n <= len(data)-i
	case c >= 0xe0:
		return signed(int64(int8(c))), i, true
	}
	return readLongHead(data, i, c)
}

// readLongHead reads the head that starts with c, from 0xc0 to 0xdf; the rest is
// at i.
func readLongHead(data []byte, i int, c byte) (h head, next int, ok bool) {
	switch c {
	case 0xc0:
		return head{kind: nilKind}, i, true
	case 0xc2, 0xc3:
		return head{kind: boolKind, num: uint64(c & 1)}, i, true
	case 0xc4, 0xc5, 0xc6:
		return sized(data, i, binKind, 1<<(c-0xc4), 1)
	case 0xc7, 0xc8, 0xc9:
		return readExt(data, i, 1<<(c-0xc7))
	case 0xd9, 0xda, 0xdb:
		return sized(data, i, strKind, 1<<(c-0xd9), 1)
	case 0xdc, 0xdd:
		return sized(data, i, arrayKind, 2<<(c-0xdc), 1)
	case 0xde, 0xdf:
		return sized(data, i, mapKind, 2<<(c-0xde), 2)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return readFixExt(data, i, 1<<(c-0xd4))
	case 0xca:
		num, next, ok := number(data, i, 4)
		return head{kind: floatKind, num: math.Float64bits(float64(math.Float32frombits(uint32(num))))}, next, ok
	case 0xcb:
		num, next, ok := number(data, i, 8)
		return head{kind: floatKind, num: num}, next, ok
	case 0xcc, 0xcd, 0xce, 0xcf:
		num, next, ok := number(data, i, 1<<(c-0xcc))
		return head{kind: uintKind, num: num}, next, ok
	case 0xd0, 0xd1, 0xd2, 0xd3:
		size := 1 << (c - 0xd0)
		num, next, ok := number(data, i, size)
		shift := 64 - 8*size
		return signed(int64(num) << shift >> shift), next, ok
	}
	return h, i, false // 0xc1 has no meaning
}

func signed(n int64) head {
	if n >= 0 {
		return head{kind: uintKind, num: uint64(n)}
	}
	return head{kind: intKind, num: uint64(n)}
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
func sized(data []byte, i int, k kind, size, unit int) (head, int, bool) {
	num, next, ok := number(data, i, size)
	if !ok || num > uint64((len(data)-next)/unit) {
		return head{}, next, false
	}
	return head{kind: k, n: int(num)}, next, true
}

// readExt reads the rest of the head of an extension with a length of size bytes.
func readExt(data []byte, i, size int) (head, int, bool) {
	num, next, ok := number(data, i, size)
	if !ok || next >= len(data) || num > uint64(len(data)-next-1) {
		return head{}, next, false
	}
	h := head{kind: extKind, n: int(num), ext: int8(data[next])}
	if h.ext == jsExt {
		h.kind = binKind // an ArrayBuffer
	}
	return h, next + 1, true
}

// readFixExt reads the rest of the head of an extension of size bytes.
func readFixExt(data []byte, i, size int) (head, int, bool) {
	if len(data)-i < 1+size {
		return head{}, i, false
	}
	h := head{kind: extKind, n: size, ext: int8(data[i])}
	i++
	switch {
	case h.ext == jsExt && size == 1:
		return head{kind: undefinedKind}, i + 1, true
	case h.ext == jsExt && size == 8:
		return head{kind: dateKind, num: binary.BigEndian.Uint64(data[i:])}, i + 8, true
	}
	return h, i, true
}

// A checker follows values. With strict it also checks that strings are UTF-8,
// and that the keys of maps are strings or integers.
type checker struct {
	data     []byte
	maxDepth int
	strict   bool
	most     int // of count; zero means no bound
	count    int // arrays, and four times the maps
}

// valid reports whether raw is exactly one value.
func valid(raw []byte) bool {
	c := checker{data: raw, maxDepth: maxNesting, strict: true}
	end, ok := c.skip(0, 0)
	return ok && end == len(raw)
}

// skip returns where the value at i ends. depth is how many arrays and maps are
// around it.
func (c *checker) skip(i, depth int) (end int, ok bool) {
	h, i, ok := readHead(c.data, i)
	if !ok {
		return i, false
	}
	return c.rest(h, i, depth)
}

// rest is skip for a value whose head was read.
func (c *checker) rest(h head, i, depth int) (end int, ok bool) {
	switch h.kind {
	case strKind:
		return i + h.n, !c.strict || utf8.Valid(c.data[i:i+h.n])
	case binKind, extKind:
		return i + h.n, true
	case arrayKind, mapKind:
		c.count++
		if h.kind == mapKind {
			c.count += 3 // see parser.Limits.MaxElements
		}
		if depth >= c.maxDepth || c.most > 0 && c.count > c.most {
			return i, false
		}
		return c.elements(h, i, depth+1)
	}
	return i, true
}

// elements skips the elements of an array or a map.
func (c *checker) elements(h head, i, depth int) (end int, ok bool) {
	for range h.n {
		if h.kind == mapKind {
			if i, ok = c.key(i); !ok {
				return i, false
			}
		}
		if i < len(c.data) && (c.data[i] <= 0x7f || c.data[i] >= 0xe0) { // a small integer
			i++
			continue
		}
		if i, ok = c.skip(i, depth); !ok {
			return i, false
		}
	}
	return i, true
}

// key skips the key of a pair.
func (c *checker) key(i int) (end int, ok bool) {
	h, i, ok := readHead(c.data, i)
	if !ok || h.kind != strKind && h.kind != uintKind && h.kind != intKind {
		return i, false
	}
	return c.rest(h, i, 0)
}

// date returns the time of a Date, or of a timestamp, whose bytes are rest.
func (h head) date(rest []byte) (t time.Time, ok bool) {
	if h.kind == dateKind {
		return time.UnixMilli(int64(h.num)).UTC(), true
	}
	if h.kind != extKind || h.ext != timestampExt {
		return t, false
	}
	var sec int64
	var nsec uint32
	switch h.n {
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

// integer returns the value of a number without fraction, however it was written. big
// reports that it exceeds the range of int64 and is a uint64.
func (h head) integer() (n int64, big, ok bool) {
	switch h.kind {
	case uintKind:
		return int64(h.num), h.num > math.MaxInt64, true
	case intKind:
		return int64(h.num), false, true
	case floatKind:
		f := math.Float64frombits(h.num)
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

// float returns the value of a number.
func (h head) float() float64 {
	switch h.kind {
	case uintKind:
		return float64(h.num)
	case intKind:
		return float64(int64(h.num))
	}
	return math.Float64frombits(h.num)
}

func (h head) isNumber() bool {
	return h.kind == uintKind || h.kind == intKind || h.kind == floatKind
}

// isNull reports whether the value is nil or undefined.
func (h head) isNull() bool { return h.kind == nilKind || h.kind == undefinedKind }

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
