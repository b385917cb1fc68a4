// SPDX-License-Identifier: MIT

// This file tests Few.

package call_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"socketio/internal/call"
)

// A named is a handler of an event.
type named struct {
	event string
	n     int
}

// matching returns the numbers of the handlers of an event.
func matching(s *call.Some[named], event string) string {
	var got []string
	for _, l := range s.AppendTo(nil, []byte(event)) {
		if l.event == event {
			got = append(got, fmt.Sprint(l.n))
		}
	}
	return strings.Join(got, " ")
}

// Handlers are found by the names of their events, however similar those are, in the order
// in which they were added, until they are removed. A state that was read does not change.
func TestFew(t *testing.T) {
	var f call.Few[named]
	if s := f.Now(); s.Len() != 0 || matching(s, "a") != "" {
		t.Error("the zero value is not empty")
	}
	events := []string{"a", "", "message-1", "message-2", "a", "message", "message-1", "A"}
	var removes []func()
	for i, event := range events {
		removes = append(removes, f.Add(event, &named{event, i}))
	}
	check := func(s *call.Some[named], want map[string]string) {
		t.Helper()
		for event, numbers := range want {
			if got := matching(s, event); got != numbers {
				t.Errorf("%q has the handlers %q, want %q", event, got, numbers)
			}
		}
	}
	all := map[string]string{"a": "0 4", "": "1", "message-1": "2 6", "message-2": "3", "message": "5", "A": "7", "b": "", "message-3": ""}
	before := f.Now()
	check(before, all)
	removes[2]()
	removes[2]()
	removes[0]()
	check(f.Now(), map[string]string{"a": "4", "message-1": "6", "message-2": "3"})
	check(before, all)
	for _, remove := range removes {
		remove()
	}
	if f.Now().Len() != 0 {
		t.Errorf("%d handlers are left", f.Now().Len())
	}
}

// A name that is not known is not searched for among all handlers.
func TestFewKeysTellNamesApart(t *testing.T) {
	var f call.Few[named]
	names := []string{"echo", "ack", "bcast", "blob", "join", "leave", "message", "messages"}
	for i, name := range names {
		f.Add(name, &named{name, i})
	}
	for _, name := range names {
		if found := f.Now().AppendTo(nil, []byte(name)); len(found) != 1 {
			t.Errorf("%d handlers look like those of %q", len(found), name)
		}
	}
}

// Changes from several goroutines are not lost.
func TestFewConcurrently(t *testing.T) {
	var f call.Few[named]
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				f.Add("a", &named{"a", i})()
				f.Add("a", &named{"a", i})
				f.Now().AppendTo(nil, []byte("a"))
			}
		})
	}
	wg.Wait()
	var counts [4]int
	for _, l := range f.Now().AppendTo(nil, []byte("a")) {
		counts[l.n]++
	}
	if slices.Contains(counts[:], 0) || f.Now().Len() != 800 {
		t.Errorf("%v handlers, want 200 each", counts)
	}
}
