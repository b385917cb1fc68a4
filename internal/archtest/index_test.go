// SPDX-License-Identifier: MIT

// This file holds the rule for docs/tests.md, the index of the tests behind the tables
// that users read: each row has a test that exists and runs, and each entry of the index
// has its row. The rules for what the tables must contain are in the files beside it.

package archtest_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// indexed are the documents whose rows the index names, with the heading of a table
// that needs no tests, or "only " and those of the tables that need them.
var indexed = map[string]string{
	"docs/limits.md": "", "docs/conformance.md": "", "SECURITY-REGRESSIONS.md": "Not built yet",
	"docs/from-node-to-go.md": "Expressions", guarantees: "",
	"docs/cluster.md": "only What is promised, By engine, What may be lost",
}

// byCell are the tables of which each cell has tests: the columns of the index. Those of
// the document have the same names, or say which of them they hold.
var byCell = map[string][]string{
	"By engine":        {"Classic", "Sharded", "Streams", "Core", "JetStream", "Notify", "Outbox"},
	"What may be lost": {"Classic", "Sharded", "Core", "Notify"},
}

// guarantees is the document whose tables say what happens, and what a call returns.
const guarantees = "docs/guarantees.md"

// resultsOf are the cells of a row of it that have tests; nil for a row of another form.
func resultsOf(row tableRow) []string {
	const returns = 4 // after the number, the operation, the failure and the outcome
	switch {
	case len(row.cells) <= returns:
		return nil
	case row.cells[returns] == "":
		return []string{"Outcome"}
	}
	return []string{"Outcome", "Returns"}
}

const (
	notBuilt = "not built yet: "
	noTest   = "none: "
	noName   = "None: " // begins the Go name of what Go does not have
)

var (
	// goTest is the head of a test, or a subtest that carries a number.
	goTest      = regexp.MustCompile(`(?m)^(?:func ((?:Test|Fuzz|Example)\w*)\(|\tt\.Run\("((?:trap|quirk) \d\d)", )`)
	clientTitle = regexp.MustCompile(`(?m)^\s*test\("((?:trap|quirk) \d\d): `)

	// testName is a test with its directory, and one case of its table.
	testName = regexp.MustCompile(`^(.+)\.((?:Test|Fuzz)\w+)(?:/(.+))?$`)
)

// A tableRow is a row of a table, below a heading of the second or third level.
type tableRow struct {
	heading string
	cells   []string
}

// name is how the index calls the row.
func (r tableRow) name() string { return r.heading + ": " + r.cells[0] }

// tableRows takes the tables of a text apart, without their heads.
func tableRows(text string) (rows []tableRow) {
	heading, head := "", true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if marks, title, ok := strings.Cut(line, " "); ok && (marks == "##" || marks == "###") {
			heading = title
		}
		inner, ok := strings.CutPrefix(line, "|")
		if !ok {
			head = true // the next table begins with one
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.TrimSuffix(inner, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		if !head && strings.Trim(cells[0], "-") != "" {
			rows = append(rows, tableRow{heading, cells})
		}
		head = false
	}
	return rows
}

// rowsOf are the rows of a document.
func rowsOf(t *testing.T, document string) []tableRow {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(document)))
	if err != nil {
		t.Fatal(err)
	}
	return tableRows(string(text))
}

// testIndex are the entries of docs/tests.md for a document, by the names of its rows:
// the cell of tests, and that of fields if there is one.
func testIndex(t *testing.T, document string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "tests.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "\n## "+document+"\n")
	if !ok {
		t.Fatalf("docs/tests.md has no part for %s", document)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	index := make(map[string][]string)
	for _, row := range tableRows(part) {
		if len(row.cells) < 2 {
			t.Errorf("docs/tests.md, %s: %s has no tests", document, row.name())
			continue
		}
		if _, twice := index[row.name()]; twice {
			t.Errorf("docs/tests.md, %s: %s has two rows", document, row.name())
		}
		index[row.name()] = row.cells[1:]
	}
	return index
}

func TestIndexOfTests(t *testing.T) {
	all, packages := namedTests(t), make(map[string]*testSources)
	for document, exempt := range indexed {
		index := testIndex(t, document)
		seen := make(map[string]bool)
		for _, row := range rowsOf(t, document) {
			if only, ok := strings.CutPrefix(exempt, "only "); ok {
				if !slices.Contains(strings.Split(only, ", "), row.heading) {
					continue
				}
			} else if exempt != "" && row.heading == exempt {
				continue
			}
			name := row.name()
			if seen[name] {
				t.Errorf("%s has two rows %q", document, name)
			}
			seen[name] = true
			for _, cell := range row.cells {
				for _, word := range ticked(cell) {
					if goTestName.MatchString(word) {
						t.Errorf("%s, %s names the test %s: it belongs into docs/tests.md", document, name, word)
					}
				}
			}
			entry, ok := index[name]
			if !ok {
				if document != "docs/from-node-to-go.md" || !strings.HasPrefix(row.cells[1], noName) {
					t.Errorf("docs/tests.md has no tests for %q of %s", name, document)
				}
				continue
			}
			columns := byCell[row.heading]
			if document == guarantees {
				columns = resultsOf(row)
				if last := len(entry) - 1; last == len(columns) && entry[last] == "" {
					entry = entry[:last]
				}
			}
			if columns == nil {
				checkTests(t, document, name, entry[0], all, packages)
				continue
			}
			if len(entry) != len(columns) {
				t.Errorf("docs/tests.md, %s: %s has %d cells, want %d", document, name, len(entry), len(columns))
				continue
			}
			for i, column := range columns {
				checkTests(t, document, name+", "+column, entry[i], all, packages)
			}
		}
		for name := range index {
			if !seen[name] {
				t.Errorf("docs/tests.md has %q, which is no row of %s", name, document)
			}
		}
		least := map[string]int{guarantees: 30, "docs/cluster.md": 40}[document]
		if len(seen) < cmp.Or(least, 40) {
			t.Errorf("%s has %d rows: is it read?", document, len(seen))
		}
	}
}

// The tables with a test in each cell have the columns that the rule above takes them for,
// in the document and in the index.
func TestColumnsOfTheIndex(t *testing.T) {
	for _, document := range []string{"docs/cluster.md", "docs/tests.md"} {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(document)))
		if err != nil {
			t.Fatal(err)
		}
		for heading, columns := range byCell {
			_, part, ok := strings.Cut(string(text), "\n### "+heading+"\n")
			_, table, found := strings.Cut(part, "\n|")
			head, _, _ := strings.Cut(table, "\n")
			if !ok || !found {
				t.Errorf("%s has no table %q", document, heading)
				continue
			}
			got := ticked(head)
			if document == "docs/cluster.md" { // a column may be of several engines
				slices.Sort(got)
				columns = slices.Sorted(slices.Values(columns))
			}
			if !slices.Equal(got, columns) {
				t.Errorf("%s, %s has the columns %q, want %q", document, heading, got, columns)
			}
		}
	}
}

var goTestName = regexp.MustCompile(`^(?:[\w/]+\.)?(?:Test|Fuzz)[A-Z]\w+(?:/|$)`)

// checkTests expects tests that exist in a cell of the index, or a reason for none.
func checkTests(t *testing.T, document, row, cell string, all map[string]bool, packages map[string]*testSources) {
	t.Helper()
	for _, mark := range []string{notBuilt, noTest} {
		if reason, ok := strings.CutPrefix(cell, mark); ok {
			if reason == "" {
				t.Errorf("docs/tests.md, %s, %s: %q without more", document, row, mark)
			}
			return
		}
	}
	names := ticked(cell)
	if len(names) == 0 {
		t.Errorf("docs/tests.md, %s: %s has no test", document, row)
	}
	for _, name := range names {
		parts := testName.FindStringSubmatch(name)
		switch {
		case parts != nil:
			if packages[parts[1]] == nil {
				packages[parts[1]] = readTests(t, parts[1])
			}
			packages[parts[1]].check(t, "docs/tests.md", name, parts[2], parts[3])
		case scriptTest.MatchString(name):
			if !scriptExists(name) {
				t.Errorf("docs/tests.md, %s, %s names %s, which does not exist", document, row, name)
			}
		case !all[name]:
			t.Errorf("docs/tests.md, %s, %s names the test %s, which does not exist", document, row, name)
		}
	}
}

// scriptTest is a file with tests in TypeScript or JavaScript, and a part of a title.
var scriptTest = regexp.MustCompile(`^(.+\.(?:ts|js))(?:/(.+))?$`)

// scriptExists reports whether there is such a test.
func scriptExists(name string) bool {
	parts := scriptTest.FindStringSubmatch(name)
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(parts[1])))
	title := strings.ReplaceAll(parts[2], "_", " ")
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "test(") && strings.Contains(line, title) {
			return err == nil
		}
	}
	return false
}
