// SPDX-License-Identifier: MIT

// This file holds the rule that finds data without a bound: each field that can grow, of
// a type that lives as long as a connection or longer, belongs to a row of
// docs/limits.md. docs/tests.md maps rows to fields.

package archtest_test

import (
	"go/ast"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const keptHeading = "What a client can make the server keep"

// longLived are the types at which the search begins: they live as long as a connection
// or longer. The types of their fields are searched too.
var longLived = []string{
	"Server", "handlers", "event", "internal/call.Compiler", "Namespace", "ParentNamespace", "internal/registry.Registry", "internal/registry.Entry", "conn", "Socket", "Handshake", "internal/ack.Table", "internal/once.Window", "internal/once.Call", "callKey", "internal/once.Parked", "Answers", "search", "internal/registry.claim", "internal/serial.Inbox", "internal/serial.Workers",
	"engineio.Server", "engineio.Conn", "engineio.Handshake", "engineio.polling", "engineio.wsTransport", "engineio.upgrade", "engineio.Message",
	"engineio.tunnel", "engineio.streamConn", "engineio.parkedGET",
	"internal/netpoll.Epoll", "internal/netpoll.epollConn", "internal/netpoll.loop", "internal/netpoll.Goroutines", "internal/netpoll.goroutineConn",
	"internal/ws.Parser", "internal/ws.Deflate", "internal/ws.inflater", "internal/wheel.Wheel", "internal/wheel.Timer",
	"internal/telemetry.Sampled", "internal/telemetry.List",
	"parser.Decoder", "parser/msgpack.Decoder", "parser/msgpack.Codec", "adapter.Memory", "adapter.Call",
}

// settings are types that only the application fills, before there are clients.
var settings = []string{
	"Options", "CORS", "audience", "engineio.Options", "engineio.config", "engineio.CORS", "engineio.Cookie", "engineio.cookieTemplate",
	"engineio.PerMessageDeflate", "engineio.HTTPCompression", "parser.Limits", "internal/ws.Config", "clientFiles", "clientFile", "clientForm",
}

// A structure is a struct type of ours.
type structure struct {
	dir     string
	fields  *ast.FieldList
	imports map[string]string // the packages of ours that its file imports, by name
}

// structures are all struct types of the core, by directory and name.
func structures(t *testing.T) map[string]structure {
	t.Helper()
	all := make(map[string]structure)
	for _, p := range packages(t) {
		dir, _ := short(p.ImportPath)
		for _, file := range append(slices.Clone(p.GoFiles), p.IgnoredGoFiles...) {
			f, err := parse(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			imports := make(map[string]string)
			for _, spec := range f.Imports {
				if inside, ours := short(strings.Trim(spec.Path.Value, `"`)); ours {
					imports[path.Base(inside)] = inside
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok {
					return true
				}
				if s, ok := spec.Type.(*ast.StructType); ok {
					all[typeName(dir, spec.Name.Name)] = structure{dir, s.Fields, imports}
				}
				return true
			})
		}
	}
	return all
}

func typeName(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "." + name
}

// mentions calls f for the names of our types in a type.
func (s structure) mentions(x ast.Expr, f func(name string)) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType, *ast.InterfaceType:
			return false
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && s.imports[pkg.Name] != "" {
				f(typeName(s.imports[pkg.Name], n.Sel.Name))
			}
			return false
		case *ast.Ident:
			f(typeName(s.dir, n.Name))
		}
		return true
	})
}

// canGrow reports whether a field of this type can grow.
func canGrow(x ast.Expr) (grows bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType, *ast.InterfaceType:
			return false
		case *ast.ArrayType:
			grows = grows || n.Len == nil
		case *ast.ChanType:
			if s, ok := n.Value.(*ast.StructType); ok && len(s.Fields.List) == 0 {
				return false // a signal, of no size
			}
			grows = true
		case *ast.MapType:
			grows = true
		case *ast.Ident:
			grows = grows || n.Name == "string"
		case *ast.SelectorExpr:
			pkg, _ := n.X.(*ast.Ident)
			name := pkg.Name + "." + n.Sel.Name
			grows = grows || slices.Contains([]string{"sync.Pool", "sync.Map", "list.List", "http.Header", "url.Values", "json.RawMessage"}, name)
			return false
		}
		return true
	})
	return grows
}

// growing are the fields that can grow, of the long-lived types and of all that
// their fields lead to.
func growing(t *testing.T) (fields []string) {
	t.Helper()
	all := structures(t)
	seen := make(map[string]bool)
	queue := slices.Clone(longLived)
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		s, ok := all[name]
		if slices.Contains(longLived, name) && !ok {
			t.Errorf("longLived has %s, which is no longer a type", name)
		}
		if !ok || seen[name] || slices.Contains(settings, name) {
			continue
		}
		seen[name] = true
		for _, field := range s.fields.List {
			s.mentions(field.Type, func(name string) { queue = append(queue, name) })
			if canGrow(field.Type) {
				for _, id := range field.Names {
					fields = append(fields, name+"."+id.Name)
				}
			}
		}
	}
	slices.Sort(fields)
	return fields
}

// Each row says what is kept, per what, its bound, and when it is given back. Its entry
// in docs/tests.md has the fields that hold it.
func TestWhatIsKept(t *testing.T) {
	per := []string{"message", "request", "connection", "socket", "namespace", "address", "process", "handler"}
	index := testIndex(t, "docs/limits.md")
	inRow := make(map[string]bool)
	rows := 0
	for _, row := range rowsOf(t, "docs/limits.md") {
		if row.heading != keptHeading {
			continue
		}
		rows++
		if len(row.cells) != 4 {
			t.Errorf("a row has four cells: %s", row.name())
			continue
		}
		if !slices.Contains(per, row.cells[1]) {
			t.Errorf("%s is per %s, want one of %s", row.cells[0], row.cells[1], strings.Join(per, ", "))
		}
		if len(row.cells[2]) < 2 || len(row.cells[3]) < 2 {
			t.Errorf("%s: what bounds it, and when is it given back?", row.cells[0])
		}
		entry := index[row.name()]
		if len(entry) != 2 || entry[1] == "" {
			t.Errorf("docs/tests.md: %s has no fields, nor says that it has none", row.name())
			continue
		}
		for _, field := range ticked(entry[1]) {
			inRow[field] = true
		}
	}
	if rows < 20 {
		t.Errorf("%d rows were read, want at least 20", rows)
	}
	used := make(map[string]bool)
	for _, field := range growing(t) {
		whole := field[:strings.LastIndexByte(field, '.')] + ".*"
		used[field], used[whole] = true, true
		if !inRow[field] && !inRow[whole] {
			t.Errorf("%s can grow: which row of docs/limits.md, %q, bounds it? Add it there in docs/tests.md", field, keptHeading)
		}
	}
	for field := range inRow {
		if !used[field] {
			t.Errorf("docs/tests.md has %s, which is no field that can grow", field)
		}
	}
}
