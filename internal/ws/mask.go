// SPDX-License-Identifier: MIT

// Masking and unmasking, a word at a time.

package ws

import (
	"encoding/binary"
	"math/bits"
)

// xor applies the mask key to b in place. The key's lowest byte belongs to
// b[0]. It returns the key rotated for the byte that follows b, so that a
// payload can be treated in pieces.
func xor(b []byte, key uint32) uint32 {
	if key == 0 {
		return 0
	}
	next := bits.RotateLeft32(key, -8*(len(b)&3))
	wide := uint64(key)<<32 | uint64(key)
	for len(b) >= 32 {
		w := b[:32]
		binary.LittleEndian.PutUint64(w[0:8], binary.LittleEndian.Uint64(w[0:8])^wide)
		binary.LittleEndian.PutUint64(w[8:16], binary.LittleEndian.Uint64(w[8:16])^wide)
		binary.LittleEndian.PutUint64(w[16:24], binary.LittleEndian.Uint64(w[16:24])^wide)
		binary.LittleEndian.PutUint64(w[24:32], binary.LittleEndian.Uint64(w[24:32])^wide)
		b = b[32:]
	}
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(wide)
		wide = bits.RotateLeft64(wide, -8)
	}
	return next
}
