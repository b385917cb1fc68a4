// SPDX-License-Identifier: MIT

// This file decodes into Go values of any type by reflection, with the rules of
// encoding/json.

package msgpack

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"socketio/internal/mpack"
)

// preallocBytes bounds the initial size of a slice, which grows with its elements.
const preallocBytes = 16 << 10

// A decoder fills values from data, which is valid.
type decoder struct {
	codec *Codec
	data  []byte
}

// value decodes the value at i into v and returns where it ends. v can be set.
func (d *decoder) value(i int, v reflect.Value) (end int, err error) {
	h, rest, _ := mpack.ReadHead(d.data, i)
	for v.Kind() == reflect.Pointer {
		if h.IsNull() {
			v.SetZero()
			return rest, nil
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	info := d.codec.types.info(v.Type())
	if info.decode != byKind {
		return d.byForm(i, h, rest, v, info.decode)
	}
	if v.Kind() == reflect.Interface {
		return d.toInterface(i, h, rest, v)
	}
	switch h.Kind {
	case mpack.Nil, mpack.Undefined:
		if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
			v.SetZero()
		}
		return rest, nil
	case mpack.Array:
		return d.array(h, rest, v)
	case mpack.Map:
		return d.object(h, rest, v, info)
	}
	end = rest + h.N
	return end, scalar(h, d.data[rest:end], v)
}

// toInterface decodes into an interface: into the value it points to, or an any.
func (d *decoder) toInterface(i int, h mpack.Head, rest int, v reflect.Value) (end int, err error) {
	if h.IsNull() {
		v.SetZero()
		return rest, nil
	}
	if held := v.Elem(); held.Kind() == reflect.Pointer && !held.IsNil() && held.Elem() != v {
		return d.value(i, held.Elem())
	}
	if v.NumMethod() > 0 {
		return 0, typeError(h, v.Type())
	}
	x, end := decodeAny(d.data, i)
	v.Set(reflect.ValueOf(x))
	return end, nil
}

// byForm decodes into a type with its own unmarshaler, or one known by name.
func (d *decoder) byForm(i int, h mpack.Head, rest int, v reflect.Value, how form) (end int, err error) {
	switch how {
	case asRawJSON:
		text, end := appendJSON(nil, d.data, i)
		v.SetBytes(text)
		return end, nil
	case asTime:
		if h.Kind == mpack.Date || h.Kind == mpack.Extension {
			end = rest + h.N
			t, ok := h.Date(d.data[rest:end])
			if !ok {
				return 0, typeError(h, v.Type())
			}
			v.Set(reflect.ValueOf(t))
			return end, nil
		}
	case asNumber:
		if h.IsNumber() && isFinite(h.Float()) {
			text, end := appendJSON(nil, d.data, i)
			v.SetString(string(text))
			return end, nil
		}
		if h.Kind == mpack.String {
			// encoding/json takes the text of a number in quotes too.
			text := d.data[rest : rest+h.N]
			if len(text) > 0 && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') && json.Valid(text) {
				v.SetString(string(text))
				return rest + h.N, nil
			}
		}
		if !h.IsNull() {
			return 0, typeError(h, v.Type())
		}
		return rest, nil
	case asText:
		if h.IsNull() {
			return rest, nil
		}
		text, end := appendJSON(nil, d.data, i)
		if text[0] != '"' {
			return 0, typeError(h, v.Type())
		}
		if h.Kind == mpack.String {
			text = d.data[rest:end:end]
		} else {
			text = text[1 : len(text)-1] // base64 and dates have no escapes
		}
		return end, v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	text, end := appendJSON(nil, d.data, i)
	return end, v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(text)
}

// scalar stores a value that holds no others. rest are the bytes after its head.
func scalar(h mpack.Head, rest []byte, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		if h.Kind == mpack.Bool {
			v.SetBool(h.Num != 0)
			return nil
		}
	case reflect.String:
		if h.Kind == mpack.String {
			v.SetString(string(rest))
			return nil
		}
		if t, ok := h.Date(rest); ok {
			v.SetString(dateText(t))
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, big, ok := h.Integer(); ok && !big && !v.OverflowInt(n) {
			v.SetInt(n)
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n, big, ok := h.Integer(); ok && (big || n >= 0) && !v.OverflowUint(uint64(n)) {
			v.SetUint(uint64(n))
			return nil
		}
	case reflect.Float32, reflect.Float64:
		if h.IsNumber() && !v.OverflowFloat(h.Float()) {
			v.SetFloat(h.Float())
			return nil
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			break
		}
		if h.Kind == mpack.Binary {
			v.SetBytes(clone(rest))
			return nil
		}
		if h.Kind == mpack.String {
			b, err := decodeBase64(rest)
			if err == nil {
				v.SetBytes(b)
			}
			return err
		}
	}
	return typeError(h, v.Type())
}

// array decodes an array of h.N elements at i into a slice or a Go array.
func (d *decoder) array(h mpack.Head, i int, v reflect.Value) (end int, err error) {
	t := v.Type()
	switch v.Kind() {
	case reflect.Slice:
		elems := reflect.New(t).Elem() // can be set, so that it can grow
		elems.Set(reflect.MakeSlice(t, 0, prealloc(h.N, t.Elem())))
		for n := range h.N {
			if n == elems.Cap() {
				elems.Grow(1)
			}
			elems.SetLen(n + 1)
			if i, err = d.value(i, elems.Index(n)); err != nil {
				return 0, err
			}
		}
		v.Set(elems)
		return i, nil
	case reflect.Array:
		for n := range h.N {
			if n >= v.Len() {
				walk := checker{data: d.data, maxDepth: maxNesting}
				i, _ = walk.skip(i, 0)
				continue
			}
			if i, err = d.value(i, v.Index(n)); err != nil {
				return 0, err
			}
		}
		for n := h.N; n < v.Len(); n++ {
			v.Index(n).SetZero()
		}
		return i, nil
	}
	return 0, typeError(h, t)
}

// prealloc returns for how many of n elements of type t memory is taken at once.
func prealloc(n int, t reflect.Type) int {
	return min(n, max(4, preallocBytes/max(1, int(t.Size()))))
}

// object decodes a map of h.N pairs at i into a struct or a Go map.
func (d *decoder) object(h mpack.Head, i int, v reflect.Value, info *typeInfo) (end int, err error) {
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(h, i, v, info)
	case reflect.Map:
		return d.mapping(h, i, v)
	}
	return 0, typeError(h, v.Type())
}

func (d *decoder) structure(h mpack.Head, i int, v reflect.Value, info *typeInfo) (end int, err error) {
	walk := checker{data: d.data, maxDepth: maxNesting}
	for range h.N {
		name, next := keyName(d.data, i)
		f := info.find(name)
		if f == nil {
			i, _ = walk.skip(next, 0)
			continue
		}
		fv, err := f.in(v)
		if err != nil {
			return 0, err
		}
		if f.quoted {
			i, err = d.quoted(next, fv)
		} else {
			i, err = d.value(next, fv)
		}
		if err != nil {
			return 0, fieldError(err, v.Type(), f.name)
		}
	}
	return i, nil
}

// fieldError adds the name of the field to a type error.
func fieldError(err error, t reflect.Type, name string) error {
	e, ok := err.(*json.UnmarshalTypeError)
	if !ok {
		return fmt.Errorf("field %s: %w", name, err)
	}
	e.Struct = t.Name()
	if e.Field != "" {
		name += "." + e.Field
	}
	e.Field = name
	return e
}

// in returns the field in v, and makes the embedded structs on the way.
func (f *field) in(v reflect.Value) (reflect.Value, error) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, fmt.Errorf("msgpack: can't set the embedded pointer to unexported struct %s", v.Type().Elem())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, nil
}

// quoted decodes a string that holds JSON text: the option "string".
func (d *decoder) quoted(i int, v reflect.Value) (end int, err error) {
	h, rest, _ := mpack.ReadHead(d.data, i)
	if h.Kind != mpack.String {
		if h.IsNull() {
			return d.value(i, v)
		}
		return 0, typeError(h, v.Type())
	}
	end = rest + h.N
	return end, json.Unmarshal(d.data[rest:end], v.Addr().Interface())
}

func (d *decoder) mapping(h mpack.Head, i int, v reflect.Value) (end int, err error) {
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMapWithSize(t, min(h.N, maxPrealloc)))
	}
	elem := reflect.New(t.Elem()).Elem()
	for range h.N {
		name, next := keyName(d.data, i)
		key, err := mapKey(name, t.Key())
		if err != nil {
			return 0, err
		}
		if vh, after, _ := mpack.ReadHead(d.data, next); vh.Kind == mpack.Undefined {
			v.SetMapIndex(key, reflect.Value{})
			i = after
			continue
		}
		elem.SetZero()
		if i, err = d.value(next, elem); err != nil {
			return 0, err
		}
		v.SetMapIndex(key, elem)
	}
	return i, nil
}

// mapKey makes a key of type t of the name of a member.
func mapKey(name []byte, t reflect.Type) (reflect.Value, error) {
	key := reflect.New(t)
	if u, ok := key.Interface().(encoding.TextUnmarshaler); ok {
		return key.Elem(), u.UnmarshalText(name)
	}
	k := key.Elem()
	switch t.Kind() {
	case reflect.String:
		k.SetString(string(name))
		return k, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, err := strconv.ParseInt(string(name), 10, 64); err == nil && !k.OverflowInt(n) {
			k.SetInt(n)
			return k, nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if n, err := strconv.ParseUint(string(name), 10, 64); err == nil && !k.OverflowUint(n) {
			k.SetUint(n)
			return k, nil
		}
	}
	return k, &json.UnmarshalTypeError{Value: "object key", Type: t}
}
