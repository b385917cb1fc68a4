// SPDX-License-Identifier: MIT

// Package fields encodes values one after the other, without names: integers as the
// varints of encoding/binary, texts and bytes with their length before them. It is for what
// this module writes and reads itself: replies kept with a session, requests between servers.
package fields

import "encoding/binary"

// AppendText appends a text, which Reader.Text and Reader.Bytes read.
func AppendText[T ~string | ~[]byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// AppendBool appends a byte, which Reader.Bool reads.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// A Reader reads values in the order in which they were appended. After an error it has
// nothing left, and all values are zero.
type Reader struct {
	data   []byte
	failed bool
}

// NewReader returns a Reader of data. It keeps data.
func NewReader(data []byte) Reader { return Reader{data: data} }

// Left returns the number of bytes that have not been read.
func (r *Reader) Left() int { return len(r.data) }

// Failed reports whether a value could not be read.
func (r *Reader) Failed() bool { return r.failed }

// Fail makes the Reader fail, because a value makes no sense.
func (r *Reader) Fail() { r.data, r.failed = nil, true }

// take reads n bytes.
func (r *Reader) take(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.Fail()
		return nil
	}
	taken := r.data[:n:n]
	r.data = r.data[n:]
	return taken
}

// Bool reads what AppendBool has appended.
func (r *Reader) Bool() bool {
	b := r.take(1)
	if b != nil && b[0] > 1 {
		r.Fail()
	}
	return b != nil && b[0] == 1
}

// Uint reads an unsigned varint.
func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.data)
	return advanced(r, v, n)
}

// Int reads a signed varint.
func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.data)
	return advanced(r, v, n)
}

// advanced returns v, which has taken n bytes, or 0 if n is not positive.
func advanced[T uint64 | int64](r *Reader, v T, n int) T {
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

// Count reads the number of elements that follow, each of which takes size bytes or more.
// There can't be more of them than the rest of the data has room for.
func (r *Reader) Count(size int) int {
	n := r.Uint()
	if n > uint64(len(r.data)/size) {
		r.Fail()
		return 0
	}
	return int(n)
}

// Bytes reads what AppendText has appended. The result is part of the data.
func (r *Reader) Bytes() []byte { return r.take(r.Uint()) }

// Text reads what AppendText has appended.
func (r *Reader) Text() string { return string(r.Bytes()) }
