// SPDX-License-Identifier: MIT

// This file decodes into the common targets without reflection, and makes type errors.

package msgpack

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"time"

	"socketio/internal/mpack"
)

var errRaw = errors.New("msgpack: not one valid value")

// Decode decodes raw, one MessagePack value, into dst, a non-nil pointer. It follows
// json.Unmarshal, with the differences listed in the package comment. The second
// parameter exists for [parser.Codec]; the format has no attachments.
//
// Decode keeps no reference to raw, and takes memory in proportion to its size. Errors
// are a *json.UnmarshalTypeError, a *json.InvalidUnmarshalError, an error of an
// unmarshaler, or an error for an invalid raw. On an error dst may be partly filled.
func (c *Codec) Decode(raw []byte, _ [][]byte, dst any) error {
	h, i, ok := mpack.ReadHead(raw, 0)
	if !ok || !valid(raw) {
		return errRaw
	}
	if done, err := decodeSimple(h, raw, i, dst); done {
		return err
	}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(dst)}
	}
	d := decoder{codec: c, data: raw}
	_, err := d.value(0, v.Elem())
	return err
}

// decodeSimple fills dst if it is one of the common pointers and the value suits
// it. All else is left to reflection.
func decodeSimple(h mpack.Head, raw []byte, i int, dst any) (done bool, err error) {
	switch dst := dst.(type) {
	case *string:
		if dst != nil && h.Kind == mpack.String {
			*dst = string(raw[i:])
			return true, nil
		}
	case *bool:
		if dst != nil && h.Kind == mpack.Bool {
			*dst = h.Num != 0
			return true, nil
		}
	case *int:
		if n, big, ok := h.Integer(); ok && dst != nil && !big && int64(int(n)) == n {
			*dst = int(n)
			return true, nil
		}
	case *int64:
		if n, big, ok := h.Integer(); ok && dst != nil && !big {
			*dst = n
			return true, nil
		}
	case *float64:
		if dst != nil && h.IsNumber() {
			*dst = h.Float()
			return true, nil
		}
	case *[]byte:
		if dst != nil && h.Kind == mpack.Binary {
			*dst = clone(raw[i:])
			return true, nil
		}
	case *time.Time:
		if dst != nil && h.Kind == mpack.Date {
			*dst, _ = h.Date(nil)
			return true, nil
		}
	case *any:
		if dst != nil && *dst == nil {
			*dst, _ = decodeAny(raw, 0)
			return true, nil
		}
	case *[]any:
		if dst != nil && h.Kind == mpack.Array {
			v, _ := decodeAny(raw, 0)
			*dst = v.([]any)
			return true, nil
		}
	case *map[string]any:
		if dst != nil && *dst == nil && h.Kind == mpack.Map {
			*dst, _ = decodeAnyMap(raw, h.N, i)
			return true, nil
		}
	case *json.RawMessage:
		if dst != nil {
			*dst, _ = appendJSON(nil, raw, 0)
			return true, nil
		}
	}
	return false, nil
}

// typeError returns the error for a value that does not fit t.
func typeError(h mpack.Head, t reflect.Type) error {
	return &json.UnmarshalTypeError{Value: describe(h), Type: t}
}

// describe names the value as encoding/json does in its errors.
func describe(h mpack.Head) string {
	switch h.Kind {
	case mpack.Bool:
		return "bool"
	case mpack.Uint:
		return "number " + strconv.FormatUint(h.Num, 10)
	case mpack.Int:
		return "number " + strconv.FormatInt(int64(h.Num), 10)
	case mpack.Float:
		return "number " + strconv.FormatFloat(h.Float(), 'g', -1, 64)
	case mpack.Date:
		return "Date"
	case mpack.String:
		return "string"
	case mpack.Binary:
		return "bytes"
	case mpack.Extension:
		return "extension " + strconv.Itoa(int(h.Ext))
	case mpack.Array:
		return "array"
	case mpack.Map:
		return "object"
	}
	return "null"
}

// decodeBase64 returns the bytes of base64 text, which fills a byte slice as it
// does in JSON.
func decodeBase64(text []byte) ([]byte, error) {
	return base64.StdEncoding.AppendDecode(make([]byte, 0, base64.StdEncoding.DecodedLen(len(text))), text)
}
