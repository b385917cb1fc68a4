// SPDX-License-Identifier: MIT

// This file holds the parts of a registry: entries, claims, quotas, and the interface of
// the owner.

package registry

import (
	"container/list"
	"errors"
	"sync/atomic"
)

// An Owner makes and ends the namespaces of a Registry. No lock of the registry is held
// while a method runs. A method may panic, which leaves nothing behind.
type Owner[N, P any] interface {
	// Make makes the namespace of an entry. It can't be found yet.
	Make(e *Entry[N, P]) N
	// Created is called when Of finds the namespace, but clients do not.
	Created(ns N)
	// Announce is called after Created, before clients find the namespace.
	Announce(ns N)
	// Close ends a namespace that is removed, or was made after Registry.End.
	Close(ns N)
	// Removed is called when the name is free again.
	Removed(ns N)
	// ParentOf returns the first of parents that matches a namespace made by the
	// application. ok is false if none does.
	ParentOf(name string, parents []P) (p P, ok bool)
}

// An Entry is the place of a namespace in its registry.
type Entry[N, P any] struct {
	// Immutable after Owner.Make.
	name     string
	parent   P
	children bool // parent is set
	ns       N

	used atomic.Bool

	// Guarded by Registry.mu.
	dynamic bool          // it is removed when users is 0
	users   int           // only counted if dynamic
	maker   *Quota        // the quota it counts for; nil if not dynamic
	vacant  *list.Element // in Registry.empty; may be nil
}

// Name returns the name of the namespace.
func (e *Entry[N, P]) Name() string { return e.name }

// Parent returns the parent that made the namespace. ok is false if the application made
// it.
func (e *Entry[N, P]) Parent() (p P, ok bool) { return e.parent, e.children }

// Use marks the namespace as used, so that Limits.KeepEmpty applies to it.
func (e *Entry[N, P]) Use() { e.used.Store(true) }

// A Quota counts the dynamic namespaces that exist and were made for one client. It
// outlives the client. The zero value is ready for use.
type Quota struct{ made int } // guarded by Registry.mu

// maxMade is how many of them there may be for one client once the registry is half full.
// Until then there is no limit: a page that reconnects after a restart makes all its
// namespaces again.
const maxMade = 32

// Errors of Adopt.
var (
	ErrQuota = errors.New("registry: the client has made too many namespaces")
	ErrFull  = errors.New("registry: there are too many namespaces")
)

// A claim reserves a name while its namespace is being made or removed.
type claim[N, P any] struct {
	entry *Entry[N, P]  // of a namespace that is being announced; guarded by Registry.mu
	done  chan struct{} // closed when the name is free, or its namespace found
}
