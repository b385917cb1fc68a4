// SPDX-License-Identifier: MIT

//go:build lockcount

// This file holds the mutexes that count how often they are taken.

package lock

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Unlike all other state, these are at package level: a build with this tag makes one
// measurement at a time.
var (
	count   atomic.Int64
	tracing atomic.Bool
	placeMu sync.Mutex
	places  map[string]int // guarded by placeMu
)

// Count returns the number of operations since the process began.
func Count() int64 { return count.Load() }

// Trace starts to record the functions that operations come from.
func Trace() {
	placeMu.Lock()
	defer placeMu.Unlock()
	places = make(map[string]int)
	tracing.Store(true)
}

// Traced ends a Trace. It returns the number of operations by function.
func Traced() map[string]int {
	placeMu.Lock()
	defer placeMu.Unlock()
	tracing.Store(false)
	return places
}

// Op counts an operation that costs as much as a lock and has no Mutex.
func Op() {
	count.Add(1)
	if !tracing.Load() {
		return
	}
	place := "?"
	var pcs [8]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); !strings.HasPrefix(f.Function, "socketio/internal/lock.") {
			place = f.Function
			break
		}
	}
	placeMu.Lock()
	places[place]++
	placeMu.Unlock()
}

// A Mutex is a sync.Mutex that counts.
type Mutex struct{ mu sync.Mutex }

// Lock locks m.
func (m *Mutex) Lock() {
	Op()
	m.mu.Lock()
}

// TryLock tries to lock m and reports whether it did.
func (m *Mutex) TryLock() bool {
	Op()
	return m.mu.TryLock()
}

// Unlock unlocks m.
func (m *Mutex) Unlock() { m.mu.Unlock() }

// A RWMutex is a sync.RWMutex that counts.
type RWMutex struct{ mu sync.RWMutex }

// Lock locks m for writing.
func (m *RWMutex) Lock() {
	Op()
	m.mu.Lock()
}

// TryLock tries to lock m for writing and reports whether it did.
func (m *RWMutex) TryLock() bool {
	Op()
	return m.mu.TryLock()
}

// Unlock unlocks m for writing.
func (m *RWMutex) Unlock() { m.mu.Unlock() }

// RLock locks m for reading.
func (m *RWMutex) RLock() {
	Op()
	m.mu.RLock()
}

// RUnlock undoes an RLock.
func (m *RWMutex) RUnlock() { m.mu.RUnlock() }

// RLocker returns a Locker whose Lock is RLock.
func (m *RWMutex) RLocker() sync.Locker { return (*readLocker)(m) }

type readLocker RWMutex

func (l *readLocker) Lock()   { (*RWMutex)(l).RLock() }
func (l *readLocker) Unlock() { (*RWMutex)(l).RUnlock() }
