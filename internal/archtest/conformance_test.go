// SPDX-License-Identifier: MIT

// This file holds the rule for docs/conformance.md: every trap and every quirk has
// its row, and the tests that carry its number are in its entry of docs/tests.md.

package archtest_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var numbered = regexp.MustCompile(`^Test(Trap|Quirk)(\d\d)[A-Z]`)

func TestConformanceTable(t *testing.T) {
	const document = "docs/conformance.md"
	index := testIndex(t, document)
	rows := make(map[string]bool) // by "Traps: 1"
	for _, row := range rowsOf(t, document) {
		key := row.name()
		rows[key] = true
		if len(row.cells) != 3 {
			t.Errorf("%s: a row has three cells", key)
		}
		for _, cell := range row.cells {
			if cell == "" {
				t.Errorf("%s has an empty cell", key)
			}
		}
		if entry, ok := index[key]; ok {
			for _, name := range ticked(entry[0]) {
				if other := rowOfTest(name); other != "" && other != key {
					t.Errorf("%s names %s, the test of another row", key, name)
				}
			}
		}
	}
	for heading, last := range map[string]int{"Traps": 60, "Quirks": 31} {
		for n := 1; n <= last; n++ {
			if !rows[fmt.Sprint(heading, ": ", n)] {
				t.Errorf("%s has no row %d below %s", document, n, heading)
			}
		}
	}
	if len(rows) != 60+31 {
		t.Errorf("%s has %d rows, want 60 traps and 31 quirks", document, len(rows))
	}
	// Tests that carry a number are in its row.
	for name := range namedTests(t) {
		key := rowOfTest(name)
		if key != "" && (index[key] == nil || !strings.Contains(index[key][0], "`"+name+"`")) {
			t.Errorf("docs/tests.md: %s does not name the test %s", key, name)
		}
	}
}

// rowOfTest is the row whose number a test carries in its name: "Traps: 1" for
// TestTrap01OwnKeysOnly, and for the client's "trap 1".
func rowOfTest(name string) string {
	if m := numbered.FindStringSubmatch(name); m != nil {
		return m[1] + "s: " + strings.TrimLeft(m[2], "0")
	}
	if what, n, ok := strings.Cut(name, " "); ok {
		return strings.ToUpper(what[:1]) + what[1:] + "s: " + n
	}
	return ""
}

// namedTests are the Go tests of the repository, and the numbers that stand in the
// titles of the client's tests.
func namedTests(t *testing.T) map[string]bool {
	t.Helper()
	tests := make(map[string]bool)
	walk(t, func(name string, _ fs.DirEntry) {
		pattern := goTest
		switch {
		case strings.HasSuffix(name, "_test.go"):
		case strings.HasPrefix(name, "web/client/") && strings.HasSuffix(name, ".ts"):
			pattern = clientTitle
		default:
			return
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			return
		}
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			tests[string(m[1])] = true
		}
	})
	return tests
}
