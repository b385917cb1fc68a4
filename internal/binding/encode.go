// SPDX-License-Identifier: MIT

// This file encodes values. The common types are written here; the others go
// through Marshal.

package binding

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// maxDepth is the maximum nesting of values. It is well above the limit of a peer, and is
// there to end cycles.
const maxDepth = 1000

var (
	errTooDeep = errors.New("nested deeper than 1000 levels, or in a cycle")
	errNotJSON = errors.New("not valid JSON")
	errEmpty   = errors.New("the marshal function returned nothing")
)

// AppendArgs appends the JSON of args to dst, separated by commas, and returns
// it together with the attachments: att with one entry more for each []byte in
// args, in the order of their placeholders. Numbers start at len(att).
//
// The bytes of attachments are not copied: they belong to the packet until it is
// written, and the caller must not change them before that. A nil []byte is
// null. The arguments themselves are never changed.
//
// On failure it returns dst and att as they were, and an [ArgumentError].
func (c *Codec) AppendArgs(dst []byte, att [][]byte, args ...any) ([]byte, [][]byte, error) {
	e := encoder{codec: c, att: att}
	out := dst
	for i, arg := range args {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = e.appendValue(out, arg, 0); err != nil {
			clear(e.att[len(att):])
			return dst, att, &ArgumentError{Index: i, Err: err}
		}
	}
	return out, e.att, nil
}

// An encoder holds the state of a call to AppendArgs.
type encoder struct {
	codec *Codec
	att   [][]byte
}

func (e *encoder) appendValue(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return jsontext.AppendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int8:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int16:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint8:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint16:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case float32:
		return appendFloat(dst, float64(v), 32)
	case float64:
		return appendFloat(dst, v, 64)
	case []byte:
		return e.appendBytes(dst, v), nil
	case json.RawMessage:
		return appendRaw(dst, v)
	case []string:
		return appendStrings(dst, v), nil
	case []any:
		return e.appendSlice(dst, v, depth)
	case map[string]any:
		return e.appendMap(dst, v, depth)
	}
	return e.appendOther(dst, v)
}

func (e *encoder) appendBytes(dst, b []byte) []byte {
	if b == nil {
		return append(dst, "null"...)
	}
	dst = jsontext.AppendPlaceholder(dst, len(e.att))
	e.att = append(e.att, b)
	return dst
}

func (e *encoder) appendSlice(dst []byte, s []any, depth int) ([]byte, error) {
	if s == nil {
		return append(dst, "null"...), nil
	}
	if depth == maxDepth {
		return dst, errTooDeep
	}
	dst = append(dst, '[')
	for i, v := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = e.appendValue(dst, v, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (e *encoder) appendMap(dst []byte, m map[string]any, depth int) ([]byte, error) {
	if m == nil {
		return append(dst, "null"...), nil
	}
	if depth == maxDepth {
		return dst, errTooDeep
	}
	var few [8]string // most maps fit, and then the keys cost no allocation
	keys := few[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendString(dst, key)
		dst = append(dst, ':')
		var err error
		if dst, err = e.appendValue(dst, m[key], depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendStrings(dst []byte, s []string) []byte {
	if s == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, v := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendString(dst, v)
	}
	return append(dst, ']')
}

// appendRaw appends JSON that the caller made. It is checked: a mistake would
// make the peer close the connection.
func appendRaw(dst []byte, raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	limits := parser.Limits{MaxDepth: maxDepth}
	if !limits.Valid(raw) {
		return dst, errNotJSON
	}
	return append(dst, raw...), nil
}

// appendFloat writes f as JavaScript and encoding/json do: plain between 1e-6
// and 1e21, with an exponent of as few digits as possible elsewhere.
func appendFloat(dst []byte, f float64, size int) ([]byte, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		v := reflect.ValueOf(f)
		if size == 32 {
			v = reflect.ValueOf(float32(f))
		}
		return dst, &json.UnsupportedValueError{Value: v, Str: strconv.FormatFloat(f, 'g', -1, size)}
	}
	abs := math.Abs(f)
	plain := abs == 0 || abs >= 1e-6 && abs < 1e21
	if size == 32 {
		plain = abs == 0 || float32(abs) >= 1e-6 && float32(abs) < 1e21
	}
	if plain {
		return strconv.AppendFloat(dst, f, 'f', -1, size), nil
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, size)
	// Go writes at least two digits: e-09.
	if n := len(dst); dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst, nil
}

// appendOther encodes v by Marshal. Bytes inside v are set aside first.
func (e *encoder) appendOther(dst []byte, v any) ([]byte, error) {
	marked, err := e.codec.mark(v)
	if err != nil {
		return dst, err
	}
	if marked != nil {
		v = marked.value
	}
	out, err := e.codec.marshal(v)
	if err != nil {
		return dst, err
	}
	if len(out) == 0 {
		return dst, errEmpty
	}
	// Raw JSON and custom marshalers can bring in what a text message must not
	// hold. In valid JSON such bytes are inside strings, where a replacement
	// character is as good as any other.
	if !utf8.Valid(out) {
		out = bytes.ToValidUTF8(out, []byte("\uFFFD"))
	}
	if marked != nil {
		return e.appendMarked(dst, out, marked), nil
	}
	return append(dst, out...), nil
}
