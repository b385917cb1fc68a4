// SPDX-License-Identifier: MIT

// This file holds dynamic namespaces: how they are made for a client, who uses them, and
// how they end when nobody does.

package registry

// Find returns a namespace and counts a user of it until Release. ok is false if the
// namespace does not exist; parents are then those that may make it.
func (r *Registry[N, P]) Find(name string) (ns N, ok bool, parents []P) {
	r.mu.RLock()
	e, parents := r.entries[name], r.parents
	fixed := e != nil && !e.dynamic
	r.mu.RUnlock()
	if fixed {
		return e.ns, true, parents
	}
	if e == nil {
		return ns, false, parents
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e = r.entries[name]; e == nil {
		return ns, false, parents
	}
	r.useLocked(e)
	return e.ns, true, parents
}

// Adopt returns the namespace with the given name and counts a user of it until Release.
// If the namespace does not exist, it is made as a child of p, and counts for the quota.
// The errors are ErrFull and ErrQuota.
func (r *Registry[N, P]) Adopt(name string, p P, maker *Quota) (ns N, err error) {
	for {
		r.mu.Lock()
		if e := r.entries[name]; e != nil {
			r.useLocked(e)
			r.mu.Unlock()
			return e.ns, nil
		}
		if c := r.claims[name]; c != nil {
			r.mu.Unlock()
			<-c.done
			continue
		}
		if maker.made >= maxMade && r.dynamic >= r.limits.MaxDynamic/2 {
			r.mu.Unlock()
			return ns, ErrQuota
		}
		if r.dynamic >= r.limits.MaxDynamic {
			longest := r.empty.Front()
			if longest == nil {
				r.mu.Unlock()
				return ns, ErrFull
			}
			r.removeLocked(longest.Value.(*Entry[N, P]))
			continue
		}
		r.dynamic++
		maker.made++
		c := r.claimLocked(name)
		r.mu.Unlock()
		made := false
		defer func() {
			if !made { // a panic or Goexit
				r.mu.Lock()
				r.dynamic--
				maker.made--
				r.mu.Unlock()
			}
		}()
		ns = r.introduce(c, &Entry[N, P]{name: name, parent: p, children: true, dynamic: true, users: 1, maker: maker})
		made = true
		return ns, nil
	}
}

// useLocked counts a user of a namespace.
func (r *Registry[N, P]) useLocked(e *Entry[N, P]) {
	if !e.dynamic {
		return
	}
	e.users++
	r.occupyLocked(e)
}

// Release undoes the counting of a user by Find or Adopt. After the last user the
// namespace is removed, or kept empty.
func (r *Registry[N, P]) Release(e *Entry[N, P]) {
	if !e.children {
		return
	}
	r.mu.Lock()
	if e.dynamic {
		e.users--
	}
	if !e.dynamic || e.users > 0 {
		r.mu.Unlock()
		return
	}
	if r.limits.KeepEmpty && e.used.Load() {
		e.vacant = r.empty.PushBack(e)
		r.mu.Unlock()
		return
	}
	r.removeLocked(e)
}

// removeLocked removes an empty namespace. It releases mu.
func (r *Registry[N, P]) removeLocked(e *Entry[N, P]) {
	delete(r.entries, e.name)
	r.settleLocked(e)
	c := r.claimLocked(e.name) // a successor is made after it has ended
	ended := r.ended
	r.mu.Unlock()
	defer r.owner.Removed(e.ns)
	defer r.drop(e.name, c)
	if !ended {
		r.owner.Close(e.ns)
	}
}
