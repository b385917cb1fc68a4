// SPDX-License-Identifier: MIT

// This file holds the types that the parameters and results of a handler may have:
// those that JSON can fill and carry.

package socketio

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"socketio/engineio"
)

// checkParam panics if a client can't fill a parameter of type t.
func checkParam(name, which string, t reflect.Type) {
	switch t {
	case contextType:
		badHandler(name, "a context.Context must be its first parameter")
	case socketType:
		badHandler(name, "a *socketio.Socket must come before the arguments of the event")
	case argsType:
		badHandler(name, "a socketio.Args takes all arguments and can't stand beside others")
	case ackType:
		badHandler(name, "a socketio.Ack must be its last parameter")
	}
	is := "parameter " + which + " is " + withArticle(t)
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	switch base {
	case socketType.Elem():
		badHandler(name, is+": take a *socketio.Socket, before the arguments of the event")
	case ackType:
		badHandler(name, is+": take a socketio.Ack, as the last parameter")
	case argsType:
		badHandler(name, is+": take a socketio.Args, which is all arguments")
	case contextType:
		badHandler(name, is+": take a context.Context, as the first parameter")
	case reflect.TypeFor[Handshake](), reflect.TypeFor[engineio.Handshake]():
		badHandler(name, is+": take a *socketio.Socket and call its Handshake")
	}
	f := (&typeCheck{}).look(t, "")
	switch {
	case f == nil:
		return
	case f.kind == flawOurs && f.of == base && base.PkgPath() == "net/http":
		badHandler(name, is+", which no client can send; what is known of the one that opened the connection is in Socket.Handshake")
	case f.kind == flawOurs && f.of == base:
		badHandler(name, is+", which no client can send")
	case f.kind == flawInterface && f.of == t:
		badHandler(name, "parameter "+which+" is the interface "+t.String()+"; JSON needs a concrete type, or any")
	}
	why := is + ", which JSON can't fill" + f.reason(base, "send")
	if base.Kind() == reflect.Func {
		why += "; to answer by hand take a socketio.Ack as the last parameter"
	}
	badHandler(name, why)
}

// checkResult panics if a client can't get a result of type t.
func checkResult(name string, which int, t reflect.Type) {
	is := fmt.Sprintf("result %d is %s", which, withArticle(t))
	if t.Implements(errorType) && !encodesItself(t, true) {
		badHandler(name, is+": a handler that may fail has a last result of type error")
	}
	base := t
	for base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if f := (&typeCheck{out: true}).look(t, ""); f != nil {
		badHandler(name, is+", which JSON can't carry"+f.reason(base, "get"))
	}
}

// A flaw is why JSON has no form for a type.
type flaw struct {
	kind flawKind
	of   reflect.Type // the type inside that is to blame, without its pointers
	seen reflect.Type // of, as it was met
	path string       // the fields that lead to it
}

type flawKind uint8

const (
	flawKindOf    flawKind = iota // a channel, a function, a lock
	flawOurs                      // something of the server's
	flawInterface                 // no value can be made for it
	flawKeys                      // of a map
	flawNoFields                  // a struct that hides all it has
)

// reason is what to say of a type with this flaw, which is base without its pointers.
// verb is what a client can't do with it.
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

// A typeCheck looks at a type and what is inside it.
type typeCheck struct {
	out  bool // it is to be encoded; else decoded
	been map[reflect.Type]bool
}

var (
	responseType = reflect.TypeFor[http.ResponseWriter]()
	// ourTypes have a meaning in this process only.
	ourTypes = []reflect.Type{
		socketType.Elem(), ackType, contextType, responseType, reflect.TypeFor[http.Request](), reflect.TypeFor[http.Response](),
		reflect.TypeFor[Server](), reflect.TypeFor[Namespace](), reflect.TypeFor[ParentNamespace](), reflect.TypeFor[RemoteSocket](),
		reflect.TypeFor[Broadcast](), reflect.TypeFor[engineio.Conn](), reflect.TypeFor[engineio.Server](),
	}
	// receivedTypes can be sent, but not be received.
	receivedTypes = []reflect.Type{argsType, reflect.TypeFor[Handshake](), reflect.TypeFor[engineio.Handshake]()}
)

// look returns what is wrong with t, or nil.
func (c *typeCheck) look(t reflect.Type, path string) *flaw {
	base := t
	if t.Kind() == reflect.Pointer {
		base = t.Elem()
	}
	if slices.Contains(ourTypes, base) || !c.out && slices.Contains(receivedTypes, base) {
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

// lookInside looks at the fields of a struct that JSON sees, those of structs embedded
// in it among them. What is decoded may have fields that no client sends, so there only
// a type of ours is a flaw, or that no field can be filled.
func (c *typeCheck) lookInside(t reflect.Type, path string) (usable bool, first *flaw) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if c.out && strings.Contains(options, "omitzero") { // and so left out where it is not set
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

// embeddedStruct is the struct that a field embeds, or nil.
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

// withArticle is the name of a type behind its article: an int, a uint, an http.Header;
// a *int, which is read as a pointer.
func withArticle(t reflect.Type) string {
	name := t.String()
	if !strings.HasPrefix(name, "uint") && (strings.ContainsRune("aeiouAEIOU", rune(name[0])) || strings.HasPrefix(name, "http.")) {
		return "an " + name
	}
	return "a " + name
}

// describe is a value's type behind its article.
func describe(v any) string {
	if v == nil {
		return "nil"
	}
	return withArticle(reflect.TypeOf(v))
}
