// SPDX-License-Identifier: MIT

// This file decodes raw arguments. The common targets are filled here; the
// others go through Unmarshal.

package binding

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// Decode decodes raw, one argument without white space around it, into dst, a non-nil
// pointer. It follows json.Unmarshal, except that a placeholder naming one of att fills a
// []byte, or becomes a []byte in an any. A JSON string still fills a []byte from base64.
//
// Decode keeps no reference to raw. It may keep references to att: a result can share
// memory with an attachment, so the caller must give att away. A json.RawMessage receives
// the unchanged text, including placeholders.
//
// Errors are those of Unmarshal, such as *json.UnmarshalTypeError. On an error
// dst may be partly filled.
func (c *Codec) Decode(raw []byte, att [][]byte, dst any) error {
	if ok := c.decodeSimple(raw, att, dst); ok {
		return nil
	}
	if len(att) == 0 {
		return c.unmarshal(raw, dst)
	}
	start, end, num := jsontext.NextPlaceholder(raw, 0)
	if start < 0 {
		return c.unmarshal(raw, dst)
	}
	if start == 0 && end == len(raw) && num < len(att) && setBytes(dst, att[num]) {
		return nil
	}
	return c.decodeWith(raw, att, dst)
}

// decodeSimple fills dst if it is one of the common pointers and raw suits it. All else,
// including errors, is left to Unmarshal.
func (c *Codec) decodeSimple(raw []byte, att [][]byte, dst any) bool {
	if len(raw) == 0 {
		return false
	}
	ok := false
	switch dst := dst.(type) {
	case *string:
		if dst != nil && raw[0] == '"' {
			s, err := jsontext.Unquote(raw)
			if ok = err == nil; ok {
				*dst = s
			}
		}
	case *bool:
		if dst != nil {
			switch string(raw) {
			case "true":
				*dst, ok = true, true
			case "false":
				*dst, ok = false, true
			}
		}
	case *int:
		ok = decodeInt(raw, dst, strconv.IntSize)
	case *int8:
		ok = decodeInt(raw, dst, 8)
	case *int16:
		ok = decodeInt(raw, dst, 16)
	case *int32:
		ok = decodeInt(raw, dst, 32)
	case *int64:
		ok = decodeInt(raw, dst, 64)
	case *uint:
		ok = decodeUint(raw, dst, strconv.IntSize)
	case *uint8:
		ok = decodeUint(raw, dst, 8)
	case *uint16:
		ok = decodeUint(raw, dst, 16)
	case *uint32:
		ok = decodeUint(raw, dst, 32)
	case *uint64:
		ok = decodeUint(raw, dst, 64)
	case *float64:
		if dst != nil {
			if f, is := parseFloat(raw); is {
				*dst, ok = f, true
			}
		}
	case *json.RawMessage:
		if ok = dst != nil && validText(raw); ok {
			*dst = append((*dst)[:0], bytes.Trim(raw, " \t\r\n")...)
		}
	case *any:
		if dst != nil && *dst == nil && c.Unmarshal == nil {
			var v any
			if v, ok = decodeAny(raw, att); ok {
				*dst = v
			}
		}
	case *[]any:
		if dst != nil && *dst == nil && c.Unmarshal == nil && raw[0] == '[' {
			var v any
			if v, ok = decodeAny(raw, att); ok {
				*dst = v.([]any)
			}
		}
	case *map[string]any:
		if dst != nil && *dst == nil && c.Unmarshal == nil && raw[0] == '{' {
			if v, is := decodeAny(raw, att); is {
				// An attachment is not a map: Unmarshal returns the error.
				*dst, ok = v.(map[string]any)
			}
		}
	}
	return ok
}

type signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

type unsigned interface {
	~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func decodeInt[T signed](raw []byte, dst *T, size int) bool {
	if dst == nil || !isInteger(raw) {
		return false
	}
	n, err := strconv.ParseInt(string(raw), 10, size)
	if err != nil {
		return false
	}
	*dst = T(n)
	return true
}

func decodeUint[T unsigned](raw []byte, dst *T, size int) bool {
	if dst == nil || !isInteger(raw) || raw[0] == '-' {
		return false
	}
	n, err := strconv.ParseUint(string(raw), 10, size)
	if err != nil {
		return false
	}
	*dst = T(n)
	return true
}

// isInteger reports whether raw is a JSON number without fraction and exponent.
func isInteger(raw []byte) bool {
	digits := raw
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(digits) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// parseFloat reads a JSON number.
func parseFloat(raw []byte) (float64, bool) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') || !validText(raw) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

// validText reports whether raw is JSON that we hand on as it is.
func validText(raw []byte) bool {
	limits := parser.Limits{MaxDepth: maxDepth}
	return limits.Valid(raw)
}

// setBytes stores b in dst if dst points to a byte slice that encoding/json would
// fill from a base64 string.
func setBytes(dst any, b []byte) bool {
	if p, ok := dst.(*[]byte); ok {
		if p == nil {
			return false
		}
		*p = b
		return true
	}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() || unmarshals(v.Type()) {
		return false
	}
	if t := v.Type().Elem(); t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Uint8 {
		return false
	}
	v.Elem().SetBytes(b)
	return true
}

// JSON converts a value in the format of codec to JSON. In the default format, and with a
// nil codec, it returns raw. It returns nil if the value can't be converted.
func JSON(codec parser.Codec, raw []byte) json.RawMessage {
	if _, is := codec.(*Codec); is || codec == nil || raw == nil {
		return raw
	}
	var text json.RawMessage
	if err := codec.Decode(raw, nil, &text); err != nil {
		return nil
	}
	return text
}
