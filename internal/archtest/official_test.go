// SPDX-License-Identifier: MIT

// This file holds the rule for conformance/official.md: every test of the npm server
// is counted in its table, and every test of ours that a row names exists.

package archtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// officialFiles are the test files of the npm server that the table must have, and
// how many tests each has.
var officialFiles = map[string]int{
	"close.ts": 8, "handshake.ts": 4, "messaging-many.ts": 20, "middleware.ts": 10, "namespaces.ts": 42,
	"server-attachment.ts": 20, "socket-middleware.ts": 2, "socket-timeout.ts": 5, "socket.ts": 62,
	"utility-methods.ts": 9, "v2-compatibility.ts": 3,
}

var (
	officialHead = regexp.MustCompile(`^## (\S+) \((\d+)\)$`)
	scenarioCall = regexp.MustCompile("scenario\\((?:\"([^\"]+)\"|`([^`]+)`)")
	inserted     = regexp.MustCompile(`\\\$\\\{[^}]*\\\}`)
)

func TestOfficialTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "conformance", "official.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := namedTests(t)
	scenarios := make(map[string]*scenarioFile)
	sums, file := make(map[string]int), ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := officialHead.FindStringSubmatch(line); m != nil {
			file = m[1]
			if n := officialFiles[file]; strconv.Itoa(n) != m[2] {
				t.Errorf("%s has %d tests, not %s", file, n, m[2])
			}
			continue
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
			t.Errorf("a row has four cells: %s", line)
			continue
		}
		sums[file] += n
		for _, name := range officialCell(t, cells[3]) {
			if !existsScenario(t, scenarios, name) {
				t.Errorf("%s names the scenario %q, which does not exist", file, name)
			}
		}
		for _, name := range officialCell(t, cells[4]) {
			if !tests[name] {
				t.Errorf("%s names the test %s, which does not exist", file, name)
			}
		}
	}
	for name, n := range officialFiles {
		if sums[name] != n {
			t.Errorf("the rows of %s stand for %d tests, want %d", name, sums[name], n)
		}
	}
	for name := range tests {
		if strings.HasPrefix(name, "TestOfficial") && name != "TestOfficialTable" && !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("no row names %s", name)
		}
	}
}

// officialCell are the names in a cell; one without any says why.
func officialCell(t *testing.T, cell string) []string {
	t.Helper()
	cell = strings.TrimSpace(cell)
	if reason, none := strings.CutPrefix(cell, "none: "); none {
		if reason == "" {
			t.Error("none, without a reason")
		}
		return nil
	}
	names := ticked(cell)
	if len(names) == 0 {
		t.Errorf("want tests in backquotes, or none: and why: %q", cell)
	}
	return names
}

// A scenarioFile is a file of scenarios for the npm client.
type scenarioFile struct {
	text   string
	titles []*regexp.Regexp
}

// existsScenario tells whether "close: title" is a scenario of official/, or
// "suite/rooms: title" one of suite/. What a title inserts must stand in its file.
func existsScenario(t *testing.T, files map[string]*scenarioFile, name string) bool {
	t.Helper()
	file, title, _ := strings.Cut(name, ": ")
	if !strings.Contains(file, "/") {
		file = "official/" + file
	}
	if files[file] == nil {
		files[file] = readScenarios(t, file)
	}
	f := files[file]
	return slices.ContainsFunc(f.titles, func(pattern *regexp.Regexp) bool {
		m := pattern.FindStringSubmatch(title)
		return m != nil && !slices.ContainsFunc(m[1:], func(part string) bool { return !strings.Contains(f.text, `"`+part+`"`) })
	})
}

func readScenarios(t *testing.T, file string) *scenarioFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "conformance", file+".test.mjs"))
	if err != nil {
		t.Error(err)
	}
	f := &scenarioFile{text: string(text)}
	for _, m := range scenarioCall.FindAllStringSubmatch(f.text, -1) {
		pattern := inserted.ReplaceAllString(regexp.QuoteMeta(m[1]+m[2]), "(.+)")
		f.titles = append(f.titles, regexp.MustCompile("^"+pattern+"$"))
	}
	return f
}
