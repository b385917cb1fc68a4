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
	start := time.Now()
	window := func() *once.Window[int, string] { return once.NewWindow[int, string](10, 1000, nil) }
	first, second := window(), window()
	if p.Take("a") != nil {
		t.Error("an empty Parked has a window")
	}
	p.Drop(start)
	const limit = 3
	for i := range 5 {
		p.Put(fmt.Sprint(i), window(), start.Add(time.Duration(i)*time.Second), limit)
	}
	for i := range 5 {
		if got := p.Take(fmt.Sprint(i)) != nil; got != (i < limit) {
			t.Errorf("window %d is there: %v", i, got)
		}
	}
	// One that was taken leaves room for another, and one that is put again needs none.
	p.Put("old", first, start, 2)
	p.Put("new", first, start.Add(time.Minute), 2)
	p.Put("new", second, start.Add(time.Minute), 2)
	p.Put("beyond", first, start, 2)
	p.Drop(start.Add(time.Minute))
	if got := p.Take("old"); got != nil {
		t.Error("a window stays after its time")
	}
	if got := p.Take("new"); got != second {
		t.Errorf("the later window: %p, want %p", got, second)
	}
	if p.Take("new") != nil || p.Take("beyond") != nil {
		t.Error("a window was taken twice, or is one too many")
	}
}
