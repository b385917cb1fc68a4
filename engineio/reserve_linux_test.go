// SPDX-License-Identifier: MIT

// This file tests that the machine gives no memory for the reserve.

package engineio

import (
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// A reserve is not touched, also if it is taken again after the collector has freed the one before.
func TestReserveIsNotTouched(t *testing.T) {
	debug.FreeOSMemory() // of other tests
	for range 4 {
		var r reserve
		r.recent.Store(true)
		r.timer = time.NewTimer(reserveTime)
		r.turn()
		start := uintptr(unsafe.Pointer(unsafe.StringData(r.memory.String())))
		page := uintptr(os.Getpagesize())
		pages := make([]byte, uintptr(r.memory.Cap())/page)
		_, _, err := syscall.Syscall(syscall.SYS_MINCORE, start&^(page-1), uintptr(len(pages))*page, uintptr(unsafe.Pointer(&pages[0])))
		if err != 0 {
			t.Fatal(err)
		}
		touched := 0
		for _, in := range pages {
			touched += int(in & 1)
		}
		if touched > len(pages)/10 {
			t.Errorf("%d of %d pages were touched", touched, len(pages))
		}
		r.close()
		runtime.GC()
	}
}
