// SPDX-License-Identifier: MIT

// This file tests Parked.

package once_test

import (
	"fmt"
	"testing"
	"time"

	"socketio/internal/once"
)

func TestParkedWindows(t *testing.T) {
	var p once.Parked[int, string]
	start, plenty := time.Now(), once.NewBudget(1<<20)
	window := func() *once.Window[int, string] { return once.NewWindow[int, string](10, 1000, nil) }
	put := func(secret string, w *once.Window[int, string], since time.Time, limit int) {
		p.Put(secret, w, since, limit, plenty)
	}
	take := func(secret string) *once.Window[int, string] {
		w := p.Get(secret)
		p.Remove(secret)
		return w
	}
	first, second := window(), window()
	if take("a") != nil {
		t.Error("an empty Parked has a window")
	}
	p.Drop(start)
	const limit = 3
	for i := range 5 {
		put(fmt.Sprint(i), window(), start.Add(time.Duration(i)*time.Second), limit)
	}
	for i := range 5 {
		if got := take(fmt.Sprint(i)) != nil; got != (i < limit) {
			t.Errorf("window %d is there: %v", i, got)
		}
	}
	// One that was taken leaves room for another, and one that is put again needs none.
	put("old", first, start, 2)
	put("new", first, start.Add(time.Minute), 2)
	put("new", second, start.Add(time.Minute), 2)
	put("beyond", first, start, 2)
	p.Drop(start.Add(time.Minute))
	if got := take("old"); got != nil {
		t.Error("a window stays after its time")
	}
	if p.Get("new") != second {
		t.Error("a window that was looked up is gone")
	}
	if got := take("new"); got != second {
		t.Errorf("the later window: %p, want %p", got, second)
	}
	if take("new") != nil || take("beyond") != nil {
		t.Error("a window was taken twice, or is one too many")
	}
}

// The windows have a number of bytes together, also when replies follow: then a window drops
// its oldest calls. What is removed leaves room for others.
func TestParkedWindowsAreBoundedInBytes(t *testing.T) {
	var a, b once.Parked[int, string]
	budget, start := once.NewBudget(64<<10), time.Now()
	full := func() *once.Window[int, string] {
		w := once.NewWindow[int, string](10, 1<<20, older)
		c, _ := begin(t, w, 1, once.New, nil)
		c.Finish("reply", 30<<10)
		return w
	}
	for round := range 3 {
		a.Put("first", full(), start, 10, budget)
		b.Put("second", full(), start, 10, budget)
		b.Put("third", full(), start, 10, budget)
		if a.Get("first") == nil || b.Get("second") == nil || b.Get("third") != nil {
			t.Fatalf("round %d: two of three windows should be there", round)
		}
		switch round {
		case 0:
			a.Remove("first")
			b.Drop(start.Add(1))
		case 1:
			a.Put("first", full(), start, 10, budget)
			b.Put("second", full(), start, 10, budget)
		}
	}
	b.Remove("second")
	w := once.NewWindow[int, string](10, 1<<20, older)
	var calls []*once.Call[int, string]
	for key := range 5 {
		c, _ := begin(t, w, key, once.New, nil)
		calls = append(calls, c)
	}
	b.Put("second", w, start, 10, budget)
	for _, c := range calls {
		c.Finish("reply", 10<<10)
	}
	for key := 2; key < 5; key++ {
		begin(t, w, key, once.Answered, nil)
	}
	again, _ := begin(t, w, 1, once.Again, nil)
	again.Leave()
	begin(t, w, 4, once.Answered, nil)
	b.Remove("second") // from now on it does not count
	for key := 5; key < 15; key++ {
		c, _ := begin(t, w, key, once.New, nil)
		c.Finish("reply", 10<<10)
	}
	begin(t, w, 6, once.Answered, nil)
}
