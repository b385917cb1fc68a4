// SPDX-License-Identifier: MIT

// This file holds the sizes of what an idle client keeps in memory.

package socketio

import (
	"testing"
	"unsafe"
)

// Sizes are those of allocations: an object takes the next larger class of the runtime,
// which are 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224 and 240 bytes.
func TestSizesOfAnIdleClient(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return // smaller
	}
	for _, row := range []struct {
		what      string
		got, most uintptr
	}{
		{"conn, one for each client", unsafe.Sizeof(conn{}), 144},
		{"Socket, one for each namespace of a client", unsafe.Sizeof(Socket{}), 128}, // with the engine's connection, which spares a broadcast a pointer
		{"listener, one for each handler of Socket.On", unsafe.Sizeof(listener{}), 48},
	} {
		if row.got > row.most {
			t.Errorf("%s: %d bytes, want at most %d", row.what, row.got, row.most)
		}
	}
}
