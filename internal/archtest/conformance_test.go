// SPDX-License-Identifier: MIT

// This file holds the rule for docs/conformance.md: every trap and every quirk has
// its row, and every test that a row names exists.

package archtest_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const notBuilt = "not built yet: "

var (
	goTest      = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	numbered    = regexp.MustCompile(`^Test(Trap|Quirk)(\d\d)[A-Z]`)
	clientTitle = regexp.MustCompile(`(?m)^\s*test\("((?:trap|quirk) \d+): `)
)

// A conformanceRow is a row of one of the two tables.
type conformanceRow struct {
	what  string // "Trap" or "Quirk"
	n     int
	cells []string // what it is, what we do, the tests
}

func TestConformanceTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := namedTests(t)
	rows := make(map[string]conformanceRow) // by "Trap 1"
	for _, row := range conformanceRows(t, string(text)) {
		key := fmt.Sprint(row.what, " ", row.n)
		if _, twice := rows[key]; twice {
			t.Errorf("%s has two rows", key)
		}
		rows[key] = row
		cell := row.cells[2]
		named := ticked(cell)
		if strings.HasPrefix(cell, notBuilt) == (len(named) > 0) || cell == notBuilt {
			t.Errorf("%s: want tests in backquotes, or %q and what: %s", key, notBuilt, cell)
		}
		for _, name := range named {
			if !tests[name] {
				t.Errorf("%s names the test %s, which does not exist", key, name)
			}
			m := numbered.FindStringSubmatch(name)
			if m != nil && m[1]+" "+strings.TrimLeft(m[2], "0") != key {
				t.Errorf("%s names %s, the test of another row", key, name)
			}
			if strings.Contains(name, " ") && name != strings.ToLower(key) {
				t.Errorf("%s names the client's %s, the test of another row", key, name)
			}
		}
	}
	for what, last := range map[string]int{"Trap": 60, "Quirk": 31} {
		for n := 1; n <= last; n++ {
			if _, ok := rows[fmt.Sprint(what, " ", n)]; !ok {
				t.Errorf("docs/conformance.md has no row for %s %d", what, n)
			}
		}
	}
	if len(rows) != 60+31 {
		t.Errorf("docs/conformance.md has %d rows, want 60 traps and 31 quirks", len(rows))
	}
	// Tests that carry a number are in its row.
	for name := range tests {
		key := ""
		if m := numbered.FindStringSubmatch(name); m != nil {
			key = m[1] + " " + strings.TrimLeft(m[2], "0")
		} else if what, n, ok := strings.Cut(name, " "); ok {
			key = strings.ToUpper(what[:1]) + what[1:] + " " + n
		}
		if row, ok := rows[key]; key != "" && (!ok || !strings.Contains(row.cells[2], "`"+name+"`")) {
			t.Errorf("the row of %s does not name the test %s", key, name)
		}
	}
}

// conformanceRows takes the two tables apart.
func conformanceRows(t *testing.T, text string) (rows []conformanceRow) {
	t.Helper()
	what := ""
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case line == "## Traps":
			what = "Trap"
		case line == "## Quirks":
			what = "Quirk"
		}
		cells := strings.Split(line, "|")
		if len(cells) < 2 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue
		}
		if len(cells) != 6 {
			t.Fatalf("a row has four cells: %s", line)
		}
		row := conformanceRow{what: what, n: n}
		for _, cell := range cells[2:5] {
			if cell = strings.TrimSpace(cell); cell == "" {
				t.Errorf("%s %d has an empty cell", what, n)
			}
			row.cells = append(row.cells, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	return rows
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
