// SPDX-License-Identifier: MIT

// This file holds the rules for docs/limits.md: every limit among the options has a row,
// and a doc line. Its tests are in docs/tests.md; see index_test.go.

package archtest_test

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// limitName is how the options that bound something are named.
var limitName = regexp.MustCompile(`^(Max\w+|\w+Timeout|PingInterval|ShutdownRate|QueueBudget)$`)

func TestLimitsTable(t *testing.T) {
	limits := limitOptions(t)
	rows := 0
	for _, row := range rowsOf(t, "docs/limits.md") {
		if row.heading == keptHeading { // see kept_test.go
			continue
		}
		rows++
		if len(row.cells) != 4 {
			t.Errorf("a row has four cells: %s", row.name())
			continue
		}
		for _, option := range ticked(row.cells[1]) {
			if _, ok := limits[option]; !ok {
				t.Errorf("%s: there is no option %s", row.name(), option)
			}
			limits[option] = true
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
		f, err := parse(filepath.Join(root, part.file))
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
