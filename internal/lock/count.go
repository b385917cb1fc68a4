// SPDX-License-Identifier: MIT

//go:build lockcount

// This file holds the mutexes that count how often they are taken.

package lock

import (
	"sync"
	"sync/atomic"
)

// count is at package level, unlike anything else: a build with this tag has one
// measurement at a time.
var count atomic.Int64

// Count returns how many operations there were since the process began.
func Count() int64 { return count.Load() }

// Op counts an operation that costs as much as a lock and has no Mutex.
func Op() { count.Add(1) }

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
