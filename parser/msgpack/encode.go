// SPDX-License-Identifier: MIT

// This file encodes Go values. The common types are written without reflection.

package msgpack

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"socketio/internal/mpack"
)

// maxEncodeDepth is the maximum nesting of values. It is well above the limit of a peer,
// and ends cycles.
const maxEncodeDepth = 1000

var errTooDeep = errors.New("nested deeper than 1000 levels, or in a cycle")

// appendValue appends v. depth is how many values are around it.
func (c *Codec) appendValue(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return mpack.AppendNil(dst), nil
	case string:
		return appendString(dst, v), nil
	case bool:
		return mpack.AppendBool(dst, v), nil
	case int:
		return mpack.AppendInt(dst, int64(v)), nil
	case int32:
		return mpack.AppendInt(dst, int64(v)), nil
	case int64:
		return mpack.AppendInt(dst, v), nil
	case uint64:
		return mpack.AppendUint(dst, v), nil
	case float64:
		return mpack.AppendFloat(dst, v), nil
	case []byte:
		return appendBytes(dst, v), nil
	case time.Time:
		return mpack.AppendDate(dst, v), nil
	case []string:
		if v == nil {
			return mpack.AppendNil(dst), nil
		}
		dst = mpack.AppendArrayHead(dst, len(v))
		for _, s := range v {
			dst = appendString(dst, s)
		}
		return dst, nil
	case []any:
		return c.appendAnys(dst, v, depth)
	case map[string]any:
		return c.appendAnyMap(dst, v, depth)
	}
	return c.appendReflect(dst, reflect.ValueOf(v), depth)
}

func (c *Codec) appendAnys(dst []byte, list []any, depth int) ([]byte, error) {
	if list == nil {
		return mpack.AppendNil(dst), nil
	}
	if depth >= maxEncodeDepth {
		return nil, errTooDeep
	}
	dst = mpack.AppendArrayHead(dst, len(list))
	var err error
	for _, v := range list {
		if dst, err = c.appendValue(dst, v, depth+1); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendAnyMap appends a map with its keys in order.
func (c *Codec) appendAnyMap(dst []byte, m map[string]any, depth int) ([]byte, error) {
	if m == nil {
		return mpack.AppendNil(dst), nil
	}
	if depth >= maxEncodeDepth {
		return nil, errTooDeep
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	dst = mpack.AppendMapHead(dst, len(m))
	var err error
	for _, k := range keys {
		if dst, err = c.appendValue(appendString(dst, k), m[k], depth+1); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendReflect appends v, which is valid.
func (c *Codec) appendReflect(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if depth >= maxEncodeDepth {
		return nil, errTooDeep
	}
	info := c.types.info(v.Type())
	how := info.encode
	if v.CanAddr() && how != info.encodeAddr {
		v, how = v.Addr(), info.encodeAddr
	}
	if how != byKind {
		return appendForm(dst, v, how)
	}
	switch v.Kind() {
	case reflect.Bool:
		return mpack.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return mpack.AppendInt(dst, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return mpack.AppendUint(dst, v.Uint()), nil
	case reflect.Float32:
		return mpack.AppendFloat32(dst, float32(v.Float())), nil
	case reflect.Float64:
		return mpack.AppendFloat(dst, v.Float()), nil
	case reflect.String:
		return appendString(dst, v.String()), nil
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return mpack.AppendNil(dst), nil
		}
		return c.appendReflect(dst, v.Elem(), depth+1)
	case reflect.Slice:
		switch {
		case v.IsNil():
			return mpack.AppendNil(dst), nil
		case info.bytes:
			return appendBytes(dst, v.Bytes()), nil
		}
		return c.appendElems(dst, v, depth)
	case reflect.Array:
		return c.appendElems(dst, v, depth)
	case reflect.Map:
		return c.appendMap(dst, v, depth)
	case reflect.Struct:
		return c.appendStruct(dst, v, info, depth)
	}
	return nil, &json.UnsupportedTypeError{Type: v.Type()}
}

func (c *Codec) appendElems(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	dst = mpack.AppendArrayHead(dst, v.Len())
	var err error
	for i := range v.Len() {
		if dst, err = c.appendReflect(dst, v.Index(i), depth+1); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendForm appends v by its own methods, or as one of the types known by name.
func appendForm(dst []byte, v reflect.Value, how form) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return mpack.AppendNil(dst), nil
	}
	switch how {
	case asTime:
		return mpack.AppendDate(dst, v.Interface().(time.Time)), nil
	case asRawJSON:
		if v.IsNil() {
			return mpack.AppendNil(dst), nil
		}
		return appendFromJSON(dst, v.Bytes())
	case asNumber:
		text := v.String()
		if text == "" {
			text = "0" // as in encoding/json
		}
		return appendFromJSON(dst, []byte(text))
	case asJSON:
		text, err := v.Interface().(json.Marshaler).MarshalJSON()
		if err != nil {
			return nil, &json.MarshalerError{Type: v.Type(), Err: err}
		}
		return appendFromJSON(dst, text)
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return nil, &json.MarshalerError{Type: v.Type(), Err: err}
	}
	return appendString(dst, string(text)), nil
}

// appendMap appends a map with its keys in order. Keys are strings.
func (c *Codec) appendMap(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return mpack.AppendNil(dst), nil
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for iter := v.MapRange(); iter.Next(); {
		key, err := keyText(iter.Key())
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{key, iter.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	dst = mpack.AppendMapHead(dst, len(entries))
	var err error
	for _, e := range entries {
		if dst, err = c.appendReflect(appendString(dst, e.key), e.value, depth+1); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// keyText returns the text of a map key.
func keyText(k reflect.Value) (string, error) {
	if k.Kind() == reflect.String {
		return k.String(), nil
	}
	if m, ok := k.Interface().(encoding.TextMarshaler); ok {
		if k.Kind() == reflect.Pointer && k.IsNil() {
			return "", nil
		}
		text, err := m.MarshalText()
		return string(text), err
	}
	switch k.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(k.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(k.Uint(), 10), nil
	}
	return "", &json.UnsupportedTypeError{Type: k.Type()}
}

func (c *Codec) appendStruct(dst []byte, v reflect.Value, info *typeInfo, depth int) ([]byte, error) {
	start, n := len(dst), 0
	dst = append(dst, 0) // the head, if it stays this short
	var err error
	for i := range info.fields {
		f := &info.fields[i]
		fv, ok := f.of(v)
		if !ok || f.omitEmpty && isEmpty(fv) || f.omitZero && f.zero(fv) {
			continue
		}
		n++
		dst = appendString(dst, f.name)
		if f.quoted {
			dst, err = appendQuoted(dst, fv)
		} else {
			dst, err = c.appendReflect(dst, fv, depth+1)
		}
		if err != nil {
			return nil, err
		}
	}
	if n < 0x10 {
		dst[start] = 0x80 | byte(n)
		return dst, nil
	}
	return mpack.FinishMapHead(dst, start, n), nil
}

// of returns the field in v. It reports false if a nil pointer to an embedded
// struct is on the way.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// zero reports whether the option "omitzero" leaves v out.
func (f *field) zero(v reflect.Value) bool {
	if f.isZero || v.CanAddr() {
		if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
			return true
		}
		holder := v
		if !f.isZero {
			holder = v.Addr()
		}
		if z, ok := holder.Interface().(interface{ IsZero() bool }); ok {
			return z.IsZero()
		}
	}
	return v.IsZero()
}

// appendQuoted appends the JSON text of v as a string: the option "string".
func appendQuoted(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return mpack.AppendNil(dst), nil
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, fmt.Errorf("as a string: %w", err)
	}
	return appendString(dst, string(text)), nil
}
