// SPDX-License-Identifier: MIT

// This file tests the states of a name, one step at a time.

package slots_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/slots"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

type (
	member   struct{ name string }
	searcher struct{ name string }
	table    = slots.Table[member, searcher]
)

func names(t *table) string {
	var names []string
	for s := range t.Members() {
		names = append(names, s.name)
	}
	return strings.Join(names, " ")
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// From the search for a name to its end, with the results of all queries on the way.
func TestLifeOfAName(t *testing.T) {
	var slot table
	look := func(what string, state slots.State, taken, leaving int, s *member, late bool) {
		t.Helper()
		gotMember, gotLate := slot.Member("/a")
		want(t, what, fmt.Sprint(slot.State("/a"), slot.Taken(), slot.Leaving(), gotMember == s, gotLate),
			fmt.Sprint(state, taken, leaving, true, late))
		want(t, what+": Recent", slot.Recent("/a"), s)
		want(t, what+": Last", slot.Last(), s)
	}
	look("nothing yet", slots.Free, 0, 0, nil, false)
	q := &searcher{"/a"}
	slot.Search("/a", q)
	look("searching", slots.Searching, 1, 0, nil, false)
	want(t, "who searches", slot.Searcher("/a"), q)
	want(t, "the end of another's search", slot.Free("/a", new(searcher)), false)
	s := &member{"/a"}
	slot.Join("/a", s)
	look("joining", slots.Joining, 1, 0, s, false)
	want(t, "the end of a search that has found", slot.Free("/a", q), false)
	slot.Connect("/a", &member{"/a"})
	look("another has joined", slots.Joining, 1, 0, s, false)
	slot.Connect("/a", s)
	look("connected", slots.Connected, 1, 0, s, false)
	want(t, "the end of another", slot.Leave("/a", new(member), 0), false)
	want(t, "the end", slot.Leave("/a", s, 3), true)
	look("leaving, and the client may not know", slots.Free, 0, 1, nil, true)
	want(t, "the end, again", slot.Leave("/a", s, 3), false)
	next := &member{"/a again"}
	slot.Join("/a", next)
	look("joining anew", slots.Joining, 1, 1, next, false)
	want(t, "nobody is leaving", slot.Quiet("/a"), false)
	slot.Done("/a", s)
	look("the first is through", slots.Joining, 1, 0, next, false)
	want(t, "nobody is leaving", slot.Quiet("/a"), true)
	slot.Leave("/a", next, 0)
	slot.Done("/a", next)
	look("nothing is left", slots.Free, 0, 0, nil, false)
}

func TestSearchInVain(t *testing.T) {
	var slot table
	q := &searcher{"/a"}
	slot.Search("/a", q)
	want(t, "searches", len(slices.Collect(slot.Searchers())), 1)
	want(t, "its end", slot.Free("/a", q), true)
	want(t, "its end, again", slot.Free("/a", q), false)
	want(t, "names taken", slot.Taken(), 0)
	want(t, "searches", len(slices.Collect(slot.Searchers())), 0)
}

// Members come in the order in which they joined, those that are joining in the order in
// which they asked.
func TestOrderOfMembers(t *testing.T) {
	var slot table
	members := make(map[string]*member)
	for _, name := range []string{"/a", "/b", "/c", "/d"} {
		members[name] = &member{name}
		slot.Join(name, members[name])
	}
	want(t, "joining", names(&slot), "/a /b /c /d")
	slot.Connect("/c", members["/c"])
	slot.Connect("/a", members["/a"])
	want(t, "two have joined", names(&slot), "/b /d /c /a")
	slot.Leave("/b", members["/b"], 1)
	slot.Join("/b", &member{"/b again"})
	want(t, "one came back", names(&slot), "/d /c /a /b again")
	var gone []string
	for s := range slot.Leavers() {
		gone = append(gone, s.name)
	}
	want(t, "leaving", strings.Join(gone, " "), "/b")
	slot.Clear()
	want(t, "after the end", names(&slot)+fmt.Sprint(slot.Taken(), slot.Leaving(), slot.Recent("/a"), slot.Last()), "0 0 <nil> <nil>")
}

// Names that the server has left are remembered up to a bound; the oldest is dropped.
func TestLateNamesAreBounded(t *testing.T) {
	var slot table
	for i := range 10 {
		s := new(member)
		name := fmt.Sprint("/", i)
		slot.Join(name, s)
		slot.Leave(name, s, 3)
		slot.Done(name, s)
	}
	for i := range 10 {
		_, late := slot.Member(fmt.Sprint("/", i))
		want(t, fmt.Sprint("name ", i, " is remembered"), late, i >= 7)
	}
	slot.Join("/8", new(member)) // makes room
	s := new(member)
	slot.Join("/x", s)
	slot.Leave("/x", s, 3)
	_, late := slot.Member("/7")
	want(t, "the oldest of three", late, true)
}

// Recent may be called by one goroutine while others change the table.
func TestRecentTakesNoLock(t *testing.T) {
	var slot table
	var mu sync.Mutex
	var wg sync.WaitGroup
	a, b := &member{"/a"}, &member{"/b"}
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			if s := slot.Last(); s != nil && s != a {
				t.Error("Last: another socket")
			}
			if s := slot.Recent("/a"); s != nil && s != a {
				t.Error("the member of another name")
			}
			mu.Lock()
			if s, _ := slot.Member("/a"); s != nil && s != a {
				t.Error("the member of another name")
			}
			mu.Unlock()
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range 2000 {
		for _, s := range []*member{a, b} {
			mu.Lock()
			slot.Join(s.name, s)
			mu.Unlock()
			mu.Lock()
			slot.Member(s.name)
			slot.Leave(s.name, s, 1)
			slot.Done(s.name, s)
			mu.Unlock()
		}
	}
	close(stop)
	wg.Wait()
}
