// SPDX-License-Identifier: MIT

// This file holds the sizes of what an idle connection keeps in memory.

package engineio

import (
	"testing"
	"unsafe"
)

// Sizes are those of allocations: an object takes the next larger class of the runtime,
// which are 192, 208, 224, 240, 256, 288, 320, 352, 384, 416 and 448 bytes.
func TestSizesOfAnIdleConnection(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return // smaller
	}
	for _, row := range []struct {
		what      string
		got, most uintptr
	}{
		{"Conn", unsafe.Sizeof(Conn{}), 240},
		{"wsTransport, one for each WebSocket", unsafe.Sizeof(wsTransport{}), 144},
		{"polling, one for each session that begins on polling", unsafe.Sizeof(polling{}), 256},
	} {
		if row.got > row.most {
			t.Errorf("%s: %d bytes, want at most %d", row.what, row.got, row.most)
		}
	}
}
