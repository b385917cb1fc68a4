// SPDX-License-Identifier: MIT

// This file holds registry: the namespaces of a server by name, made on demand and
// taken away when they are empty.

package socketio

import (
	"container/list"
	"errors"
	"maps"
	"slices"

	"socketio/internal/call"
	"socketio/internal/lock"
	"socketio/internal/telemetry"
)

// A registry is the namespaces of a server. A dynamic namespace, which a
// ParentNamespace made for a client, exists once however many clients ask for it
// together, and goes with the last socket in it, those that are still joining
// counted.
type registry struct {
	mu      lock.RWMutex // guards the fields below; no call out while it is held
	spaces  map[string]*Namespace
	claims  map[string]*claim
	parents []*ParentNamespace
	dynamic int                         // namespaces that may go again
	empty   list.List                   // of *Namespace: those of them that are kept though empty, the longest empty first
	ended   bool                        // the server is closed: so are the adapters
	made    call.List[func(*Namespace)] // safe from anywhere
}

func newRegistry() registry {
	return registry{spaces: make(map[string]*Namespace), claims: make(map[string]*claim)}
}

// find returns a namespace and counts a user of it; release takes the user back. nil
// means that there is none; parents are those that may make it.
func (r *registry) find(name string) (ns *Namespace, parents []*ParentNamespace) {
	r.mu.RLock()
	ns, parents = r.spaces[name], r.parents
	fixed := ns != nil && !ns.dynamic
	r.mu.RUnlock()
	if ns == nil || fixed {
		return ns, parents
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ns = r.spaces[name]; ns != nil {
		r.useLocked(ns)
	}
	return ns, parents
}

// lookup returns a namespace if there is one that clients find.
func (r *registry) lookup(name string) *Namespace {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.spaces[name]
}

// useLocked counts a user of a namespace.
func (r *registry) useLocked(ns *Namespace) {
	if !ns.dynamic {
		return
	}
	ns.users++
	if ns.vacant != nil {
		r.empty.Remove(ns.vacant)
		ns.vacant = nil
	}
}

// A quota is how many of the dynamic namespaces that exist a connection has made. It
// outlives the connection, which would hold more.
type quota struct{ made int } // guarded by registry.mu

// maxMade is how many a connection may have made once there are half as many as there
// may be. Until then it may have as many as its namespaces: a page that comes back after
// a restart makes all of them.
const maxMade = 32

// errQuota refuses one more.
var errQuota = errors.New("socketio: the connection has made too many namespaces")

// release takes back a user that find or adopt has counted. The last one takes the
// namespace along; with Options.Limits.KeepEmptyNamespaces only if no socket has ever joined.
func (r *registry) release(ns *Namespace) {
	if ns.parent == nil {
		return
	}
	r.mu.Lock()
	if ns.dynamic {
		ns.users--
	}
	if !ns.dynamic || ns.users > 0 {
		r.mu.Unlock()
		return
	}
	if ns.server.opts.KeepEmptyNamespaces && ns.joined.Load() {
		ns.vacant = r.empty.PushBack(ns)
		r.mu.Unlock()
		return
	}
	r.removeLocked(ns)
}

// removeLocked takes an empty namespace away. It releases mu.
func (r *registry) removeLocked(ns *Namespace) {
	delete(r.spaces, ns.name)
	r.unmakeLocked(ns)
	c := r.claimLocked(ns.name) // its successor begins when it has ended
	ended := r.ended
	r.mu.Unlock()
	defer ns.tell(NamespaceObserver.NamespaceRemoved)
	defer r.drop(ns.name, c)
	if !ended {
		ns.closeAdapter()
	}
}

// unmakeLocked takes a namespace off those that count as dynamic.
func (r *registry) unmakeLocked(ns *Namespace) {
	r.dynamic--
	ns.maker.made--
	if ns.vacant != nil {
		r.empty.Remove(ns.vacant)
		ns.vacant = nil
	}
}

// A claim is a name that is taken though no client finds a namespace: one is being
// made, or is going.
type claim struct {
	ns   *Namespace    // one that is being announced; guarded by registry.mu
	done chan struct{} // closed when the name is free, or its namespace found
}

func (r *registry) claimLocked(name string) *claim {
	c := &claim{done: make(chan struct{})}
	r.claims[name] = c
	return c
}

// drop gives a claim up.
func (r *registry) drop(name string, c *claim) {
	r.mu.Lock()
	delete(r.claims, name)
	r.mu.Unlock()
	close(c.done)
}

// adopt returns the namespace of that name, made by a parent for a client if it does
// not exist, with a user counted. It returns nil when there are too many, errQuota when
// maker has made too many, and an error when the adapter, or who hears of it, panicked.
func (r *registry) adopt(name string, p *ParentNamespace, maker *quota) (ns *Namespace, err error) {
	for {
		r.mu.Lock()
		if ns := r.spaces[name]; ns != nil {
			r.useLocked(ns)
			r.mu.Unlock()
			return ns, nil
		}
		if c := r.claims[name]; c != nil {
			r.mu.Unlock()
			<-c.done
			continue
		}
		if maker.made >= maxMade && r.dynamic >= p.server.opts.MaxDynamicNamespaces/2 {
			r.mu.Unlock()
			return nil, errQuota
		}
		if r.dynamic >= p.server.opts.MaxDynamicNamespaces {
			longest := r.empty.Front()
			if longest == nil {
				r.mu.Unlock()
				return nil, nil
			}
			r.removeLocked(longest.Value.(*Namespace))
			continue
		}
		r.dynamic++
		maker.made++
		c := r.claimLocked(name)
		r.mu.Unlock()
		defer func() {
			if ns == nil { // a panic, or the goroutine was ended
				r.mu.Lock()
				r.dynamic--
				maker.made--
				r.mu.Unlock()
			}
		}()
		defer call.Barrier(&err, newPanicError)
		return r.introduce(c, p.server, name, p, maker), nil
	}
}

// introduce makes a namespace and makes it known: to the application, then to clients.
// No lock is held while the application's code runs.
func (r *registry) introduce(c *claim, s *Server, name string, p *ParentNamespace, maker *quota) *Namespace {
	known := false
	defer func() {
		if !known { // a panic
			r.drop(name, c)
		}
	}()
	ns := newNamespace(s, name)
	ns.parent = p
	if maker != nil {
		ns.dynamic, ns.users, ns.maker = true, 1, maker
	}
	r.mu.Lock()
	c.ns = ns
	ended := r.ended
	r.mu.Unlock()
	ns.tell(NamespaceObserver.NamespaceCreated)
	if ended {
		ns.closeAdapter()
	}
	s.announce(ns)
	r.mu.Lock()
	r.spaces[name] = ns
	delete(r.claims, name)
	r.mu.Unlock()
	known = true
	close(c.done)
	return ns
}

// of returns the namespace of that name for the application, which may keep it: it
// stays.
func (r *registry) of(s *Server, name string) *Namespace {
	for {
		r.mu.Lock()
		ns, c := r.spaces[name], r.claims[name]
		if c != nil && c.ns != nil {
			ns = c.ns
		}
		switch {
		case ns != nil:
			if ns.dynamic {
				ns.dynamic, ns.users = false, 0
				r.unmakeLocked(ns)
			}
			r.mu.Unlock()
			return ns
		case c != nil:
			r.mu.Unlock()
			<-c.done
			continue
		}
		var parent *ParentNamespace
		unasked := false
		for _, p := range r.parents {
			if p.pattern == nil {
				unasked = true
			} else if p.pattern.MatchString(name) {
				parent = p
				break
			}
		}
		c = r.claimLocked(name)
		r.mu.Unlock()
		if unasked {
			s.sampled.Warn("Of made a namespace without asking the functions of OfMatch, so it lets clients in without their middlewares: "+
				"for a name that comes from a request use Lookup, which makes none; call Of for the others before OfMatch", "nsp", telemetry.Text(name))
		}
		return r.introduce(c, s, name, parent, nil)
	}
}

func (r *registry) addParent(p *ParentNamespace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parents = append(r.parents[:len(r.parents):len(r.parents)], p)
}

// end returns all namespaces, for their adapters to be closed. Those made later are
// closed when they are made.
func (r *registry) end() []*Namespace {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	namespaces := slices.Collect(maps.Values(r.spaces))
	for _, c := range r.claims {
		if c.ns != nil {
			namespaces = append(namespaces, c.ns)
		}
	}
	return namespaces
}

// all returns the namespaces for which keep holds.
func (r *registry) all(keep func(*Namespace) bool) []*Namespace {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []*Namespace
	for _, ns := range r.spaces {
		if keep(ns) {
			found = append(found, ns)
		}
	}
	return found
}
