// SPDX-License-Identifier: MIT

// This file holds the rules and reads the source with go/parser and go list.

package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const (
	module = "socketio"
	root   = "../.."
)

// floors says which of our packages a package may import. A package that is not
// listed may import none of them.
var floors = map[string][]string{
	"adapter":            {"internal/idtable", "internal/lock"},
	"adapter/nodewire":   {"adapter", "internal/binding", "internal/jsontext", "internal/mpack", "parser"},
	"adapter/cluster":    {"adapter", "adapter/nodewire", "internal/jsontext", "parser"},
	"internal/netpoll":   {"internal/lock"},
	"internal/recovery":  {"adapter", "internal/lock"},
	"internal/ack":       {"internal/lock"},
	"internal/once":      {"internal/lock"},
	"internal/registry":  {"internal/lock"},
	"internal/serial":    {"internal/lock"},
	"internal/telemetry": {"internal/call", "internal/lock"},
	"internal/wheel":     {"internal/lock"},
	"internal/turns":     {"internal/lock"},
	"internal/intern":    {"internal/lock"},
	"engineio":           {"internal/coding", "internal/durations", "internal/idtable", "internal/intern", "internal/lock", "internal/netpoll", "internal/telemetry", "internal/wheel", "internal/ws"},
	"engineio/forward":   {"engineio", "internal/fields", "internal/lock", "internal/netpoll", "internal/telemetry"},
	"internal/call":      {"internal/lock"},
	"parser":             {"internal/jsontext"},
	"parser/msgpack":     {"internal/jsontext", "internal/mpack", "parser"},
	"internal/binding":   {"internal/jsontext", "parser"},
	"internal/format":    {"engineio", "internal/binding", "internal/jsontext", "parser"},
	"": {
		"adapter", "engineio", "internal/ack", "internal/binding", "internal/call", "internal/coding", "internal/durations", "internal/fields", "internal/format", "internal/jsontext", "internal/lock", "internal/once", "internal/recovery", "internal/registry", "internal/serial", "internal/slots", "internal/telemetry", "internal/turns", "parser", "parser/msgpack",
		"web/client/dist",
	},
	"internal/ws/wstest":   {"internal/ws"}, // for tests
	"internal/rawclient":   {"internal/ws", "internal/ws/wstest"},
	"internal/clusterhost": {"", "adapter", "adapter/cluster", "internal/faultnet", "internal/leakcheck", "internal/rawclient"}, // for tests of engines
	"siotest": { // for tests, also those of applications
		"internal/binding", "internal/durations", "internal/faultnet", "internal/memnet", "internal/rawclient", "internal/ws", "internal/ws/wstest", "parser",
	},

	"adapter/adaptertest":    {"adapter", "adapter/cluster", "adapter/nodewire"}, // for implementers' tests
	"adapter/cluster/membus": {"adapter", "adapter/cluster", "adapter/nodewire"}, // for tests

	"internal/npmcluster": {"internal/tether"}, // for tests of engines

	// Programs stand on top of the public packages.
	"examples/chat":            {"examples/chat/room"},
	"examples/chat/room":       {"", "adapter"},
	"examples/dialer":          {"engineio", "parser"},
	"examples/production":      {"", "engineio"},
	"conformance/cmd/datapath": {""},
	"internal/histserver": { // for tests
		"", "adapter", "adapter/cluster", "engineio", "engineio/forward", "internal/histcheck", "internal/tether",
	},
	"conformance/cmd/delivery":   {"internal/faultnet", "internal/histcheck", "internal/histserver"},                // for tests
	"internal/nodes":             {"", "adapter/cluster", "engineio/forward"},                                       // for tests
	"internal/conformserver":     {"", "adapter/cluster", "engineio", "internal/nodes", "parser", "parser/msgpack"}, // for tests
	"internal/clientserver":      {"", "internal/nodes", "parser/msgpack"},                                          // for tests
	"conformance/cmd/testserver": {"internal/conformserver", "internal/nodes"},
	"web/client/test/goserver":   {"internal/clientserver", "internal/nodes"},
}

// testHelpers must not be in the programs that users build, only in their tests.
var testHelpers = []string{"conformance/cmd/delivery", "internal/clusterhost", "internal/faultnet", "internal/histcheck", "internal/histserver", "internal/leakcheck", "internal/memnet", "internal/npmcluster", "internal/rawclient", "internal/tether", "internal/ws/wstest", "internal/archtest", "siotest"}

// requirements are the modules that the core may require.
var requirements = []string{"golang.org/x/sys", "github.com/klauspost/compress"}

// A pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
	IgnoredGoFiles,
	TestGoFiles,
	XTestGoFiles []string
}

// packages lists the packages of the core module.
func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// listed asks the go command once for all rules.
var listed = sync.OnceValues(func() (all []pkg, err error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		return nil, fmt.Errorf("go list found %d packages", len(all))
	}
	return all, nil
})

// The files that rules have read, by their absolute paths, and their positions. Rules
// run one after the other.
var (
	fset   = token.NewFileSet()
	parsed = make(map[string]*ast.File)
)

// parse reads a file of Go once for all rules, with its comments.
func parse(name string) (*ast.File, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	f := parsed[name]
	if f == nil {
		if f, err = parser.ParseFile(fset, name, nil, parser.ParseComments); err == nil {
			parsed[name] = f
		}
	}
	return f, err
}

// short is a package's path inside the module; "" is the root. ok is false for
// packages that are not ours.
func short(importPath string) (name string, ok bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		for _, i := range p.Imports {
			to, ours := short(i)
			if ours && !slices.Contains(floors[name], to) {
				t.Errorf("%s imports %s: not among what its floor may import; see floors", p.ImportPath, i)
			}
			if ours && slices.Contains(testHelpers, to) && !slices.Contains(testHelpers, name) {
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, i)
			}
		}
	}
}

// Files for other systems count too: go list does not see their imports.
func TestImportsOfFilesForOtherSystems(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		for _, file := range p.IgnoredGoFiles {
			f, err := parse(filepath.Join(p.Dir, file))
			if err != nil {
				t.Error(err)
				continue
			}
			for _, spec := range f.Imports {
				i, _ := strconv.Unquote(spec.Path.Value)
				if to, ours := short(i); ours && !slices.Contains(floors[name], to) && !strings.HasSuffix(file, "_test.go") {
					t.Errorf("%s in %s imports %s", file, p.ImportPath, i)
				}
			}
		}
	}
}

func TestRequirementsOfTheCore(t *testing.T) {
	for _, r := range required(t, filepath.Join(root, "go.mod")) {
		if !slices.Contains(requirements, r) {
			t.Errorf("go.mod requires %s; the core may require %v", r, requirements)
		}
	}
}

// required returns the modules that a go.mod requires.
func required(t *testing.T, file string) []string {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json", file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, r := range mod.Require {
		paths = append(paths, r.Path)
	}
	return paths
}

// nestedHelpers are the packages of internal that tests of modules beside the core may use:
// tests run with the core beside them.
var nestedHelpers = []string{"clientserver", "clusterhost", "conformserver", "faultnet", "histserver", "leakcheck", "nodes", "npmcluster", "rawclient", "tether"}

// startsServers reports whether a package of a module beside the core starts servers for
// its tests, such as adapter/redisadapter/internal/redistest.
func startsServers(name string) bool {
	return path.Base(path.Dir(name)) == "internal" && strings.HasSuffix(name, "test")
}

// Modules beside the core may use its public packages only: their versions and
// the core's drift apart. Tools, benchmarks and comparisons are built with the
// core, never released.
func TestNestedModulesUsePublicPackages(t *testing.T) {
	unreleased := []string{"tools", "bench", "bench/peers", "internal/difftest"}
	walk(t, func(name string, d fs.DirEntry) {
		if d.Name() != "go.mod" || name == "go.mod" || slices.Contains(unreleased, path.Dir(name)) {
			return
		}
		nested := path.Dir(name)
		walk(t, func(name string, _ fs.DirEntry) {
			if !strings.HasPrefix(name, nested+"/") || !strings.HasSuffix(name, ".go") {
				return
			}
			f, err := parse(filepath.Join(root, name))
			if err != nil {
				t.Error(err)
				return
			}
			for _, spec := range f.Imports {
				i, _ := strconv.Unquote(spec.Path.Value)
				to, ok := strings.CutPrefix(i, module+"/internal/")
				if forTests := strings.HasSuffix(name, "_test.go") || startsServers(path.Dir(name)); ok && !(forTests && slices.Contains(nestedHelpers, to)) || !forTests && startsServers(i) {
					t.Errorf("%s imports %s", name, i)
				}
			}
		})
	})
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		comments := 0
		files := append(slices.Clone(p.GoFiles), p.IgnoredGoFiles...)
		for _, file := range files {
			f, err := parse(filepath.Join(p.Dir, file))
			if err != nil {
				t.Error(err)
				continue
			}
			if doc := f.Doc.Text(); strings.HasPrefix(doc, "Package ") || strings.HasPrefix(doc, "Command ") || f.Name.Name == "main" && doc != "" {
				comments++
			}
		}
		if comments != 1 && len(files) > 0 {
			t.Errorf("%s has %d package comments, want one", p.ImportPath, comments)
		}
	}
}

// Each file begins with the licence and, in its first comment, its contents.
func TestEveryFileSaysWhatItHolds(t *testing.T) {
	for _, p := range packages(t) {
		if name, _ := short(p.ImportPath); isProgram(name) {
			continue
		}
		for _, file := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles, p.IgnoredGoFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Error(err)
				continue
			}
			rest, ok := strings.CutPrefix(string(text), "// SPDX-License-Identifier: MIT\n")
			if !ok || !strings.HasPrefix(strings.TrimLeft(rest, "\n"), "//") {
				t.Errorf("%s/%s: want the SPDX line, then a comment that says what the file holds", p.ImportPath, file)
			}
		}
	}
}

// The map of DESIGN.md names every file of the core: by its path; by its name in
// the row of its package ("| `parser/` | `packet.go`, ..."); or all at once, in a
// row of a package that names no files. Such a row may name packages inside.
func TestFileMapIsComplete(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "DESIGN.md"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("docs/DESIGN.md does not exist yet")
		return
	} else if err != nil {
		t.Fatal(err)
	}
	onMap := make(map[string]bool)   // files
	covered := make(map[string]bool) // packages
	section := ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "## ") {
			section = line
		}
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.Contains(section, "File map") {
			continue
		}
		for _, name := range ticked(cells[1]) {
			if strings.HasSuffix(name, ".go") {
				onMap[name] = true
				continue
			}
			dir, whole := strings.TrimSuffix(name, "/"), strings.HasSuffix(name, "/")
			for _, inside := range ticked(strings.Join(cells[2:], "|")) {
				if strings.HasSuffix(inside, ".go") {
					onMap[path.Join(dir, inside)] = true
					whole = false
				} else {
					covered[path.Join(dir, inside)] = true
				}
			}
			if whole {
				covered[dir] = true
			}
		}
	}
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		if isProgram(name) {
			continue
		}
		for _, file := range append(slices.Clone(p.GoFiles), p.IgnoredGoFiles...) {
			if full := path.Join(name, file); !strings.HasSuffix(file, "_test.go") && !onMap[full] && !covered[name] {
				t.Errorf("%s is not in the file map of docs/DESIGN.md", full)
			}
		}
	}
	for name := range onMap {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("docs/DESIGN.md has a row for %s, which does not exist", name)
		}
	}
}

// isProgram reports whether a package stands beside the core: examples and
// servers for tests.
func isProgram(name string) bool {
	for _, dir := range []string{"examples/", "conformance/", "web/client/test/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// ticked returns the words in backquotes.
func ticked(s string) []string {
	var names []string
	parts := strings.Split(s, "`")
	for i := 1; i < len(parts); i += 2 {
		names = append(names, parts[i])
	}
	return names
}

// No test is skipped: a skipped test is never run.
func TestNothingIsSkipped(t *testing.T) {
	walk(t, func(name string, _ fs.DirEntry) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parse(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			receiver, _ := sel.X.(*ast.Ident)
			switch sel.Sel.Name {
			case "Skip", "Skipf", "SkipNow":
				if receiver != nil && slices.Contains([]string{"t", "b", "f", "tb"}, receiver.Name) {
					t.Errorf("%s calls %s.%s", name, receiver.Name, sel.Sel.Name)
				}
			}
			return true
		})
	})
}

// walk calls f for the files of the repository, by their slash-separated path.
func walk(t *testing.T, f func(name string, d fs.DirEntry)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !d.IsDir() {
			f(name, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
