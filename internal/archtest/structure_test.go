// SPDX-License-Identifier: MIT

// This file holds the rules of structure: the size of files, functions and types, the
// number of files in a cycle of dependencies, and that the reading order of a package
// names each of its files.

package archtest_test

import (
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A shape bounds the dependencies among the files of a package.
type shape struct {
	cycle int // files in the largest cycle of dependencies, at most
	tied  int // the most pairs of files of which one uses the other, in percent; 0: no bound
}

// shapes has the packages with larger bounds. A figure may only shrink.
var (
	ordinary = shape{cycle: 3}
	shapes   = map[string]shape{
		"":                {cycle: 11, tied: 25},
		"internal/serial": {cycle: 3},
		"engineio":        {cycle: 10, tied: 24},
	}
)

const (
	maxFileLines     = 600
	maxFunctionLines = 80
	maxMethods       = 60 // declared and promoted, unexported ones too
)

// These are over a bound and have to shrink to it: the number is the bound until then.
var (
	longFiles   = map[string]int{}
	richTypes   = map[string]int{}
	unreadFiles = map[string]int{} // files that no reading order names
)

// sources parses the files of a package that users build, on any system.
func sources(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	for _, name := range sourceNames(t, dir) {
		f, err := parse(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func sourceNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			names = append(names, e.Name())
		}
	}
	return names
}

// Files that depend on each other in a cycle can only be understood together.
func TestFilesFormNoLargeCycles(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		limit, ok := shapes[name]
		if !ok {
			limit = ordinary
		}
		uses := usesBetweenFiles(t, p.Dir)
		cycle := largestCycle(uses)
		if len(cycle) > limit.cycle {
			t.Errorf("%s: %d files form a cycle, want at most %d: %s", p.ImportPath, len(cycle), limit.cycle, strings.Join(cycle, " "))
		}
		pairs, tied := tiedPairs(uses)
		if limit.tied > 0 && tied*100 > pairs*limit.tied {
			t.Errorf("%s: of %d pairs of files %d are tied, want at most %d %%", p.ImportPath, pairs, tied, limit.tied)
		}
	}
}

// usesBetweenFiles returns, for each file of a package, the others whose functions,
// types, fields and package-level names it uses. Imports are not looked into. Files
// for other systems declare the same names again, so they stay out.
func usesBetweenFiles(t *testing.T, dir string) map[string][]string {
	t.Helper()
	all := sources(t, dir)
	uses := make(map[string][]string)
	var files []*ast.File
	for _, f := range all {
		name := filepath.Base(fset.Position(f.Pos()).Filename)
		if strings.HasSuffix(name, "_other.go") || strings.HasSuffix(name, "_windows.go") || strings.HasSuffix(name, "_js.go") {
			continue
		}
		files = append(files, f)
		uses[name] = nil
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Importer: emptyImports{}, Error: func(error) {}} // names of imports are unknown
	pkg, _ := conf.Check("p", fset, files, info)
	for ident, object := range info.Uses {
		if object.Pkg() != pkg || !object.Pos().IsValid() {
			continue
		}
		switch object := object.(type) {
		case *types.Var:
			if !object.IsField() && object.Parent() != pkg.Scope() {
				continue
			}
		case *types.TypeName:
			if object.Parent() != pkg.Scope() {
				continue
			}
		}
		from := filepath.Base(fset.Position(ident.Pos()).Filename)
		to := filepath.Base(fset.Position(object.Pos()).Filename)
		if from != to && !slices.Contains(uses[from], to) {
			uses[from] = append(uses[from], to)
		}
	}
	return uses
}

// emptyImports gives every import path a package without names.
type emptyImports struct{}

func (emptyImports) Import(importPath string) (*types.Package, error) {
	name := path.Base(importPath)
	if regexp.MustCompile(`^v\d+$`).MatchString(name) {
		name = path.Base(path.Dir(importPath))
	}
	pkg := types.NewPackage(importPath, name)
	pkg.MarkComplete()
	return pkg, nil
}

// largestCycle returns the files of the largest set that all reach each other.
func largestCycle(uses map[string][]string) (largest []string) {
	reach := make(map[string]map[string]bool)
	var visit func(seen map[string]bool, file string)
	visit = func(seen map[string]bool, file string) {
		for _, to := range uses[file] {
			if !seen[to] {
				seen[to] = true
				visit(seen, to)
			}
		}
	}
	for file := range uses {
		reach[file] = make(map[string]bool)
		visit(reach[file], file)
	}
	for file := range uses {
		cycle := []string{file}
		for other := range reach[file] {
			if other != file && reach[other][file] {
				cycle = append(cycle, other)
			}
		}
		if len(cycle) > len(largest) {
			largest = cycle
		}
	}
	slices.Sort(largest)
	return largest
}

// tiedPairs counts the pairs of files, and those of which one uses the other.
func tiedPairs(uses map[string][]string) (pairs, tied int) {
	for from, all := range uses {
		for _, to := range all {
			if from < to || !slices.Contains(uses[to], from) {
				tied++
			}
		}
	}
	return len(uses) * (len(uses) - 1) / 2, tied
}

// The rule above must detect a cycle.
func TestCyclesAreSeen(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go": "package p\n\ntype A struct{ b *B }\n",
		"b.go": "package p\n\ntype B struct{ n int }\n\nfunc (b *B) M() { c() }\n",
		"c.go": "package p\n\nfunc c() { var a A; a.b.n++ }\n",
		"d.go": "package p\n\nvar d = A{}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	uses := usesBetweenFiles(t, dir)
	if cycle := largestCycle(uses); !slices.Equal(cycle, []string{"a.go", "b.go", "c.go"}) {
		t.Errorf("the cycle is %v", cycle)
	}
	// a-b, b-c, a-c and d-a are tied; b-d and c-d are not.
	if pairs, tied := tiedPairs(uses); pairs != 6 || tied != 4 {
		t.Errorf("%d of %d pairs are tied", tied, pairs)
	}
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		files := sources(t, p.Dir)
		for _, f := range files {
			file := path.Join(name, filepath.Base(fset.Position(f.Pos()).Filename))
			if lines := fset.File(f.Pos()).LineCount(); lines > max(maxFileLines, longFiles[file]) {
				t.Errorf("%s has %d lines, want at most %d", file, lines, maxFileLines)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; lines > maxFunctionLines {
					t.Errorf("%s: %s has %d lines, want at most %d", file, fn.Name.Name, lines, maxFunctionLines)
				}
			}
		}
	}
}

// The method set of a type is what a reader must know, and what its users find in the
// documentation.
func TestTypesHaveFewMethods(t *testing.T) {
	imports := exportData(t)
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		if isProgram(name) {
			continue
		}
		pkg, err := imports.Import(p.ImportPath)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, n := range pkg.Scope().Names() {
			object, ok := pkg.Scope().Lookup(n).(*types.TypeName)
			if !ok || object.IsAlias() {
				continue
			}
			full := strings.TrimPrefix(name+"."+n, ".")
			if methods := methodsOf(object.Type()); methods > max(maxMethods, richTypes[full]) {
				t.Errorf("%s has %d methods, want at most %d", full, methods, max(maxMethods, richTypes[full]))
			}
		}
	}
}

func methodsOf(t types.Type) int {
	if types.IsInterface(t) {
		return t.Underlying().(*types.Interface).NumMethods()
	}
	return types.NewMethodSet(types.NewPointer(t)).Len()
}

// exportData reads what the compiler has written about packages: with all methods,
// unexported ones too.
func exportData(t *testing.T) types.Importer {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		files[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(importPath string) (io.ReadCloser, error) {
		return os.Open(files[importPath])
	})
}

var fileName = regexp.MustCompile(`\b[a-z0-9_]+\.go\b`)

// The reading order of the package comment names all files. A package of one file needs
// none.
func TestReadingOrdersAreComplete(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := short(p.ImportPath)
		if isProgram(name) {
			continue
		}
		files := sources(t, p.Dir)
		comment := ""
		for _, f := range files {
			if doc := f.Doc.Text(); strings.HasPrefix(doc, "Package ") {
				comment = doc
			}
		}
		names := slices.DeleteFunc(sourceNames(t, p.Dir), func(name string) bool { return name == "doc.go" })
		at := strings.LastIndex(strings.ToLower(comment), "reading order")
		if at < 0 {
			if len(names) > 1 {
				t.Errorf("%s: the package comment gives no reading order", p.ImportPath)
			}
			continue
		}
		listed := fileName.FindAllString(comment[at:], -1)
		var missing []string
		for _, file := range names {
			if !slices.Contains(listed, file) {
				missing = append(missing, file)
			}
		}
		if len(missing) > unreadFiles[name] {
			t.Errorf("%s: the reading order leaves out %s", p.ImportPath, strings.Join(missing, ", "))
		}
		for _, file := range listed {
			if _, err := os.Stat(filepath.Join(p.Dir, file)); err != nil {
				t.Errorf("%s: the reading order names %s, which does not exist", p.ImportPath, file)
			}
		}
	}
}
