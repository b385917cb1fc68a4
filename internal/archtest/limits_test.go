// SPDX-License-Identifier: MIT

// This file holds what must be true of docs/limits.md: every limit among the options
// has a row, with its tests, and a doc line.

package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// limitName is how the options that bound something are named.
var limitName = regexp.MustCompile(`^(Max\w+|\w+Timeout|PingInterval|ShutdownRate|QueueBudget)$`)

func TestLimitsTable(t *testing.T) {
	limits := limitOptions(t)
	text, err := os.ReadFile(filepath.Join(root, "docs", "limits.md"))
	if err != nil {
		t.Fatal(err)
	}
	packages := make(map[string]*testSources)
	rows := 0
	bounds, _, _ := strings.Cut(string(text), keptHeading) // see kept_test.go
	for line := range strings.Lines(bounds) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "Limit" {
			continue
		}
		rows++
		if len(cells) != 5 {
			t.Errorf("a row has five cells: %s", line)
			continue
		}
		for _, option := range ticked(cells[1]) {
			if _, ok := limits[option]; !ok {
				t.Errorf("%s: there is no option %s", cells[0], option)
			}
			limits[option] = true
		}
		names := ticked(cells[4])
		if len(names) == 0 {
			t.Errorf("%s has no test", cells[0])
		}
		for _, name := range names {
			parts := testName.FindStringSubmatch(name)
			if parts == nil {
				t.Errorf("%s names %s, which is no test", cells[0], name)
				continue
			}
			if packages[parts[1]] == nil {
				packages[parts[1]] = readTests(t, parts[1])
			}
			packages[parts[1]].check(t, "docs/limits.md", name, parts[2], parts[3])
		}
	}
	for option, listed := range limits {
		if !listed {
			t.Errorf("docs/limits.md has no row for Options.%s", option)
		}
	}
	if rows < 30 {
		t.Errorf("docs/limits.md has %d rows: is it read?", rows)
	}
}

// limitOptions are the fields of socketio.Options that bound something, by the path a
// program sets them with: MaxPayload, Limits.MaxRooms, Engine.WriteTimeout. Each must
// have a comment that says so, of its own or with its neighbour. What Options and its
// Engine both have is listed once, without Engine.
func limitOptions(t *testing.T) map[string]bool {
	t.Helper()
	limits := make(map[string]bool)
	for _, part := range []struct{ file, typ, prefix string }{
		{"options.go", "Options", ""},
		{"options.go", "SocketLimits", "Limits."},
		{"engineio/options.go", "Options", "Engine."},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, part.file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != part.typ {
				return true
			}
			doc := ""
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				if field.Doc != nil {
					doc = field.Doc.Text()
				}
				for _, name := range field.Names {
					if !limitName.MatchString(name.Name) {
						continue
					}
					if _, shared := limits[name.Name]; !shared {
						limits[part.prefix+name.Name] = false
					}
					if !strings.Contains(doc, name.Name) || !strings.Contains(doc, "Default") {
						t.Errorf("%s: the comment of %s.%s does not say what it is and its default", part.file, part.typ, name.Name)
					}
				}
			}
			return false
		})
	}
	return limits
}
