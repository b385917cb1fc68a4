// SPDX-License-Identifier: MIT

// Pooled memory for payloads that span reads or frames.

package ws

import (
	"math/bits"
	"sync"
)

// Buffers come in powers of two from 256 bytes to 1 MiB. Larger ones are left
// to the garbage collector.
const (
	minClass = 8
	maxClass = 20
)

var pools [maxClass - minClass + 1]sync.Pool

// ownFrom is the size of the smallest message that a Receiver may keep.
const ownFrom = 8 << 10

// A buffer collects a payload. Only the bytes up to len(b) were written for it; bytes of a
// previous user after them are never read.
type buffer struct {
	b []byte
}

// extend appends data, and returns the buffer that then holds everything; a
// nil buf is an empty one. total is the final length, or 0 if that is not known.
// Memory grows with the bytes that have arrived, not with the announced length: at most
// twice as much (256 bytes at least), and no more than total needs.
func (buf *buffer) extend(data []byte, total uint64) *buffer {
	if buf.holds(data) {
		buf.b = buf.b[:len(buf.b)+len(data)]
		return buf
	}
	buf = buf.grow(len(data), total)
	buf.b = append(buf.b, data...)
	return buf
}

// holds reports whether data is already in its place, right behind the payload; see
// Parser.Room.
func (buf *buffer) holds(data []byte) bool {
	if buf == nil || len(data) == 0 || len(data) > cap(buf.b)-len(buf.b) {
		return false
	}
	return &buf.b[:len(buf.b)+1][len(buf.b)] == &data[0]
}

// grow returns the buffer with room for more bytes, n of them at least.
func (buf *buffer) grow(n int, total uint64) *buffer {
	have := 0
	if buf != nil {
		have = len(buf.b)
	}
	if buf != nil && n <= cap(buf.b)-have {
		return buf
	}
	grown := newBuffer(have+n, total)
	if buf != nil {
		grown.b = append(grown.b, buf.b...)
		buf.release()
	}
	return grown
}

// newBuffer returns an empty buffer with room for need bytes at least.
func newBuffer(need int, total uint64) *buffer {
	most := 2 * uint64(need)
	if total != 0 {
		most = max(min(most, total), uint64(need))
	}
	if total >= ownFrom && most == total {
		return &buffer{b: make([]byte, 0, total)} // it fits exactly, so that its receiver may keep it
	}
	class := max(bits.Len(uint(need)), minClass) // 2^class is above need, and at most twice as much
	if total != 0 && total <= 1<<maxClass {
		class = min(class, max(bits.Len64(most-1), minClass))
	}
	if class > maxClass {
		return &buffer{b: make([]byte, 0, most)}
	}
	if buf, ok := pools[class-minClass].Get().(*buffer); ok {
		return buf
	}
	return &buffer{b: make([]byte, 0, 1<<class)}
}

// release returns the buffer to its pool. It must not be used afterwards.
func (buf *buffer) release() {
	class := bits.Len(uint(cap(buf.b))) - 1
	if class < minClass || class > maxClass || cap(buf.b) != 1<<class {
		return
	}
	buf.b = buf.b[:0]
	pools[class-minClass].Put(buf)
}
