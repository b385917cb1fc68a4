// SPDX-License-Identifier: MIT

// This file tests which texts a Table finds common, and what it keeps.

package intern

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestCommonFromTheSecondTime(t *testing.T) {
	var table Table
	b := []byte("a text")
	if table.Common(b) != nil {
		t.Error("a text is common the first time")
	}
	first := table.Common(b)
	if first == nil || *first != "a text" {
		t.Fatalf("the second time: %v", first)
	}
	b[0] = 'A'
	if *first != "a text" {
		t.Error("the table keeps the bytes of its caller")
	}
	if again := table.Common([]byte("a text")); again != first {
		t.Error("there are two copies")
	}
}

func TestNotKept(t *testing.T) {
	var table Table
	for _, text := range []string{"", strings.Repeat("x", maxText+1)} {
		for range 3 {
			if table.Common([]byte(text)) != nil {
				t.Errorf("a text of %d bytes is kept", len(text))
			}
		}
	}
}

// Texts that come once take no memory, and do not displace one that comes now and then.
func TestRareTextsDisplaceNothing(t *testing.T) {
	var table Table
	common := []byte("common")
	for range maxWorth + 1 {
		table.Common(common)
	}
	first, misses := table.Common(common), 0
	for i := range 100_000 {
		if table.Common(fmt.Append(nil, "rare ", i)) != nil {
			t.Fatal("a text is common the first time")
		}
		if i%50 == 0 && table.Common(common) != first {
			misses++
		}
	}
	if misses > 0 {
		t.Errorf("the common text was displaced %d times", misses)
	}
	for i, p := range table.place {
		if p.text != nil && p.text != first {
			t.Errorf("place %d has kept %q", i, *p.text)
		}
	}
}

// A text that is no longer common makes room.
func TestTextsChange(t *testing.T) {
	var table Table
	for range 1000 {
		table.Common([]byte("old"))
	}
	for n := range table.place {
		table.place[n].hash, table.place[n].text, table.place[n].worth = 1, new(string), maxWorth
	}
	for n := range maxWorth + 2 {
		if got := table.Common([]byte("new")); (got != nil) != (n > maxWorth) {
			t.Fatalf("time %d: %v", n, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	var table Table
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 10_000 {
				want := fmt.Sprint("text ", i%300)
				if got := table.Common([]byte(want)); got != nil && *got != want {
					t.Errorf("%q became %q", want, *got)
				}
			}
		})
	}
	all.Wait()
}
