// SPDX-License-Identifier: MIT

// This file holds Table: the names of a connection, and the state of each.

package slots

import (
	"iter"
	"sync/atomic"
)

// A State is the state of a name.
//
//	free ──Search──► searching ──Join──► joining ──Connect──► connected
//	free ──Join──► joining
//	searching · joining · connected ──Free, Leave──► free
type State uint8

const (
	Free      State = iota // unused, though members may be leaving it
	Searching              // a Q is searching for the name
	Joining                // an S is joining it
	Connected              // an S has it
)

// A Table is the names of a connection. A member S has a name, a search Q looks for one.
// The owner's lock guards all methods except Recent and Last. The zero value is empty.
type Table[S, Q any] struct {
	recent atomic.Pointer[slot[S, Q]]

	head  *slot[S, Q] // of the slots, ordered by time of joining, and of becoming late
	first slot[S, Q]  // used for the first slot only: readers without the lock may still have it
}

// A slot is the state of one name. It stays in the table while it holds any state.
type slot[S, Q any] struct {
	name   string            // immutable
	socket atomic.Pointer[S] // written under the lock of the owner
	more   *more[S, Q]       // nil until it is needed
	state  State
	late   bool // left by the server; the client may not know yet
	used   bool // of Table.first
}

// A more is what the only slot of a table does not need once its member has joined.
type more[S, Q any] struct {
	search  *Q
	leaving *leaver[S] // those that have left, but are not Done
	next    *slot[S, Q]
}

// get returns what a slot has. It must not be changed.
func (e *slot[S, Q]) get() more[S, Q] {
	if e.more == nil {
		return more[S, Q]{}
	}
	return *e.more
}

// set returns what a slot has, to be changed.
func (e *slot[S, Q]) set() *more[S, Q] {
	if e.more == nil {
		e.more = new(more[S, Q])
	}
	return e.more
}

// A leaver is a member that leaves a name.
type leaver[S any] struct {
	s    *S
	next *leaver[S]
}

// Recent returns the member that has a name, if it was looked up last. It takes no lock.
func (t *Table[S, Q]) Recent(name string) *S {
	if e := t.recent.Load(); e != nil && e.name == name {
		return e.socket.Load()
	}
	return nil
}

// Last returns the member that was looked up last, whatever its name, or nil. It takes no
// lock.
func (t *Table[S, Q]) Last() *S {
	if e := t.recent.Load(); e != nil {
		return e.socket.Load()
	}
	return nil
}

// Member returns the member that is joining a name or has it, or nil. late reports
// whether the client may not know yet that the server has left.
func (t *Table[S, Q]) Member(name string) (s *S, late bool) {
	e := t.find(name)
	if e == nil {
		return nil, false
	}
	if s = e.socket.Load(); s != nil {
		t.recent.Store(e)
	}
	return s, e.late
}

// State returns the state of a name.
func (t *Table[S, Q]) State(name string) State {
	if e := t.find(name); e != nil {
		return e.state
	}
	return Free
}

// Searcher returns the search for a name, or nil.
func (t *Table[S, Q]) Searcher(name string) *Q {
	if e := t.find(name); e != nil {
		return e.get().search
	}
	return nil
}

// Taken returns the number of names that are not free.
func (t *Table[S, Q]) Taken() (n int) {
	for e := t.head; e != nil; e = e.get().next {
		if e.state != Free {
			n++
		}
	}
	return n
}

// Leaving returns the number of members that have left and are not Done.
func (t *Table[S, Q]) Leaving() (n int) {
	for range t.Leavers() {
		n++
	}
	return n
}

// Search begins the search for a free name.
func (t *Table[S, Q]) Search(name string, q *Q) {
	e := t.make(name)
	e.state, e.set().search = Searching, q
}

// Join assigns a name, which is free or searched for, to a joining member.
func (t *Table[S, Q]) Join(name string, s *S) {
	e := t.make(name)
	e.state, e.late = Joining, false
	e.endSearch()
	e.socket.Store(s)
	t.moveToEnd(e)
}

// Connect records that a member has joined. It does nothing if the member has left.
func (t *Table[S, Q]) Connect(name string, s *S) {
	if e := t.find(name); e != nil && e.socket.Load() == s {
		e.state = Connected
		t.moveToEnd(e)
	}
}

// Free ends the search for a name. It reports whether q was that search.
func (t *Table[S, Q]) Free(name string, q *Q) bool {
	e := t.find(name)
	if e == nil || q == nil || e.get().search != q {
		return false
	}
	e.state = Free
	e.endSearch()
	t.prune(e)
	return true
}

// Leave removes a member from its name; the member is leaving until Done. If late is not
// 0, the client may not know yet; this is remembered for at most late names, the most
// recent ones. Leave reports whether s had the name.
func (t *Table[S, Q]) Leave(name string, s *S, late int) bool {
	e := t.find(name)
	if e == nil || e.socket.Load() != s {
		return false
	}
	e.state = Free
	e.socket.Store(nil)
	m := e.set()
	m.leaving = &leaver[S]{s, m.leaving}
	if late == 0 {
		return true
	}
	if oldest, n := t.lateSlots(); n >= late {
		oldest.late = false
		t.prune(oldest)
	}
	e.late = true
	t.moveToEnd(e)
	return true
}

// lateSlots returns the first slot that is late, and the number of such slots.
func (t *Table[S, Q]) lateSlots() (oldest *slot[S, Q], n int) {
	for e := t.head; e != nil; e = e.get().next {
		if e.late {
			n++
			if oldest == nil {
				oldest = e
			}
		}
	}
	return oldest, n
}

// Done records that a leaving member has finished its work.
func (t *Table[S, Q]) Done(name string, s *S) {
	e := t.find(name)
	if e == nil || e.more == nil {
		return
	}
	l := &e.more.leaving
	for *l != nil && (*l).s != s {
		l = &(*l).next
	}
	if *l != nil {
		*l = (*l).next
		t.prune(e)
	}
}

// Quiet reports whether no member of a name is leaving it.
func (t *Table[S, Q]) Quiet(name string) bool {
	e := t.find(name)
	return e == nil || e.get().leaving == nil
}

// Members returns the members that are joining or have joined a name, the latter in the
// order of joining.
func (t *Table[S, Q]) Members() iter.Seq[*S] {
	return func(yield func(*S) bool) {
		for e := t.head; e != nil; e = e.get().next {
			if s := e.socket.Load(); s != nil && !yield(s) {
				return
			}
		}
	}
}

// Leavers returns the members that have left and are not Done.
func (t *Table[S, Q]) Leavers() iter.Seq[*S] {
	return func(yield func(*S) bool) {
		for e := t.head; e != nil; e = e.get().next {
			for l := e.get().leaving; l != nil; l = l.next {
				if !yield(l.s) {
					return
				}
			}
		}
	}
}

// Searchers returns all searches.
func (t *Table[S, Q]) Searchers() iter.Seq[*Q] {
	return func(yield func(*Q) bool) {
		for e := t.head; e != nil; e = e.get().next {
			if q := e.get().search; q != nil && !yield(q) {
				return
			}
		}
	}
}

// Clear empties the table, at the end of the connection.
func (t *Table[S, Q]) Clear() {
	for e := t.head; e != nil; e = e.get().next {
		e.socket.Store(nil)
	}
	t.recent.Store(nil)
	t.head = nil
}

// find returns the slot of a name. There are few slots, usually one.
func (t *Table[S, Q]) find(name string) *slot[S, Q] {
	for e := t.head; e != nil; e = e.get().next {
		if e.name == name {
			return e
		}
	}
	return nil
}

// make returns the slot of a name, adding it if necessary.
func (t *Table[S, Q]) make(name string) *slot[S, Q] {
	if e := t.find(name); e != nil {
		return e
	}
	e := &t.first
	if e.used {
		e = new(slot[S, Q])
	}
	e.used, e.name = true, name
	t.append(e)
	return e
}

// endSearch forgets the search for a name, which has ended.
func (e *slot[S, Q]) endSearch() {
	if e.more != nil {
		e.more.search = nil
	}
}

// before returns the slot before e, or nil if e is the first, or the last slot if e is nil.
func (t *Table[S, Q]) before(e *slot[S, Q]) (last *slot[S, Q]) {
	for at := t.head; at != e; at = at.get().next {
		last = at
	}
	return last
}

func (t *Table[S, Q]) append(e *slot[S, Q]) {
	if last := t.before(nil); last != nil {
		last.set().next = e
	} else {
		t.head = e
	}
}

func (t *Table[S, Q]) remove(e *slot[S, Q]) {
	next := e.get().next
	if last := t.before(e); last != nil {
		last.more.next = next
	} else {
		t.head = next
	}
	if e.more != nil {
		e.more.next = nil
	}
}

func (t *Table[S, Q]) moveToEnd(e *slot[S, Q]) {
	if e.get().next != nil {
		t.remove(e)
		t.append(e)
	}
}

// prune removes a slot without state.
func (t *Table[S, Q]) prune(e *slot[S, Q]) {
	if e.state == Free && !e.late && e.get().leaving == nil {
		t.remove(e)
	}
}
