// SPDX-License-Identifier: MIT

// This file holds the rule for docs/conformance.md: every trap and every quirk has
// its row and a test that carries its number, and all such tests are in its entry of
// docs/tests.md. In Go the number is the name of a subtest, t.Run("trap 07", ...); the
// titles of the browser client's tests begin with it.

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

var numbered = regexp.MustCompile(`^(?:Test\w+/)?(trap|quirk)[ _](\d\d)$`)

func TestConformanceTable(t *testing.T) {
	const document = "docs/conformance.md"
	index := testIndex(t, document)
	rows := make(map[string]bool) // by "Traps: 1"
	for _, row := range rowsOf(t, document) {
		key := row.name()
		if row.heading != "Requests" {
			rows[key] = true
		}
		if len(row.cells) != 3 {
			t.Errorf("%s: a row has three cells", key)
		}
		for _, cell := range row.cells {
			if cell == "" {
				t.Errorf("%s has an empty cell", key)
			}
		}
		entry, ok := index[key]
		if !ok || strings.HasPrefix(entry[0], notBuilt) {
			continue // TestIndexOfTests asks for an entry
		}
		carried := row.heading == "Requests" // they have no numbers
		for _, name := range ticked(entry[0]) {
			other := rowOfTest(name)
			if other != "" && other != key {
				t.Errorf("%s names %s, the test of another row", key, name)
			}
			carried = carried || other == key
		}
		if !carried {
			t.Errorf("docs/tests.md: no test of %s carries its number", key)
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
// TestOwnKeysOnly/trap_01, and for the browser client's "trap 01".
func rowOfTest(name string) string {
	m := numbered.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return strings.ToUpper(m[1][:1]) + m[1][1:] + "s: " + strings.TrimLeft(m[2], "0")
}

// namedTests are the Go tests of the repository, their subtests that carry a number,
// and the numbers in the titles of the browser client's tests.
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
		function := ""
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			switch {
			case pattern == clientTitle:
				tests[m[1]] = true
			case m[1] != "":
				function = m[1]
				tests[function] = true
			default:
				tests[function+"/"+strings.ReplaceAll(m[2], " ", "_")] = true
			}
		}
	})
	return tests
}
