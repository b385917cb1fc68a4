// SPDX-License-Identifier: MIT

// The leak check that every package's TestMain runs: after the tests no
// goroutine may be left.

// Package leakcheck fails a test binary that leaves goroutines behind.
//
// A package uses it with one line:
//
//	func TestMain(m *testing.M) { leakcheck.Main(m) }
//
// Reading order: leakcheck.go (what is left after the tests), census.go (what a test leaves
// that counts).
package leakcheck

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Grace is the time for goroutines to end after the last test.
const Grace = 30 * time.Second

// Main runs the tests of m and ends the process with their exit code. When the tests
// passed, it waits up to [Grace] until no goroutines are left except those of the runtime
// and of the testing package; if some remain, it prints their stacks and ends the process
// with code 1. It does not return.
//
// Idle connections of http.DefaultTransport are closed first, since they have no owner.
// Other clients must close their own.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := Wait(Grace); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "leakcheck: %d goroutines left after the tests:\n\n%s\n",
				len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// Wait polls until no goroutine but the caller's is left, for at most grace,
// and returns the stacks of those that remain.
func Wait(grace time.Duration) []string {
	deadline := time.Now().Add(grace)
	pause := 50 * time.Microsecond
	for {
		http.DefaultClient.CloseIdleConnections()
		runtime.Gosched()
		left := leftovers()
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
}

// leftovers returns the stacks of all goroutines that should not exist. The
// runtime leaves its own out of the listing, and puts the caller's first.
func leftovers() []string {
	var left []string
	for _, stack := range strings.Split(allStacks(), "\n\n")[1:] {
		if !expected(stack) {
			left = append(left, strings.TrimSpace(stack))
		}
	}
	return left
}

func allStacks() string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			return string(buf[:n])
		}
		buf = make([]byte, 2*len(buf))
	}
}

// standing names functions of the standard library whose goroutines, once started, live
// as long as the process.
var standing = []string{
	"os/signal.signal_recv(",
	"os/signal.loop(",
	"runtime.ensureSigM.",
	"runtime.ReadTrace(",
	"runtime/trace.Start.",
	"testing.(*M).",
	"testing.runFuzzing(",
	"testing.runFuzzTests(",
	"internal/fuzz.",
}

func expected(stack string) bool {
	if strings.TrimSpace(stack) == "" {
		return true
	}
	for _, name := range standing {
		if strings.Contains(stack, name) {
			return true
		}
	}
	return false
}
