// SPDX-License-Identifier: MIT

// This file says which types JSON can fill and carry, and the flaws of others.

package call

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// A flaw is the reason why JSON can't represent a type.
type flaw struct {
	kind flawKind
	of   reflect.Type // the offending type inside, without its pointers
	seen reflect.Type // of, with its pointers
	path string       // the fields leading to it
}

type flawKind uint8

const (
	flawKindOf    flawKind = iota // a channel, a function, a lock
	flawOurs                      // a type of Words.Ours or Words.Sent
	flawInterface                 // no value can be created for it
	flawKeys                      // of a map
	flawNoFields                  // a struct without exported fields
)

// reason describes the flaw of a type, which is base without its pointers. verb names the
// operation that is impossible for a client.
func (f *flaw) reason(base reflect.Type, verb string) string {
	switch {
	case f.kind == flawOurs:
		return ": no client can " + verb + " " + withArticle(f.seen)
	case f.kind == flawInterface:
		return ": " + f.of.String() + " is an interface; JSON needs a concrete type, or any"
	case f.kind == flawKeys:
		return ": the keys of a JSON object are strings"
	case f.kind == flawNoFields && f.of == base:
		return ": it has no exported field"
	case f.kind == flawNoFields:
		return ": " + f.of.String() + " has no exported field"
	case f.path != "":
		return ": its field " + f.path + " is " + withArticle(f.seen)
	case f.of == base:
		return ""
	}
	return ": " + f.seen.String()
}

// A typeCheck checks a type and the types inside it.
type typeCheck struct {
	words *Words
	out   bool // the type is encoded; otherwise decoded
	been  map[reflect.Type]bool
}

// look returns the flaw of t, or nil.
func (c *typeCheck) look(t reflect.Type, path string) *flaw {
	base := t
	if t.Kind() == reflect.Pointer {
		base = t.Elem()
	}
	if slices.Contains(c.words.Ours, base) || !c.out && slices.Contains(c.words.Sent, base) {
		return &flaw{flawOurs, base, t, path}
	}
	if c.been[t] || encodesItself(t, c.out) {
		return nil
	}
	if c.been == nil {
		c.been = make(map[reflect.Type]bool)
	}
	c.been[t] = true
	if strings.HasPrefix(t.PkgPath()+"/", "sync/") {
		return &flaw{flawKindOf, t, t, path}
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return &flaw{flawKindOf, t, t, path}
	case reflect.Interface:
		if !c.out && t.NumMethod() > 0 {
			return &flaw{flawInterface, t, t, path}
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return c.look(t.Elem(), path)
	case reflect.Map:
		if !isKey(t.Key(), c.out) {
			return &flaw{flawKeys, t, t, path}
		}
		return c.look(t.Elem(), path)
	case reflect.Struct:
		usable, f := c.lookInside(t, path)
		if f == nil && !usable && t.NumField() > 0 {
			f = &flaw{flawNoFields, t, t, path}
		}
		return f
	}
	return nil
}

// lookInside checks the fields of a struct that JSON uses, including those of embedded
// structs. A decoded struct may have fields that no client sends, so for it only a type
// of Words.Ours is a flaw, or the lack of any field that can be filled.
func (c *typeCheck) lookInside(t reflect.Type, path string) (usable bool, first *flaw) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if c.out && strings.Contains(options, "omitzero") { // left out when it is not set
			usable = true
			continue
		}
		if embedded := embeddedStruct(field); embedded != nil && name == "" && !encodesItself(field.Type, c.out) {
			if c.been[embedded] {
				continue
			}
			in, f := c.lookInside(embedded, path)
			usable = usable || in
			if f != nil && (c.out || f.kind == flawOurs) {
				return usable, f
			}
			continue
		}
		if !field.IsExported() {
			continue
		}
		inside := field.Name
		if path != "" {
			inside = path + "." + inside
		}
		switch f := c.look(field.Type, inside); {
		case f == nil:
			usable = true
		case c.out || f.kind == flawOurs:
			return usable, f
		case first == nil:
			first = f
		}
	}
	if usable {
		first = nil
	}
	return usable, first
}

// embeddedStruct returns the struct that a field embeds, or nil.
func embeddedStruct(field reflect.StructField) reflect.Type {
	t := field.Type
	if field.Anonymous && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !field.Anonymous || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// encodesItself reports whether t, or a pointer to it, has methods that encode or
// decode it.
func encodesItself(t reflect.Type, out bool) bool {
	methods := []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()}
	if out {
		methods = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}
	}
	for _, m := range methods {
		if t.Kind() == reflect.Interface {
			if out && t.Implements(m) {
				return true
			}
		} else if t.Implements(m) || reflect.PointerTo(t).Implements(m) {
			return true
		}
	}
	return false
}

// isKey reports whether t can be the key of a map that is a JSON object.
func isKey(t reflect.Type, out bool) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	if out {
		return t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// withArticle returns the name of a type with its article: an int, a uint, an
// http.Header; a *int, since it is read as "a pointer".
func withArticle(t reflect.Type) string {
	name := t.String()
	if !strings.HasPrefix(name, "uint") && (strings.ContainsRune("aeiouAEIOU", rune(name[0])) || strings.HasPrefix(name, "http.")) {
		return "an " + name
	}
	return "a " + name
}

// Describe returns the name of a value's type with its article.
func Describe(v any) string {
	if v == nil {
		return "nil"
	}
	return withArticle(reflect.TypeOf(v))
}
