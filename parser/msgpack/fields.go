// SPDX-License-Identifier: MIT

// This file analyses each type once as encoding/json would: its marshalers, and the
// fields of a struct with their names and options.

package msgpack

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

var (
	marshalerType       = reflect.TypeFor[json.Marshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	rawMessageType      = reflect.TypeFor[json.RawMessage]()
	jsonNumberType      = reflect.TypeFor[json.Number]()
	timeType            = reflect.TypeFor[time.Time]()
)

// A form is the encoding of a type if its kind does not determine it.
type form byte

const (
	byKind form = iota
	asTime
	asRawJSON
	asNumber // json.Number
	asJSON   // by its json.Marshaler or Unmarshaler
	asText   // by its encoding.TextMarshaler or TextUnmarshaler
)

// typeInfo holds the properties of one type. It is immutable.
type typeInfo struct {
	encode     form
	encodeAddr form // the same where the value has an address: pointer methods count
	decode     form // of an addressable value
	bytes      bool // a byte slice that encoding/json writes as base64
	fields     []field
	byName     map[string]int // index into fields
}

// A field is one field of a struct as encoding/json sees it.
type field struct {
	name      string
	index     []int
	typ       reflect.Type
	omitEmpty bool
	omitZero  bool
	isZero    bool // has a method IsZero() bool
	quoted    bool // the option "string"
	tagged    bool
}

// A typeTable holds the typeInfo of each type.
type typeTable struct {
	known sync.Map // reflect.Type to *typeInfo
}

func (tt *typeTable) info(t reflect.Type) *typeInfo {
	if p, ok := tt.known.Load(t); ok {
		return p.(*typeInfo)
	}
	p, _ := tt.known.LoadOrStore(t, newTypeInfo(t))
	return p.(*typeInfo)
}

func newTypeInfo(t reflect.Type) *typeInfo {
	p := &typeInfo{encode: encodeForm(t), encodeAddr: encodeForm(t), decode: decodeForm(t)}
	if p.encode == byKind && t.Kind() != reflect.Pointer {
		p.encodeAddr = encodeForm(reflect.PointerTo(t))
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		p.bytes = p.encode == byKind && encodeForm(reflect.PointerTo(t.Elem())) == byKind
	}
	if t.Kind() == reflect.Struct {
		p.fields = fieldsOf(t)
		p.byName = make(map[string]int, len(p.fields))
		for i := range p.fields {
			p.byName[p.fields[i].name] = i
		}
	}
	return p
}

func encodeForm(t reflect.Type) form {
	switch {
	case t == timeType:
		return asTime
	case t == rawMessageType:
		return asRawJSON
	case t == jsonNumberType:
		return asNumber
	case t == reflect.PointerTo(timeType) || t == reflect.PointerTo(rawMessageType):
		return byKind // depends on the type it points to
	case t.Kind() == reflect.Interface:
		return byKind // depends on its value
	case t.Implements(marshalerType):
		return asJSON
	case t.Implements(textMarshalerType):
		return asText
	}
	return byKind
}

func decodeForm(t reflect.Type) form {
	p := reflect.PointerTo(t)
	switch {
	case t == timeType:
		return asTime
	case t == rawMessageType:
		return asRawJSON
	case t == jsonNumberType:
		return asNumber
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return byKind // depends on the element type
	case p.Implements(unmarshalerType):
		return asJSON
	case p.Implements(textUnmarshalerType):
		return asText
	}
	return byKind
}

// find returns the field with the given name: an exact match, otherwise one that ignores
// case.
func (p *typeInfo) find(name []byte) *field {
	if i, ok := p.byName[string(name)]; ok {
		return &p.fields[i]
	}
	for i := range p.fields {
		if strings.EqualFold(p.fields[i].name, string(name)) {
			return &p.fields[i]
		}
	}
	return nil
}

// fieldsOf returns the fields of a struct in the order of the type, those of
// embedded structs in their place. Of several with one name the shallowest counts,
// then the one with a tag; if that leaves more than one, none does.
func fieldsOf(t reflect.Type) []field {
	var all []field
	visited := map[reflect.Type]bool{t: true}
	level := []field{{typ: t}}
	for len(level) > 0 {
		// A type that is embedded twice at one level hides its own fields: they
		// are all there twice.
		count := map[reflect.Type]int{}
		for _, e := range level {
			count[e.typ]++
		}
		var next []field
		done := map[reflect.Type]bool{}
		for _, e := range level {
			if done[e.typ] {
				continue
			}
			done[e.typ] = true
			own, embedded := directFields(e)
			all = append(all, own...)
			if count[e.typ] > 1 {
				all = append(all, own...)
			}
			for _, f := range embedded {
				if !visited[f.typ] {
					next = append(next, f)
					if count[e.typ] > 1 {
						next = append(next, f)
					}
				}
			}
		}
		for _, f := range next {
			visited[f.typ] = true
		}
		level = next
	}
	return dominant(all)
}

// directFields returns the fields of e that are members themselves, and the
// embedded structs whose fields are.
func directFields(e field) (own, embedded []field) {
	for i := range e.typ.NumField() {
		sf := e.typ.Field(i)
		target := sf.Type
		if sf.Anonymous && target.Kind() == reflect.Pointer {
			target = target.Elem()
		}
		if !sf.IsExported() && !(sf.Anonymous && target.Kind() == reflect.Struct) {
			continue
		}
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if !nameOK(name) {
			name = ""
		}
		f := field{name: name, tagged: name != "", typ: sf.Type}
		f.index = append(slices.Clip(e.index), i)
		if name == "" && sf.Anonymous && target.Kind() == reflect.Struct {
			f.typ = target
			embedded = append(embedded, f)
			continue
		}
		if !f.tagged {
			f.name = sf.Name
		}
		f.setOptions(options)
		own = append(own, f)
	}
	return own, embedded
}

func (f *field) setOptions(options string) {
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
			_, f.isZero = f.typ.MethodByName("IsZero")
		case "string":
			t := f.typ
			if t.Name() == "" && t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			switch t.Kind() {
			case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
				reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
				reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
				f.quoted = true
			}
		}
	}
}

// nameOK reports whether encoding/json takes name from a tag.
func nameOK(name string) bool {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return name != ""
}

// dominant keeps one field of each name, or none; see fieldsOf.
func dominant(all []field) []field {
	slices.SortStableFunc(all, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)), compareBool(b.tagged, a.tagged))
	})
	kept := all[:0]
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].name == all[i].name {
			end++
		}
		if end == i+1 || len(all[i].index) != len(all[i+1].index) || all[i].tagged != all[i+1].tagged {
			kept = append(kept, all[i])
		}
		i = end
	}
	slices.SortFunc(kept, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return kept
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
