// SPDX-License-Identifier: MIT

// This file puts many mutants into one program, which takes the number of the one that is
// on from its environment. So each package is compiled once, not once for each mutant.
// The program also records which tests reach which mutant: the others need not run.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// helperPath is the path of the package that mutants ask, inside the module. It exists in
// the overlay only.
const helperPath = "/internal/mutated"

const helperSource = `package mutated

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	active, _ = strconv.Atoi(os.Getenv("MUTANT"))
	record    = os.Getenv("MUTANT_HITS") != ""
	out       *os.File
	mu        sync.Mutex
	names     = []string{"-"}
	test      atomic.Int32 // which of names runs, plus one
	last      [count + 1]atomic.Int32 // the test that reached a mutant last
)

func init() {
	if !record {
		return
	}
	out, _ = os.OpenFile(os.Getenv("MUTANT_HITS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	test.Store(1)
	testing.OnTest = func(name string) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, name)
		test.Store(int32(len(names)))
	}
}

// Is reports whether mutant i is on.
func Is(i int) bool {
	if record && last[i].Load() != test.Load() {
		reached(i)
	}
	return i == active
}

func reached(i int) {
	mu.Lock()
	defer mu.Unlock()
	now := test.Load()
	if last[i].Swap(now) != now {
		fmt.Fprintln(out, i, names[now-1])
	}
}
`

// hooks are the changes of package testing that tell which test, example or fuzz target
// runs.
var hooks = []struct{ file, after, text string }{
	{"testing.go", "func tRunner(t *T, fn func(t *T)) {\n", "if OnTest != nil && t.level == 1 { OnTest(t.name) }\n"},
	{"testing.go", "package testing\n", "var OnTest func(string)\n"},
	{"fuzz.go", "func fRunner(f *F, fn func(*F)) {\n", "if OnTest != nil { OnTest(f.name) }\n"},
	{"run_example.go", "func runExample(eg InternalExample) (ok bool) {\n", "if OnTest != nil { OnTest(eg.Name) }\n"},
}

// An edit replaces a part of a file.
type edit struct {
	from, to int
	text     string
}

func apply(src []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		src = slices.Concat(src[:e.from], []byte(e.text), src[e.to:])
	}
	return src
}

// switched returns the edit that leaves both the old and the new form in the program, with
// number as the mutant's number. Both forms stay on their lines.
func (mu mutant) switched(c *checker, number int) (edit, bool) {
	is := fmt.Sprintf("mutated.Is(%d)", number)
	old := string(mu.src[mu.whole[0]:mu.whole[1]])
	changed := string(apply(mu.src[:mu.whole[1]], []edit{{mu.from, mu.to, mu.text}})[mu.whole[0]:])
	switch {
	case mu.kind == drop:
		return edit{mu.whole[0], mu.whole[1], "if !" + is + " { " + old + " }"}, true
	case mu.expr == nil: // a statement
		return edit{mu.whole[0], mu.whole[1], "func() { if " + is + " { " + changed + " } else { " + old + " } }()"}, true
	}
	t := c.typeOf(mu)
	if t == nil {
		return edit{}, false
	}
	name := types.TypeString(types.Default(t), func(p *types.Package) string {
		if p == c.known[mu.pkg] || p.Path() == mu.pkg {
			return ""
		}
		return p.Name()
	})
	return edit{mu.whole[0], mu.whole[1], "func() " + name + " { if " + is + " { return " + changed + " }; return " + old + " }()"}, true
}

// typeOf finds the type of the expression that a mutant changes.
func (c *checker) typeOf(mu mutant) (found types.Type) {
	for _, f := range c.parsed[mu.pkg] {
		if c.fset.Position(f.Package).Filename != mu.file {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			x, ok := n.(ast.Expr)
			if ok && c.fset.Position(x.Pos()).Offset == mu.whole[0] && c.fset.Position(x.End()).Offset == mu.whole[1] && found == nil {
				found = c.infos[mu.pkg].Types[x].Type
			}
			return found == nil
		})
	}
	return found
}

// A schema is the overlay with all mutants that can be switched on.
type schema struct {
	overlay string
	alone   []bool // mutants that need a program of their own, such as those of constants
}

// newSchema writes it to dir. Mutants have their place in the list plus one as number.
func newSchema(c *checker, all []mutant, root, module, dir string) (*schema, error) {
	s := &schema{overlay: filepath.Join(dir, "overlay.json"), alone: make([]bool, len(all))}
	files := make(map[string][]int)
	for i, mu := range all {
		files[mu.file] = append(files[mu.file], i)
	}
	replace := make(map[string]string)
	write := func(original string, text []byte) error {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		replace[original] = file
		return os.WriteFile(file, text, 0o600)
	}
	for file, in := range files {
		text := s.switchable(c, all, in, module)
		if text == nil {
			continue
		}
		if err := write(file, text); err != nil {
			return nil, err
		}
	}
	if err := write(filepath.Join(root, filepath.FromSlash(helperPath[1:]), "mutated.go"), []byte(helperSource+fmt.Sprintf("\nconst count = %d\n", len(all)))); err != nil {
		return nil, err
	}
	if err := hookTests(write); err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.overlay, text, 0o600)
}

// switchable returns the text of a file with those of its mutants that can be switched on,
// or nil. It notes the others.
func (s *schema) switchable(c *checker, all []mutant, in []int, module string) []byte {
	first := all[in[0]]
	var edits []edit
	var tried []int
	for _, i := range in {
		e, ok := all[i].switched(c, i+1)
		if s.alone[i] = !ok || slices.ContainsFunc(edits, func(other edit) bool { return e.from < other.to && other.from < e.to }); s.alone[i] {
			continue
		}
		edits, tried = append(edits, e), append(tried, i)
	}
	if text := withHelper(first, module, edits); len(edits) > 0 && c.compiles(first.pkg, first.file, text) {
		return text
	}
	var good []edit
	for k, i := range tried { // one of them is the reason
		if s.alone[i] = !c.compiles(first.pkg, first.file, withHelper(first, module, edits[k:k+1])); !s.alone[i] {
			good = append(good, edits[k])
		}
	}
	if len(good) == 0 {
		return nil
	}
	return withHelper(first, module, good)
}

// withHelper returns a file with edits and the import that they need.
func withHelper(mu mutant, module string, edits []edit) []byte {
	return apply(mu.src, append(slices.Clone(edits), edit{mu.imports, mu.imports, fmt.Sprintf("; import %q", module+helperPath)}))
}

// hookTests writes the files of package testing with the hooks.
func hookTests(write func(original string, text []byte) error) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	texts := make(map[string][]byte)
	for _, h := range hooks {
		file := filepath.Join(strings.TrimSpace(string(root)), "src", "testing", h.file)
		if texts[file] == nil {
			src, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			texts[file] = src
		}
		before, after, ok := strings.Cut(string(texts[file]), h.after)
		if !ok {
			return fmt.Errorf("%s has no %q", file, h.after)
		}
		if h.after == "package testing\n" { // declarations go to the end
			texts[file] = append(texts[file], h.text...)
			continue
		}
		texts[file] = []byte(before + h.after + h.text + after)
	}
	var errs []error
	for file, text := range texts {
		errs = append(errs, write(file, text))
	}
	return errors.Join(errs...)
}

// readHits returns which tests reach which mutant, and those that are reached outside of
// tests, which all tests may notice.
func readHits(file string) (tests map[int][]string, always map[int]bool, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		err = nil // none is reached
	}
	tests, always = make(map[int][]string), make(map[int]bool)
	for line := range bytes.Lines(text) {
		var i int
		var name string
		if _, err := fmt.Sscan(string(line), &i, &name); err != nil {
			return nil, nil, err
		}
		if name == "-" {
			always[i] = true
		} else if !slices.Contains(tests[i], name) {
			tests[i] = append(tests[i], name)
		}
	}
	return tests, always, err
}
