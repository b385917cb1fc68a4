// SPDX-License-Identifier: MIT

// This file checks the types of changed files, to know without the compiler whether a
// mutant compiles.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// A checker knows the export data of everything that the core imports.
type checker struct {
	fset    *token.FileSet
	imports types.Importer
	helper  *types.Package            // what mutants ask whether they are on
	parsed  map[string][]*ast.File    // the files of a package as they are, by import path
	infos   map[string]*types.Info    // of those
	known   map[string]*types.Package // the same
}

// Import implements types.Importer.
func (c *checker) Import(path string) (*types.Package, error) {
	if path == c.helper.Path() {
		return c.helper, nil
	}
	return c.imports.Import(path)
}

func newChecker(root, module string) (*checker, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exports := make(map[string]string)
	for dec := json.NewDecoder(out); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
	}
	if err := cmd.Wait(); err != nil {
		return nil, err
	}
	c := &checker{
		fset: token.NewFileSet(), helper: types.NewPackage(module+helperPath, "mutated"),
		parsed: make(map[string][]*ast.File), infos: make(map[string]*types.Info), known: make(map[string]*types.Package),
	}
	c.imports = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	})
	number := types.NewTuple(types.NewVar(token.NoPos, c.helper, "i", types.Typ[types.Int]))
	answer := types.NewTuple(types.NewVar(token.NoPos, c.helper, "", types.Typ[types.Bool]))
	c.helper.Scope().Insert(types.NewFunc(token.NoPos, c.helper, "Is", types.NewSignatureType(nil, nil, nil, number, answer, false)))
	c.helper.MarkComplete()
	return c, nil
}

// load parses and checks a package as it is.
func (c *checker) load(p pkg) error {
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		c.parsed[p.ImportPath] = append(c.parsed[p.ImportPath], f)
	}
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue)}
	known, err := c.config().Check(p.ImportPath, c.fset, c.parsed[p.ImportPath], info)
	c.infos[p.ImportPath], c.known[p.ImportPath] = info, known
	return err
}

func (c *checker) config() *types.Config {
	return &types.Config{Importer: c, Error: nil, Sizes: types.SizesFor("gc", "amd64")}
}

// compiles reports whether a package compiles with another text of one of its files.
func (c *checker) compiles(path, file string, text []byte) bool {
	changed, err := parser.ParseFile(c.fset, file+" changed", text, parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	var files []*ast.File
	for _, f := range c.parsed[path] {
		if c.fset.Position(f.Package).Filename == file {
			f = changed
		}
		files = append(files, f)
	}
	_, err = c.config().Check(path, c.fset, files, nil)
	return err == nil
}
