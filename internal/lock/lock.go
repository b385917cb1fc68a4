// SPDX-License-Identifier: MIT

//go:build !lockcount

// This file holds the mutexes of an ordinary build.

package lock

import "sync"

// Mutex is sync.Mutex.
type Mutex = sync.Mutex

// RWMutex is sync.RWMutex.
type RWMutex = sync.RWMutex

// Op counts an operation that costs as much as a lock and has no Mutex: a send on a
// channel, a receive, another round of a compare-and-swap. It does nothing here.
func Op() {}
