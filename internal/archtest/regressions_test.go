// SPDX-License-Identifier: MIT

// This file holds the rule for SECURITY-REGRESSIONS.md: no known advisory is missing. The
// tests of its rows are in docs/tests.md; see index_test.go.

package archtest_test

import (
	"go/ast"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// advisories are those that must have a row: of Socket.IO and Engine.IO, of their
// dependencies, of similar projects. New ones are added here first.
var advisories = []string{
	"CVE-2017-16031", "CVE-2020-28481", "CVE-2024-38355", "CVE-2020-36048", "CVE-2022-21676", "CVE-2022-41940",
	"CVE-2023-31125", "CVE-2026-59725", "CVE-2020-36049", "CVE-2022-2421", "CVE-2023-32695", "CVE-2026-33151",
	"CVE-2026-69185", "CVE-2016-10536", "CVE-2021-31597", "CVE-2020-28502", "CVE-2017-16113", "CVE-2024-36751",
	"CVE-2017-16137", "CVE-2024-47764", "engine.io 6.6.10", "engine.io 6.6.13",

	"CVE-2016-10518", "CVE-2026-45736", "CVE-2016-10542", "GHSA-5v72-xg48-5rpm", "CVE-2021-32640", "CVE-2024-37890",
	"CVE-2026-48779", "ws maxPendingAutoPongs", "ws 8.23",

	"CVE-2020-27813", "GHSA-w67g-5rqw-f597", "gorilla read limit", "coder text frames", "CVE-2026-27889",
	"CVE-2026-27571", "GHSA-8r68-gvr4-jh7j", "CVE-2026-21434", "CVE-2026-21435", "CVE-2026-21438",

	"CVE-2019-13611", "CVE-2025-61765", "CVE-2026-48802", "CVE-2026-48809", "CVE-2026-48804", "socketioxide 762",
	"zishang520 chunked POST", "CVE-2023-35391", "CVE-2019-0982", "CVE-2026-32689", "CVE-2026-56811",
	"CVE-2026-56812", "CVE-2022-42975", "Phoenix 1.9", "CVE-2026-65623", "GHSA-frh3-6pv6-rc8j", "CVE-2026-32301",
	"GHSA-g6vg-wj8f-48cj", "GHSA-q926-c743-49qj", "GHSA-j9wf-6r2x-hqmx", "CVE-2025-29923", "CVE-2024-27304",
	"CVE-2023-44487", "CVE-2023-45288", "CVE-2025-22871", "CVE-2026-56853", "CVE-2023-43669", "CVE-2020-35896",
	"CVE-2020-7693",

	"GHSA-7xpx-rcqc-8qjh", "GHSA-c6g7-r2mf-pf5g", "GHSA-55mf-67qm-4wpg", "msgpack Ext type byte",
	"engineioxide 0.17.9", "socketioxide 0.18.9", "python-socketio pre_connect",
}

func TestSecurityRegressions(t *testing.T) {
	var known []string
	for _, row := range rowsOf(t, "SECURITY-REGRESSIONS.md") {
		for id := range strings.SplitSeq(row.cells[0], ",") {
			known = append(known, strings.TrimSpace(id))
		}
	}
	for _, id := range advisories {
		if !slices.Contains(known, id) {
			t.Errorf("SECURITY-REGRESSIONS.md has no row for %s", id)
		}
	}
}

// testSources are the tests of one directory.
type testSources struct {
	functions map[string]*ast.FuncDecl
	literals  map[string]bool // strings with underscores for spaces, as in the names of cases
}

// readTests reads them. The root goes by the name of its package.
func readTests(t *testing.T, dir string) *testSources {
	t.Helper()
	s := &testSources{functions: make(map[string]*ast.FuncDecl), literals: make(map[string]bool)}
	files, _ := filepath.Glob(filepath.Join(root, strings.TrimPrefix(dir, "socketio"), "*_test.go")) // the pattern is well-formed
	for _, file := range files {
		f, err := parse(file)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				s.functions[fn.Name.Name] = fn
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				s.literals[strings.ReplaceAll(text, " ", "_")] = true
			}
			return true
		})
	}
	return s
}

// check expects an existing test that is not skipped.
func (s *testSources) check(t *testing.T, document, name, function, part string) {
	t.Helper()
	fn := s.functions[function]
	if fn == nil || part != "" && !s.literals[part] {
		t.Errorf("%s names %s, which does not exist", document, name)
		return
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(sel.Sel.Name, "Skip") {
			t.Errorf("%s is skipped", name)
		}
		return true
	})
}

// orderOnly are the files that may use other random numbers than those of crypto/rand, to
// choose an order that is not secret, or the faults of a test.
var orderOnly = []string{"engineio/shutdown.go", "adapter/cluster/membus/membus.go", "internal/histserver/traffic.go"}

// Ids and keys come from crypto/rand.
func TestRandomnessCannotBeGuessed(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		if isProgram(name) {
			continue
		}
		for _, file := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			f, err := parse(filepath.Join(p.Dir, file))
			if err != nil {
				t.Error(err)
				continue
			}
			for _, spec := range f.Imports {
				i, _ := strconv.Unquote(spec.Path.Value)
				if full := path.Join(name, file); strings.HasPrefix(i, "math/rand") && !slices.Contains(orderOnly, full) {
					t.Errorf("%s imports %s", full, i)
				}
			}
		}
	}
}
