// SPDX-License-Identifier: MIT

// This file holds the rule that every log line uses the keys of docs/observability.md.

package archtest_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

var logKeyRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|")

// logKeys are the keys that the documentation lists.
func logKeys(t *testing.T) (keys []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range logKeyRow.FindAllStringSubmatch(string(text), -1) {
		keys = append(keys, m[1])
	}
	return keys
}

func TestLogKeysAreDocumented(t *testing.T) {
	keys, used := logKeys(t), map[string]bool{}
	for _, p := range packages(t) {
		if name, _ := short(p.ImportPath); isProgram(name) {
			continue
		}
		for _, file := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			f, err := parse(filepath.Join(p.Dir, file))
			if err != nil {
				t.Error(err)
				continue
			}
			std := slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"log"` })
			ast.Inspect(f, func(n ast.Node) bool {
				for _, key := range keysOfCall(n, std) {
					name, err := strconv.Unquote(literal(key))
					if err != nil || !slices.Contains(keys, name) {
						t.Errorf("%s: the key %s is no literal, or not in docs/observability.md", fset.Position(key.Pos()), literal(key))
					}
					used[name] = true
				}
				return true
			})
		}
	}
	for _, key := range keys {
		if !used[key] {
			t.Errorf("docs/observability.md lists the key %q, which no log line has", key)
		}
	}
}

// keysOfCall returns the keys of n if it is a call of a logger. std tells that the
// name log stands for the package.
func keysOfCall(n ast.Node, std bool) (keys []ast.Expr) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !isLogger(method.X, std) {
		return nil
	}
	first := 1
	switch method.Sel.Name {
	case "Debug", "Info", "Warn", "Error":
	case "With":
		first = 0
	case "Enabled":
		return nil
	default:
		return []ast.Expr{method} // another way to log: teach this test
	}
	last := len(call.Args)
	if call.Ellipsis.IsValid() {
		last-- // what telemetry.Sampled passes on: its callers are looked at
	}
	for i := first; i < last; i += 2 {
		keys = append(keys, call.Args[i])
	}
	return keys
}

func isLogger(x ast.Expr, std bool) bool {
	switch x := x.(type) {
	case *ast.SelectorExpr:
		return x.Sel.Name == "Logger" || x.Sel.Name == "log" || x.Sel.Name == "sampled"
	case *ast.Ident:
		return x.Name == "log" && !std
	}
	return false
}

func literal(x ast.Expr) string {
	if lit, ok := x.(*ast.BasicLit); ok {
		return lit.Value
	}
	return "?"
}
