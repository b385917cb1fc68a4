// SPDX-License-Identifier: MIT

// This file compares the table with a map, and measures its memory.

package idtable_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"socketio/internal/idtable"
)

type object struct{ id string }

func (o *object) ID() string { return o.id }

// same compares a table with what it should have.
func same(t *testing.T, table *idtable.Table[*object], want map[string]*object) {
	t.Helper()
	if table.Len() != len(want) {
		t.Fatalf("%d objects, want %d", table.Len(), len(want))
	}
	seen := 0
	for o := range table.All() {
		if seen++; want[o.id] != o {
			t.Fatalf("All has %q, which is not there", o.id)
		}
	}
	if seen != len(want) {
		t.Fatalf("All has %d objects, want %d", seen, len(want))
	}
	for id, o := range want {
		if table.Get(id) != o {
			t.Fatalf("%q is not found", id)
		}
	}
	for i := range 100 {
		if o := table.Get(fmt.Sprint("nobody ", i)); o != nil {
			t.Fatalf("%q is found by another id", o.id)
		}
	}
}

// Sizes around those at which segments grow and split.
func TestLikeAMap(t *testing.T) {
	for _, size := range []int{1, 7, 8, 100, 449, 5000} {
		table, want := idtable.New[*object](), make(map[string]*object)
		same(t, table, want)
		random := rand.New(rand.NewPCG(1, uint64(size)))
		for range 6 * size {
			id := fmt.Sprint(random.IntN(2 * size))
			o, old := &object{id}, want[id]
			if table.Delete(o) {
				t.Fatalf("%q: another object with its id was removed", id)
			}
			if random.IntN(2) == 0 {
				if added := table.Put(o); added != (old == nil) {
					t.Fatalf("Put of %q: %v", id, added)
				} else if added {
					want[id] = o
				}
			} else if old != nil {
				if !table.Delete(old) || table.Delete(old) {
					t.Fatalf("%q was not removed once", id)
				}
				delete(want, id)
			}
		}
		same(t, table, want)
		for _, o := range want {
			table.Delete(o)
		}
		same(t, table, nil)
	}
}

// An empty table, and one that was large, find room again.
func TestUsedAgain(t *testing.T) {
	table := idtable.New[*object]()
	for round := range 3 {
		want := make(map[string]*object)
		for i := range 2000 {
			o := &object{fmt.Sprint(round, i)}
			want[o.id] = o
			table.Put(o)
		}
		same(t, table, want)
		for _, o := range want {
			table.Delete(o)
		}
		same(t, table, nil)
	}
}

// Objects with places in a map take 40 bytes and more each.
func TestMemory(t *testing.T) {
	const n = 10_000
	objects := make([]object, n)
	for i := range objects {
		objects[i].id = fmt.Sprint("an id of some length ", i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table := idtable.New[*object]()
	for i := range objects {
		table.Put(&objects[i])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / n; each > 18 {
		t.Errorf("%.1f bytes for each object, want at most 18", each)
	}
	runtime.KeepAlive(table)
	runtime.KeepAlive(objects)
}

func TestNoGarbage(t *testing.T) {
	table := idtable.New[*object]()
	objects := make([]object, 1000)
	for i := range objects {
		objects[i].id = fmt.Sprint(i)
		table.Put(&objects[i])
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range objects[:20] {
			table.Delete(&objects[i])
			if table.Get(objects[i].id) != nil || !table.Put(&objects[i]) {
				t.Fatal("it was not removed")
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
