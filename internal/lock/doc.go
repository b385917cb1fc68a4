// SPDX-License-Identifier: MIT

// Package lock provides the mutexes of the core. In an ordinary build they are those of
// package sync, and Op does nothing. With the build tag lockcount each acquisition is
// counted, so that a test can limit the number of locks on the path of an event.
//
// Reading order: lock.go, count.go.
package lock
