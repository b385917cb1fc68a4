// SPDX-License-Identifier: MIT

// Command api prints the API of the public packages of the module in the current
// directory export: one line for each name, field and method, sorted. It reads compiled
// packages, so a change of an inferred type shows too. The lines are those of Linux;
// differences on other systems are not public.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

// A pkg is a package as described by go list.
type pkg struct {
	ImportPath, Name, Export string
	Module                   *struct{ Main bool }
}

func run(w io.Writer) error {
	exports := make(map[string]string) // files with the compiled declarations
	var public []string
	err := list(func(p pkg) {
		exports[p.ImportPath] = p.Export
		parts := strings.Split(p.ImportPath, "/")
		private := slices.Contains(parts, "internal") || slices.Contains(parts, "examples")
		if p.Module != nil && p.Module.Main && p.Name != "main" && !private {
			public = append(public, p.ImportPath)
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(public)
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	for _, path := range public {
		p, err := compiled.Import(path)
		if err != nil {
			return err
		}
		lines := declarations(p)
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(w, "package %s\n", path)
		for _, line := range lines {
			fmt.Fprintf(w, "\t%s\n", line)
		}
	}
	return nil
}

// list calls f for every package of the module and its imports.
func list(f func(pkg)) error {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Export,Module", "./...")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		f(p)
	}
}

// A lister collects the lines of one package.
type lister struct {
	pkg   *types.Package
	lines []string
}

func declarations(p *types.Package) []string {
	l := &lister{pkg: p}
	for _, name := range p.Scope().Names() {
		if object := p.Scope().Lookup(name); object.Exported() {
			l.declare(object)
		}
	}
	return l.lines
}

func (l *lister) add(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// text writes a type: names of this package bare, others with their package.
func (l *lister) text(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == l.pkg {
			return ""
		}
		return p.Path()
	})
}

// signature is a function's text without the word func.
func (l *lister) signature(f *types.Func) string {
	return strings.TrimPrefix(l.text(f.Type()), "func")
}

func (l *lister) declare(object types.Object) {
	switch o := object.(type) {
	case *types.Const:
		l.add("const %s %s = %s", o.Name(), l.text(o.Type()), o.Val().ExactString())
	case *types.Var:
		l.add("var %s %s", o.Name(), l.text(o.Type()))
	case *types.Func:
		l.add("func %s%s", o.Name(), l.signature(o))
	case *types.TypeName:
		if o.IsAlias() {
			alias, _ := o.Type().(*types.Alias)
			if alias == nil {
				l.add("type %s = %s", o.Name(), l.text(o.Type()))
			} else {
				l.add("type %s = %s", o.Name(), l.text(alias.Rhs()))
			}
			return
		}
		l.named(o.Type().(*types.Named))
	}
}

// named lists a type, its exported fields and its methods, promoted ones too.
func (l *lister) named(n *types.Named) {
	name := n.Obj().Name()
	parameters := ""
	if list := n.TypeParams(); list.Len() > 0 {
		var all []string
		for t := range list.TypeParams() {
			all = append(all, t.Obj().Name()+" "+l.text(t.Constraint()))
		}
		parameters = "[" + strings.Join(all, ", ") + "]"
	}
	switch u := n.Underlying().(type) {
	case *types.Struct:
		closed := ""
		if l.fields(name, u, false) {
			closed = " // has unexported fields"
		}
		l.add("type %s%s struct%s", name, parameters, closed)
		l.fields(name, u, true)
	case *types.Interface:
		sealed := ""
		for m := range u.Methods() {
			if !m.Exported() {
				sealed = " // has unexported methods"
			}
		}
		l.add("type %s%s interface%s", name, parameters, sealed)
	default:
		l.add("type %s%s %s", name, parameters, l.text(u))
	}
	l.methods(n)
}

// fields lists the exported fields, if asked to, and reports whether there are others.
func (l *lister) fields(name string, s *types.Struct, write bool) (others bool) {
	for f := range s.Fields() {
		switch {
		case !f.Exported():
			others = true
		case write && f.Embedded():
			l.add("field %s embeds %s", name, l.text(f.Type()))
		case write:
			l.add("field %s.%s %s", name, f.Name(), l.text(f.Type()))
		}
	}
	return others
}

func (l *lister) methods(n *types.Named) {
	var all types.Type = n
	if !types.IsInterface(n) {
		all = types.NewPointer(n)
	}
	onValue := types.NewMethodSet(n)
	var methods []*types.Selection
	for m := range types.NewMethodSet(all).Methods() {
		if m.Obj().Exported() {
			methods = append(methods, m)
		}
	}
	slices.SortFunc(methods, func(a, b *types.Selection) int { return cmp.Compare(a.Obj().Name(), b.Obj().Name()) })
	for _, m := range methods {
		receiver := "*" + n.Obj().Name()
		if onValue.Lookup(m.Obj().Pkg(), m.Obj().Name()) != nil {
			receiver = n.Obj().Name()
		}
		l.add("method (%s) %s%s", receiver, m.Obj().Name(), l.signature(m.Obj().(*types.Func)))
	}
}
