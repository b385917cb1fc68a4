// SPDX-License-Identifier: MIT

// This file holds registry: the namespaces of a server by name, made on demand and
// taken away when they are empty.

package socketio

import (
	"maps"
	"slices"
	"sync"
)

// A registry is the namespaces of a server. A dynamic namespace, which a
// ParentNamespace made for a client, exists once however many clients ask for it
// together, and goes with the last socket in it, those that are still joining
// counted.
type registry struct {
	mu      sync.RWMutex // guards the fields below; no call out while it is held, but Adapter.Init
	spaces  map[string]*Namespace
	making  map[string]*making
	parents []*ParentNamespace
	dynamic int  // namespaces that may go again
	ended   bool // the server is closed: so are the adapters
	made    listeners[func(*Namespace)]
}

func newRegistry() registry {
	return registry{spaces: make(map[string]*Namespace), making: make(map[string]*making)}
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
	if ns = r.spaces[name]; ns != nil && ns.dynamic {
		ns.users++
	}
	return ns, parents
}

// release takes back a user that find or adopt has counted. The last one takes the
// namespace along.
func (r *registry) release(ns *Namespace) {
	if ns.parent == nil {
		return
	}
	r.mu.Lock()
	if ns.dynamic {
		ns.users--
	}
	gone := ns.dynamic && ns.users == 0 && !ns.server.opts.KeepEmptyNamespaces
	if gone {
		delete(r.spaces, ns.name)
		r.dynamic--
	}
	r.mu.Unlock()
	if gone {
		ns.closeAdapter()
		ns.tell(NamespaceObserver.NamespaceRemoved)
	}
}

// A making is a namespace that exists but has not been announced. No client finds it
// yet.
type making struct {
	ns   *Namespace
	done chan struct{} // closed when clients find it
}

// adopt returns the namespace of that name, made by a parent for a client if it does
// not exist, with a user counted. It returns nil when there are too many.
func (r *registry) adopt(name string, p *ParentNamespace) *Namespace {
	for {
		r.mu.Lock()
		if ns := r.spaces[name]; ns != nil {
			if ns.dynamic {
				ns.users++
			}
			r.mu.Unlock()
			return ns
		}
		if m := r.making[name]; m != nil {
			r.mu.Unlock()
			<-m.done
			continue
		}
		if r.dynamic >= p.server.opts.MaxDynamicNamespaces {
			r.mu.Unlock()
			return nil
		}
		ns := newNamespace(p.server, name)
		ns.parent, ns.dynamic, ns.users = p, true, 1
		r.dynamic++
		r.introduce(ns)
		return ns
	}
}

// introduce makes a new namespace known: first to the application, then to clients.
// It is called with r.mu held and releases it.
func (r *registry) introduce(ns *Namespace) {
	m := &making{ns: ns, done: make(chan struct{})}
	r.making[ns.name] = m
	ended := r.ended
	r.mu.Unlock()
	ns.tell(NamespaceObserver.NamespaceCreated)
	if ended {
		ns.closeAdapter()
	}
	ns.server.announce(ns)
	r.mu.Lock()
	r.spaces[ns.name] = ns
	delete(r.making, ns.name)
	r.mu.Unlock()
	close(m.done)
}

// of returns the namespace of that name for the application, which may keep it: it
// stays.
func (r *registry) of(s *Server, name string) *Namespace {
	r.mu.Lock()
	ns := r.spaces[name]
	if m := r.making[name]; m != nil {
		ns = m.ns
	}
	if ns != nil {
		if ns.dynamic {
			ns.dynamic, ns.users = false, 0
			r.dynamic--
		}
		r.mu.Unlock()
		return ns
	}
	ns = newNamespace(s, name)
	for _, p := range r.parents {
		if p.pattern != nil && p.pattern.MatchString(name) {
			ns.parent = p
			break
		}
	}
	r.introduce(ns)
	return ns
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
	for _, m := range r.making {
		namespaces = append(namespaces, m.ns)
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
