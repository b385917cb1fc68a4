// SPDX-License-Identifier: MIT

// This file reads the bytes of MessagePack one after the other.

package nodewire

import "socketio/internal/mpack"

// A reader reads from the bytes of a MessagePack value.
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

// head reads the head of the next value.
func (r *reader) head() (h mpack.Head, ok bool) {
	h, r.i, ok = mpack.ReadHead(r.data, r.i)
	return h, ok
}
