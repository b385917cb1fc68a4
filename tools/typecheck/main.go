// SPDX-License-Identifier: MIT

// Command typecheck reports the type errors that packages and their tests have on other
// platforms. It reads the sources of what they import, so nothing is compiled: with empty
// caches go vet for another platform compiles the standard library first. Of imported
// packages outside the current folder it reads what they declare, not the bodies of functions.
//
//	typecheck linux/386,windows/amd64 PACKAGE...
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: typecheck GOOS/GOARCH,... PACKAGE...")
		os.Exit(2)
	}
	failed := false
	for platform := range strings.SplitSeq(os.Args[1], ",") {
		n, err := check(platform, os.Args[2:])
		if err != nil {
			failed = true
			fmt.Printf("%s: %v\n", platform, err)
			continue
		}
		fmt.Printf("%s: %d packages and tests\n", platform, n)
	}
	if failed {
		os.Exit(1)
	}
}

// check returns the number of packages checked for a platform, and all errors in them and
// in what they import.
func check(platform string, patterns []string) (n int, err error) {
	system, arch, ok := strings.Cut(platform, "/")
	if !ok {
		return 0, errors.New("a platform is GOOS/GOARCH")
	}
	folder, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	ours := folder + string(filepath.Separator)
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedDeps | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax,
		Env:   append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0"),
		Tests: true,
		ParseFile: func(files *token.FileSet, name string, src []byte) (*ast.File, error) {
			return parse(files, name, src, strings.HasPrefix(name, ours))
		},
	}, patterns...)
	if err != nil {
		return 0, err
	}
	var errs []error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, e := range p.Errors {
			// What only bodies use.
			if strings.Contains(e.Msg, " imported ") && strings.HasSuffix(e.Msg, " and not used") && !strings.HasPrefix(e.Pos, ours) {
				continue
			}
			errs = append(errs, e)
		}
	})
	if len(loaded) == 0 {
		errs = append(errs, errors.New("no packages"))
	}
	return len(loaded), errors.Join(errs...)
}

// parse reads a file. Without bodies, each function is an endless loop, which needs no result.
func parse(files *token.FileSet, name string, src []byte, bodies bool) (*ast.File, error) {
	f, err := parser.ParseFile(files, name, src, parser.AllErrors|parser.SkipObjectResolution)
	if f == nil || bodies {
		return f, err
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			loop := &ast.ForStmt{For: fn.Body.Lbrace, Body: &ast.BlockStmt{Lbrace: fn.Body.Lbrace, Rbrace: fn.Body.Lbrace}}
			fn.Body = &ast.BlockStmt{Lbrace: fn.Body.Lbrace, List: []ast.Stmt{loop}, Rbrace: fn.Body.Rbrace}
		}
	}
	return f, err
}
