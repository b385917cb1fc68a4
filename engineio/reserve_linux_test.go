// SPDX-License-Identifier: MIT

// This file tests that the machine gives no memory for the reserve.

package engineio

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// A reserve is not touched, also if it is taken again after the collector has freed the one before.
func TestReserveIsNotTouched(t *testing.T) {
	if os.Getenv("RESERVE_ALONE") == "" { // memory of other tests would count as touched
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReserveIsNotTouched$")
		cmd.Env = append(os.Environ(), "RESERVE_ALONE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	debug.FreeOSMemory() // of the start of the process
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
