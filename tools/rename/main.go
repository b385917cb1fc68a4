// SPDX-License-Identifier: MIT

// Command rename gives the module another path, in all its modules, imports,
// documents, examples and scripts:
//
//	go run ./rename -dir .. example.org/you/socketio
//
// A path without a dot in its first element can't be fetched, so a publisher of the
// module gives it one first. The name of the package stays. What is changed is on disk
// only: look at it with git diff, and commit it.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// passedOver are directories that hold no source.
var passedOver = []string{".git", "bin", "node_modules", "target", "testdata", "tmp"}

// texts are the ends of files that may name the module.
var texts = []string{".awk", ".go", ".md", ".mjs", ".mod", ".sh", ".txt", ".yml"}

var validPath = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$`)

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", ".", "the root of the repository")
	flag.Parse()
	if err := run(*dir, flag.Arg(0)); err != nil {
		log.Fatal(err)
	}
}

func run(root, path string) error {
	if !validPath.MatchString(path) {
		return fmt.Errorf("rename: %q is no path that can be fetched: want a host and a name, as in example.org/you/socketio", path)
	}
	old, err := modulePath(root)
	if err != nil {
		return err
	}
	r, err := newRenamer(root, old, path)
	if err != nil {
		return err
	}
	changed := 0
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(passedOver, d.Name()):
			return fs.SkipDir
		case filepath.Base(filepath.Dir(name)) == "dist" && filepath.Ext(name) != ".go": // built
			return nil
		case !d.Type().IsRegular() || !slices.Contains(texts, filepath.Ext(name)):
			return nil
		}
		did, err := r.file(name)
		if did {
			changed++
		}
		return err
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s is now %s: %d files changed\n", old, path, changed)
	return nil
}

// modulePath reads the path that the module has.
func modulePath(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(path), nil
		}
	}
	return "", fmt.Errorf("rename: go.mod names no module")
}

type renamer struct {
	old, path string
	packages  *regexp.Regexp // the path of a package or a module inside
	alone     *regexp.Regexp // the path alone, where it is no word of a text
}

// newRenamer takes what follows the old path for a package only if the repository has
// a directory of that name: "socketio" is a word of its own, too.
func newRenamer(root, old, path string) (*renamer, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, regexp.QuoteMeta(e.Name()))
		}
	}
	quoted := regexp.QuoteMeta(old)
	r := &renamer{old: old, path: path}
	if r.packages, err = regexp.Compile(`(^|[^A-Za-z0-9_./-])` + quoted + `/(` + strings.Join(dirs, "|") + `)\b`); err != nil {
		return nil, err
	}
	// A directive of go.mod; an import in a document or a script; the heading of
	// docs/api.txt; the constant that tests of the source read.
	r.alone, err = regexp.Compile(`(?m)(^module |^package |\brequire |\breplace |^\t|module = "|=== "|import "|\\t"|^\t+")` + quoted + `("|$| v\d| =>)`)
	return r, err
}

// file renames in one file, and reports whether it has changed.
func (r *renamer) file(name string) (bool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	renamed := r.packages.ReplaceAll(text, []byte("${1}"+r.path+"/${2}"))
	code := strings.HasSuffix(name, ".go")
	if code {
		renamed = []byte(strings.ReplaceAll(string(renamed), `module = "`+r.old+`"`, `module = "`+r.path+`"`))
		renamed, err = r.imports(name, renamed)
	} else if filepath.Base(name) == "api.txt" || filepath.Ext(name) != ".txt" {
		renamed = r.alone.ReplaceAll(renamed, []byte("${1}"+r.path+"${2}"))
	}
	if err != nil || string(renamed) == string(text) {
		return false, err
	}
	if err := os.WriteFile(name, renamed, 0o644); err != nil {
		return false, err
	}
	if filepath.Base(name) == "go.mod" {
		return true, exec.Command("go", "mod", "edit", "-fmt", name).Run() // sorts
	}
	return true, nil
}

// imports renames the import of the root package, and formats: imports are in order.
func (r *renamer) imports(name string, text []byte) ([]byte, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	specs := slices.Clone(f.Imports)
	slices.SortFunc(specs, func(a, b *ast.ImportSpec) int { return int(b.Pos() - a.Pos()) }) // from the end on
	for _, spec := range specs {
		if spec.Path.Value == `"`+r.old+`"` {
			at := fset.Position(spec.Path.Pos()).Offset
			text = slices.Concat(text[:at+1], []byte(r.path), text[at+1+len(r.old):])
		}
	}
	return format.Source(text)
}
