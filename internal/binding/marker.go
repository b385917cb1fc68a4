// SPDX-License-Identifier: MIT

// This file finds the byte slices inside a value that Marshal will encode. Marshal
// has no hook for them, so the value is copied as far as needed, each byte slice
// is replaced by a marker of random bytes, and the markers' base64 strings are
// replaced by placeholders in the JSON that comes out.

package binding

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"reflect"
)

// A marker is nonceSize random bytes and an index. Both are multiples of three
// bytes, so that each has base64 text of its own, without padding.
const (
	nonceSize   = 18
	indexSize   = 6
	nonceText   = nonceSize / 3 * 4
	markerText  = nonceText + indexSize/3*4
	markerBytes = nonceSize + indexSize
)

// marks holds a value whose byte slices are replaced by markers, and the original byte
// slices.
type marks struct {
	codec *Codec
	value any
	nonce [nonceSize]byte
	bytes [][]byte
}

// mark returns v with its byte slices replaced by markers, or nil if it holds none. Only
// the path to each byte slice is copied; v itself is not changed.
func (c *Codec) mark(v any) (*marks, error) {
	src := reflect.ValueOf(v)
	if !c.plan(src.Type()).holdsBytes {
		return nil, nil
	}
	found, err := c.findBytes(src, false, 0)
	if !found || err != nil {
		return nil, err
	}
	m := &marks{codec: c}
	rand.Read(m.nonce[:]) // never fails
	root := reflect.New(src.Type()).Elem()
	root.Set(src)
	if err := m.detach(root, false, false, 0); err != nil {
		return nil, err
	}
	m.value = root.Interface()
	return m, nil
}

// findBytes reports whether v holds a byte slice that is not nil. The argument
// addr is whether encoding/json sees v as addressable: only then it calls a
// marshaler that has a pointer receiver.
func (c *Codec) findBytes(v reflect.Value, addr bool, depth int) (bool, error) {
	p := c.plan(v.Type())
	if !p.holdsBytes || addr && p.addrMarshals {
		return false, nil
	}
	if depth > maxDepth {
		return false, errTooDeep
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return false, nil
		}
		return c.findBytes(v.Elem(), v.Kind() == reflect.Pointer, depth+1)
	case reflect.Slice, reflect.Array:
		if p.bytes {
			return !v.IsNil(), nil
		}
		for i := range v.Len() {
			if found, err := c.findBytes(v.Index(i), addr || v.Kind() == reflect.Slice, depth+1); found || err != nil {
				return found, err
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if found, err := c.findBytes(iter.Value(), false, depth+1); found || err != nil {
				return found, err
			}
		}
	case reflect.Struct:
		for _, f := range p.fields {
			if found, err := c.findBytes(v.Field(f.index), addr, depth+1); found || err != nil {
				return found, err
			}
		}
	}
	return false, nil
}

// detach makes v, a shallow copy that is ours to change, independent of the
// caller's value wherever that leads to byte slices, and puts in the markers.
// For addr see findBytes. With omitEmpty an empty slice stays, to be left out.
func (m *marks) detach(v reflect.Value, addr, omitEmpty bool, depth int) error {
	t := v.Type()
	p := m.codec.plan(t)
	if !p.holdsBytes || addr && p.addrMarshals {
		return nil
	}
	if depth > maxDepth {
		return errTooDeep
	}
	if !v.CanSet() && v.Kind() != reflect.Struct {
		// An embedded pointer to an unexported struct. The copy is our memory, so this
		// unsafe conversion is harmless.
		v = reflect.NewAt(t, v.Addr().UnsafePointer()).Elem()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		target := reflect.New(t.Elem())
		target.Elem().Set(v.Elem())
		v.Set(target.Convert(t))
		return m.detach(target.Elem(), true, false, depth+1)
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		inner := reflect.New(v.Elem().Type()).Elem()
		inner.Set(v.Elem())
		if err := m.detach(inner, false, false, depth+1); err != nil {
			return err
		}
		v.Set(inner)
	case reflect.Slice:
		if v.IsNil() || omitEmpty && v.Len() == 0 {
			return nil
		}
		if p.bytes {
			marker := reflect.MakeSlice(t, markerBytes, markerBytes)
			m.fill(marker.Bytes(), v.Bytes())
			v.Set(marker)
			return nil
		}
		elems := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(elems, v)
		v.Set(elems)
		for i := range elems.Len() {
			if err := m.detach(elems.Index(i), true, false, depth+1); err != nil {
				return err
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			if err := m.detach(v.Index(i), addr, false, depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		entries := reflect.MakeMapWithSize(t, v.Len())
		for iter := v.MapRange(); iter.Next(); {
			elem := reflect.New(t.Elem()).Elem()
			elem.Set(iter.Value())
			if err := m.detach(elem, false, false, depth+1); err != nil {
				return err
			}
			entries.SetMapIndex(iter.Key(), elem)
		}
		v.Set(entries)
	case reflect.Struct:
		for _, f := range p.fields {
			if err := m.detach(v.Field(f.index), addr, f.omitEmpty, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill writes the marker of b into marker.
func (m *marks) fill(marker, b []byte) {
	var index [8]byte
	binary.BigEndian.PutUint64(index[:], uint64(len(m.bytes)))
	copy(marker, m.nonce[:])
	copy(marker[nonceSize:], index[8-indexSize:])
	m.bytes = append(m.bytes, b)
}

// appendMarked appends out with each marker replaced by the next placeholder.
// The order is that of the text, so it does not matter in which order a map was
// walked, or whether a field was left out in the end.
func (e *encoder) appendMarked(dst, out []byte, m *marks) []byte {
	var prefix [1 + nonceText]byte
	prefix[0] = '"'
	base64.StdEncoding.Encode(prefix[1:], m.nonce[:])
	for {
		start := bytes.Index(out, prefix[:])
		if start < 0 {
			return append(dst, out...)
		}
		end := start + 1 + markerText // of the closing quote
		var index [8]byte
		base64.StdEncoding.Decode(index[8-indexSize:], out[start+1+nonceText:end])
		dst = append(dst, out[:start]...)
		dst = e.appendBytes(dst, m.bytes[binary.BigEndian.Uint64(index[:])])
		out = out[end+1:]
	}
}
