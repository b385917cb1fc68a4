// SPDX-License-Identifier: MIT

// This file holds Registry. Namespaces that clients make are in dynamic.go.

package registry

import (
	"container/list"

	"socketio/internal/lock"
)

// Limits are the bounds of a Registry.
type Limits struct {
	MaxDynamic int  // dynamic namespaces at once
	KeepEmpty  bool // keep used namespaces when empty, until MaxDynamic is reached
}

// A Registry holds the namespaces N of a server and the parents P that make some of them
// on demand. All methods may be called from any goroutine.
type Registry[N, P any] struct {
	// Immutable after New.
	owner  Owner[N, P]
	limits Limits

	mu      lock.RWMutex // guards the fields below; not held while the owner is called
	entries map[string]*Entry[N, P]
	claims  map[string]*claim[N, P]
	parents []P       // copied when it changes
	dynamic int       // namespaces that may be removed
	empty   list.List // of *Entry: kept empty namespaces, the longest empty first
	ended   bool
}

// New returns an empty Registry.
func New[N, P any](owner Owner[N, P], limits Limits) *Registry[N, P] {
	return &Registry[N, P]{
		owner: owner, limits: limits,
		entries: make(map[string]*Entry[N, P]), claims: make(map[string]*claim[N, P]),
	}
}

// Lookup returns a namespace that clients can find. It does not count a user.
func (r *Registry[N, P]) Lookup(name string) (ns N, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e := r.entries[name]; e != nil {
		return e.ns, true
	}
	return ns, false
}

// settleLocked removes a namespace from the dynamic ones.
func (r *Registry[N, P]) settleLocked(e *Entry[N, P]) {
	r.dynamic--
	e.maker.made--
	r.occupyLocked(e)
}

// occupyLocked removes a namespace from the empty ones.
func (r *Registry[N, P]) occupyLocked(e *Entry[N, P]) {
	if e.vacant != nil {
		r.empty.Remove(e.vacant)
		e.vacant = nil
	}
}

func (r *Registry[N, P]) claimLocked(name string) *claim[N, P] {
	c := &claim[N, P]{done: make(chan struct{})}
	r.claims[name] = c
	return c
}

// drop releases a claim.
func (r *Registry[N, P]) drop(name string, c *claim[N, P]) {
	r.mu.Lock()
	delete(r.claims, name)
	r.mu.Unlock()
	close(c.done)
}

// introduce makes a namespace and announces it to the owner, then to clients.
func (r *Registry[N, P]) introduce(c *claim[N, P], e *Entry[N, P]) N {
	known := false
	defer func() {
		if !known { // a panic
			r.drop(e.name, c)
		}
	}()
	e.ns = r.owner.Make(e)
	r.mu.Lock()
	c.entry = e
	ended := r.ended
	r.mu.Unlock()
	r.owner.Created(e.ns)
	if ended {
		r.owner.Close(e.ns)
	}
	r.owner.Announce(e.ns)
	r.mu.Lock()
	r.entries[e.name] = e
	delete(r.claims, e.name)
	r.mu.Unlock()
	known = true
	close(c.done)
	return e.ns
}

// Of returns the namespace with the given name for the application, which may keep it:
// the namespace becomes permanent.
func (r *Registry[N, P]) Of(name string) N {
	for {
		r.mu.Lock()
		e, c := r.entries[name], r.claims[name]
		if c != nil && c.entry != nil {
			e = c.entry
		}
		switch {
		case e != nil:
			if e.dynamic {
				e.dynamic, e.users = false, 0
				r.settleLocked(e)
			}
			r.mu.Unlock()
			return e.ns
		case c != nil:
			r.mu.Unlock()
			<-c.done
			continue
		}
		c, parents := r.claimLocked(name), r.parents
		r.mu.Unlock()
		e = &Entry[N, P]{name: name}
		e.parent, e.children = r.owner.ParentOf(name, parents)
		return r.introduce(c, e)
	}
}

// AddParent adds a parent after the others.
func (r *Registry[N, P]) AddParent(p P) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parents = append(r.parents[:len(r.parents):len(r.parents)], p)
}

// End returns all namespaces, which the caller closes. Namespaces made later are closed
// at once.
func (r *Registry[N, P]) End() []N {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	all := make([]N, 0, len(r.entries))
	for _, e := range r.entries {
		all = append(all, e.ns)
	}
	for _, c := range r.claims {
		if c.entry != nil {
			all = append(all, c.entry.ns)
		}
	}
	return all
}

// All returns the namespaces that clients can find, in no particular order.
func (r *Registry[N, P]) All() []N {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]N, 0, len(r.entries))
	for _, e := range r.entries {
		all = append(all, e.ns)
	}
	return all
}

// Counts returns the number of namespaces that clients can find, of those being made or
// removed, and of dynamic ones.
func (r *Registry[N, P]) Counts() (found, claimed, dynamic int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.entries), len(r.claims), r.dynamic
}
