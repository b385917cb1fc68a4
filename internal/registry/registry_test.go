// SPDX-License-Identifier: MIT

// This file tests a registry whose namespaces are only names, with an owner that records
// its calls.

package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"socketio/internal/registry"
)

// A space is a namespace. Its parent is a prefix of its name.
type space struct{ entry *entry }

type entry = registry.Entry[*space, string]

type owner struct {
	mu       sync.Mutex // guards log
	log      []string
	panics   string            // the name at which Announce panics
	announce func(name string) // called by Announce if set
	registry *registry.Registry[*space, string]
}

func newRegistry(limits registry.Limits) (*registry.Registry[*space, string], *owner) {
	o := new(owner)
	o.registry = registry.New[*space, string](o, limits)
	return o.registry, o
}

func (o *owner) note(what string, s *space) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.log = append(o.log, what+" "+s.entry.Name())
}

func (o *owner) Make(e *entry) *space {
	s := &space{e}
	o.note("make", s)
	return s
}

func (o *owner) Created(s *space) { o.note("created", s) }

func (o *owner) Announce(s *space) {
	o.note("announce", s)
	if o.announce != nil {
		o.announce(s.entry.Name())
	}
	if s.entry.Name() == o.panics {
		panic("announce")
	}
}

func (o *owner) Close(s *space)   { o.note("close", s) }
func (o *owner) Removed(s *space) { o.note("removed", s) }

func (o *owner) ParentOf(name string, parents []string) (string, bool) {
	i := slices.IndexFunc(parents, func(p string) bool { return strings.HasPrefix(name, p) })
	if i < 0 {
		return "", false
	}
	return parents[i], true
}

func (o *owner) wants(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.log, want) {
		t.Errorf("the owner was asked %q, want %q", o.log, want)
	}
	o.log = nil
}

func wantCounts(t *testing.T, r *registry.Registry[*space, string], found, claimed, dynamic int) {
	t.Helper()
	if f, c, d := r.Counts(); f != found || c != claimed || d != dynamic {
		t.Errorf("%d found, %d claimed, %d dynamic; want %d, %d, %d", f, c, d, found, claimed, dynamic)
	}
}

func adopt(t *testing.T, r *registry.Registry[*space, string], name string, maker *registry.Quota) *space {
	t.Helper()
	s, err := r.Adopt(name, "/", maker)
	if err != nil {
		t.Fatalf("Adopt %s: %v", name, err)
	}
	return s
}

func TestMadeOnceForAll(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 10})
	var quota registry.Quota
	var users sync.WaitGroup
	all := make([]*space, 20)
	for i := range all {
		users.Go(func() { all[i] = adopt(t, r, "/a", &quota) })
	}
	users.Wait()
	for _, s := range all[1:] {
		if s != all[0] {
			t.Fatal("there are two of one name")
		}
		r.Release(s.entry)
	}
	o.wants(t, "make /a", "created /a", "announce /a")
	wantCounts(t, r, 1, 0, 1)
	r.Release(all[0].entry)
	o.wants(t, "close /a", "removed /a")
	wantCounts(t, r, 0, 0, 0)
}

func TestFindCountsAUser(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 10})
	r.AddParent("/")
	if _, ok, parents := r.Find("/a"); ok || len(parents) != 1 {
		t.Errorf("found %v, parents %v", ok, parents)
	}
	s := adopt(t, r, "/a", new(registry.Quota))
	if found, ok, _ := r.Find("/a"); !ok || found != s {
		t.Error("Find does not find it")
	}
	if found, ok := r.Lookup("/a"); !ok || found != s {
		t.Error("Lookup does not find it")
	}
	r.Release(s.entry)
	wantCounts(t, r, 1, 0, 1)
	r.Release(s.entry)
	wantCounts(t, r, 0, 0, 0)
	o.wants(t, "make /a", "created /a", "announce /a", "close /a", "removed /a")
}

func TestOfKeeps(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 1})
	r.AddParent("/a")
	s := adopt(t, r, "/a1", new(registry.Quota))
	if r.Of("/a1") != s {
		t.Error("Of made another")
	}
	r.Release(s.entry)
	wantCounts(t, r, 1, 0, 0)
	if p, ok := r.Of("/a2").entry.Parent(); !ok || p != "/a" {
		t.Errorf("the parent is %q, %v", p, ok)
	}
	if _, ok := r.Of("/b").entry.Parent(); ok {
		t.Error("/b has a parent")
	}
	if all := r.All(); len(all) != 3 {
		t.Errorf("there are %d", len(all))
	}
	o.wants(t, "make /a1", "created /a1", "announce /a1", "make /a2", "created /a2", "announce /a2", "make /b", "created /b", "announce /b")
}

// A function that is notified of a namespace may ask for it: clients find it later.
func TestOfInAnnounce(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 1})
	o.announce = func(name string) {
		if s := r.Of(name); s.entry.Name() != name {
			t.Errorf("Of returns %s", s.entry.Name())
		}
		if _, ok := r.Lookup(name); ok {
			t.Error("clients find it")
		}
	}
	s := adopt(t, r, "/a", new(registry.Quota))
	r.Release(s.entry)
	wantCounts(t, r, 1, 0, 0)
}

func TestBounds(t *testing.T) {
	r, _ := newRegistry(registry.Limits{MaxDynamic: 70})
	var greedy, other registry.Quota
	for i := range 35 { // more than 32, while less than half are there
		adopt(t, r, fmt.Sprint("/", i), &greedy)
	}
	if _, err := r.Adopt("/x", "/", &greedy); err != registry.ErrQuota {
		t.Errorf("the greedy client gets %v", err)
	}
	var last *space
	for i := range 32 {
		last = adopt(t, r, fmt.Sprint("/other", i), &other)
	}
	for i := range 3 {
		last = adopt(t, r, fmt.Sprint("/third", i), new(registry.Quota))
	}
	if _, err := r.Adopt("/x", "/", new(registry.Quota)); err != registry.ErrFull {
		t.Errorf("the last client gets %v", err)
	}
	r.Release(last.entry)
	adopt(t, r, "/x", new(registry.Quota))
}

func TestKeepEmpty(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 2, KeepEmpty: true})
	var quota registry.Quota
	r.Release(adopt(t, r, "/unused", &quota).entry)
	o.wants(t, "make /unused", "created /unused", "announce /unused", "close /unused", "removed /unused")
	for _, name := range []string{"/a", "/b"} {
		s := adopt(t, r, name, &quota)
		s.entry.Use()
		r.Release(s.entry)
	}
	wantCounts(t, r, 2, 0, 2)
	r.Release(adopt(t, r, "/a", &quota).entry) // now /b is the longest empty
	o.wants(t, "make /a", "created /a", "announce /a", "make /b", "created /b", "announce /b")
	adopt(t, r, "/c", &quota)
	o.wants(t, "close /b", "removed /b", "make /c", "created /c", "announce /c")
}

func TestPanicLeavesNothing(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 1})
	o.panics = "/a"
	var quota registry.Quota
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_, _ = r.Adopt("/a", "/", &quota)
	}()
	wantCounts(t, r, 0, 0, 0)
	o.panics = ""
	adopt(t, r, "/a", &quota)
}

func TestEnd(t *testing.T) {
	r, o := newRegistry(registry.Limits{MaxDynamic: 10})
	a := adopt(t, r, "/a", new(registry.Quota))
	o.announce = func(name string) { // it is among those that end, though clients do not find it
		if all := r.End(); len(all) != 2 {
			t.Errorf("%d end", len(all))
		}
	}
	r.Of("/b")
	o.announce = nil
	o.wants(t, "make /a", "created /a", "announce /a", "make /b", "created /b", "announce /b")
	r.Of("/c")
	o.wants(t, "make /c", "created /c", "close /c", "announce /c")
	r.Release(a.entry) // End has given it to its caller, who closes it
	o.wants(t, "removed /a")
}

// Whatever happens at the same time, nothing is left, and no name ever has two
// namespaces.
func TestStorm(t *testing.T) {
	r, _ := newRegistry(registry.Limits{MaxDynamic: 4, KeepEmpty: true})
	var users sync.WaitGroup
	for g := range 8 {
		users.Go(func() {
			var quota registry.Quota
			for i := range 300 {
				name := fmt.Sprint("/", (g+i)%6)
				s, err := r.Adopt(name, "/", &quota)
				if err != nil {
					continue
				}
				if found, ok, _ := r.Find(name); !ok || found != s {
					t.Error("a used namespace is not found")
				} else {
					r.Release(s.entry)
				}
				if i%3 == 0 {
					s.entry.Use()
				}
				r.Release(s.entry)
			}
		})
	}
	users.Wait()
	if found, claimed, dynamic := r.Counts(); claimed != 0 || found != dynamic || found > 4 {
		t.Errorf("%d found, %d claimed, %d dynamic", found, claimed, dynamic)
	}
}
