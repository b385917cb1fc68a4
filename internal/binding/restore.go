// SPDX-License-Identifier: MIT

// This file decodes values with attachments inside. Unmarshal has no hook for
// them, so each placeholder becomes a JSON string, the stand-in: a prefix of line
// ends, which base64 decoders skip, and base64 text. Byte slices then fill by
// themselves. A walk over the result puts right what an any, a string or raw JSON
// took.
//
// If no type on the way has its own unmarshaler, the walk can reach every byte slice. The
// base64 text is then that of a short marker, and the walk puts the attachment itself in
// its place, without copying it. Otherwise the text is that of the attachment, because
// the walk can't inspect values filled by an unmarshaler.

package binding

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"socketio/internal/jsontext"
)

// A stand-in starts with nonceBits random bits and numBits bits for the number
// of the attachment, each bit a line feed (0) or a carriage return (1).
const (
	nonceBits = 64
	numBits   = 8
)

// A restorer puts attachments where stand-ins are.
type restorer struct {
	codec  *Codec
	att    [][]byte
	prefix string // nonceBits of line ends, as they are in decoded strings
	quoted []byte // the prefix as JSON text, with the opening quote
	nonce  []byte // starts each marker; nil when byte slices fill from base64
}

// decodeWith decodes raw, which holds placeholders, into dst. An any inside dst
// that already holds a pointer to a type with an unmarshaler is not foreseen: that
// unmarshaler may see markers.
func (c *Codec) decodeWith(raw []byte, att [][]byte, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return c.unmarshal(raw, dst) // its error is the right one
	}
	r := newRestorer(c, att, !c.plan(v.Type()).decodesItself)
	if err := c.unmarshal(r.replace(raw), dst); err != nil {
		return err
	}
	return r.restore(v, 0)
}

func newRestorer(c *Codec, att [][]byte, markers bool) *restorer {
	seed := make([]byte, nonceBits/8+nonceSize)
	rand.Read(seed) // never fails
	nonce := binary.BigEndian.Uint64(seed)
	r := &restorer{codec: c, att: att}
	r.prefix = string(appendBits(nil, nonce, nonceBits, "\n", "\r"))
	r.quoted = appendBits([]byte{'"'}, nonce, nonceBits, `\n`, `\r`)
	if markers {
		r.nonce = seed[nonceBits/8:]
	}
	return r
}

// appendBits appends the lowest n bits of v, the highest first.
func appendBits(dst []byte, v uint64, n int, zero, one string) []byte {
	for i := n - 1; i >= 0; i-- {
		if v>>i&1 == 0 {
			dst = append(dst, zero...)
		} else {
			dst = append(dst, one...)
		}
	}
	return dst
}

// replace returns a copy of raw with stand-ins for placeholders.
func (r *restorer) replace(raw []byte) []byte {
	size := len(raw)
	for _, b := range r.att {
		size += 2*(nonceBits+numBits) + markerText
		if r.nonce == nil {
			size += base64.StdEncoding.EncodedLen(len(b))
		}
	}
	out := make([]byte, 0, size)
	done := 0
	for {
		start, end, num := jsontext.NextPlaceholder(raw, done)
		if start < 0 {
			return append(out, raw[done:]...)
		}
		out = append(out, raw[done:start]...)
		done = end
		if num >= len(r.att) {
			out = append(out, raw[start:end]...)
			continue
		}
		out = append(out, r.quoted...)
		out = appendBits(out, uint64(num), numBits, `\n`, `\r`)
		content := r.att[num]
		if r.nonce != nil {
			var marker [markerBytes]byte
			copy(marker[:], r.nonce)
			marker[markerBytes-1] = byte(num)
			content = marker[:]
		}
		out = base64.StdEncoding.AppendEncode(out, content)
		out = append(out, '"')
	}
}

// lookupMarker returns the attachment whose marker is b.
func (r *restorer) lookupMarker(b []byte) ([]byte, bool) {
	if r.nonce == nil || len(b) != markerBytes || !bytes.HasPrefix(b, r.nonce) {
		return nil, false
	}
	return r.att[b[markerBytes-1]], true
}

// lookup returns the attachment represented by s.
func (r *restorer) lookup(s string) ([]byte, bool) {
	if len(s) < nonceBits+numBits || !strings.HasPrefix(s, r.prefix) {
		return nil, false
	}
	num := 0
	for _, c := range []byte(s[nonceBits : nonceBits+numBits]) {
		num <<= 1
		if c == '\r' {
			num |= 1
		}
	}
	if num >= len(r.att) {
		return nil, false
	}
	return r.att[num], true
}

// maxWalk bounds the walk over a result: four levels of Go for one of JSON.
const maxWalk = 4 * maxDepth

var errResultTooDeep = errors.New("binding: the value is nested too deep, or in a cycle")

// restore walks v, which Unmarshal has filled.
func (r *restorer) restore(v reflect.Value, depth int) error {
	p := r.codec.plan(v.Type())
	if !p.holdsStandIn {
		return nil
	}
	if depth > maxWalk {
		return errResultTooDeep
	}
	switch v.Kind() {
	case reflect.String:
		if _, ok := r.lookup(v.String()); ok {
			return &json.UnmarshalTypeError{Value: "attachment", Type: v.Type()}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return r.restore(v.Elem(), depth+1)
		}
	case reflect.Interface:
		return r.restoreInterface(v, depth)
	case reflect.Slice:
		if v.Type() == rawMessageType {
			r.restoreRaw(v)
			return nil
		}
		if isByteSlice(v.Type()) {
			if b, ok := r.lookupMarker(v.Bytes()); ok {
				v.SetBytes(b)
			}
			return nil
		}
		return r.restoreElems(v, depth)
	case reflect.Array:
		return r.restoreElems(v, depth)
	case reflect.Map:
		return r.restoreMap(v, depth)
	case reflect.Struct:
		for _, f := range p.fields {
			if err := r.restore(v.Field(f.index), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *restorer) restoreElems(v reflect.Value, depth int) error {
	for i := range v.Len() {
		if err := r.restore(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// restoreInterface handles what encoding/json puts into an any, and walks
// whatever else it finds there.
func (r *restorer) restoreInterface(v reflect.Value, depth int) error {
	if v.IsNil() {
		return nil
	}
	inner := v.Elem()
	if inner.Kind() != reflect.String {
		return r.restoreInner(inner, depth)
	}
	b, ok := r.lookup(inner.String())
	if !ok {
		return nil
	}
	if !v.CanSet() || v.NumMethod() > 0 {
		return &json.UnmarshalTypeError{Value: "attachment", Type: v.Type()}
	}
	v.Set(reflect.ValueOf(b))
	return nil
}

// restoreInner walks the value of an interface. It cannot be set, but what it
// refers to can.
func (r *restorer) restoreInner(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return r.restore(v, depth+1)
	}
	return nil
}

func (r *restorer) restoreMap(v reflect.Value, depth int) error {
	if !r.codec.plan(v.Type().Elem()).holdsStandIn {
		return nil
	}
	elem := reflect.New(v.Type().Elem()).Elem()
	for iter := v.MapRange(); iter.Next(); {
		elem.Set(iter.Value())
		if err := r.restore(elem, depth+1); err != nil {
			return err
		}
		v.SetMapIndex(iter.Key(), elem)
	}
	return nil
}

// restoreRaw puts placeholders back into raw JSON.
func (r *restorer) restoreRaw(v reflect.Value) {
	raw := v.Bytes()
	if !bytes.Contains(raw, r.quoted) || !v.CanSet() {
		return
	}
	var out []byte
	for {
		start := bytes.Index(raw, r.quoted)
		if start < 0 {
			break
		}
		bits := raw[start+len(r.quoted):]
		num := 0
		for i := range numBits {
			num <<= 1
			if bits[2*i+1] == 'r' {
				num |= 1
			}
		}
		out = append(out, raw[:start]...)
		out = jsontext.AppendPlaceholder(out, num)
		raw = bits[2*numBits:]
		raw = raw[bytes.IndexByte(raw, '"')+1:]
	}
	v.SetBytes(append(out, raw...))
}
