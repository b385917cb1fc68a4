// SPDX-License-Identifier: MIT

// This file determines, once per type, which parts encoding and decoding must inspect.

package binding

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

var (
	marshalerType       = reflect.TypeFor[json.Marshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	rawMessageType      = reflect.TypeFor[json.RawMessage]()
)

// A plan holds the properties of one type.
type plan struct {
	// bytes: encoding/json writes the type as a base64 string.
	bytes bool

	// holdsBytes: a value may be or lead to such a type. It is true for
	// interfaces, which may lead anywhere.
	holdsBytes bool

	// holdsStandIn: a decoded value may be or lead to an interface, a string, a
	// byte slice or raw JSON, which is where Unmarshal leaves a stand-in.
	holdsStandIn bool

	// decodesItself: the type is or leads to one that has, or may have, its own
	// unmarshaler.
	decodesItself bool

	// addrMarshals: the type has its own marshaler, but only by pointer.
	addrMarshals bool

	fields []field // of a struct: those that encoding/json may look at
}

// A field is one field of a struct.
type field struct {
	index     int
	omitEmpty bool
}

// plan returns the plan of t.
func (c *Codec) plan(t reflect.Type) *plan {
	if p, ok := c.plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{
		bytes:         isBytes(t),
		holdsBytes:    reaches(t, map[reflect.Type]bool{}, leadsToBytes),
		holdsStandIn:  reaches(t, map[reflect.Type]bool{}, takesStandIn),
		decodesItself: reaches(t, map[reflect.Type]bool{}, leadsToUnmarshaler),
		addrMarshals:  t.Kind() != reflect.Pointer && marshals(reflect.PointerTo(t)),
	}
	if t.Kind() == reflect.Struct {
		p.fields = fieldsOf(t)
	}
	actual, _ := c.plans.LoadOrStore(t, p)
	return actual.(*plan)
}

// fieldsOf returns the fields of t that encoding/json looks at: exported ones,
// and embedded structs, because their exported fields are promoted.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			embedded := f.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			if !f.Anonymous || embedded.Kind() != reflect.Struct {
				continue
			}
		}
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		_, options, _ := strings.Cut(tag, ",")
		omit := false
		for option := range strings.SplitSeq(options, ",") {
			omit = omit || option == "omitempty"
		}
		fields = append(fields, field{index: i, omitEmpty: omit})
	}
	return fields
}

func marshals(t reflect.Type) bool {
	return t.Implements(marshalerType) || t.Implements(textMarshalerType)
}

func unmarshals(t reflect.Type) bool {
	return t.Implements(unmarshalerType) || t.Implements(textUnmarshalerType)
}

// isBytes reports whether encoding/json writes t as a base64 string.
func isBytes(t reflect.Type) bool {
	return isByteSlice(t) && !marshals(t) && !marshals(reflect.PointerTo(t.Elem()))
}

func isByteSlice(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// A verdict ends or continues the search of reaches.
type verdict byte

const (
	look verdict = iota // look at the parts of the type
	yes
	no
)

func leadsToBytes(t reflect.Type) verdict {
	switch {
	case marshals(t): // writes itself
		return no
	case t.Kind() == reflect.Interface || isBytes(t):
		return yes
	}
	return look
}

func takesStandIn(t reflect.Type) verdict {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.String || isByteSlice(t) {
		return yes
	}
	return look
}

// leadsToUnmarshaler ignores json.RawMessage, which is put right, and an empty interface,
// because the values that Unmarshal creates for one have no methods.
func leadsToUnmarshaler(t reflect.Type) verdict {
	switch {
	case t == rawMessageType:
		return no
	case unmarshals(reflect.PointerTo(t)) || t.Kind() == reflect.Interface && t.NumMethod() > 0:
		return yes
	}
	return look
}

// reaches reports whether judge says yes to t or to a type that t is made of.
func reaches(t reflect.Type, seen map[reflect.Type]bool, judge func(reflect.Type) verdict) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch judge(t) {
	case yes:
		return true
	case no:
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return reaches(t.Elem(), seen, judge)
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			if reaches(t.Field(f.index).Type, seen, judge) {
				return true
			}
		}
	}
	return false
}
