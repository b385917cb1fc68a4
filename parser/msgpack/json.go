// SPDX-License-Identifier: MIT

// This file turns MessagePack into JSON text and back: types with marshalers of
// encoding/json know nothing else.

package msgpack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"

	"socketio/internal/jsontext"
	"socketio/internal/mpack"
)

// jsDate is the format of a Date in JSON.stringify.
const jsDate = "2006-01-02T15:04:05.000Z"

// The range of a Date in JavaScript, in milliseconds. Others are invalid dates.
const maxDate = 8_640_000_000_000_000

var errJSON = errors.New("not valid JSON")

// appendFromJSON appends the value of the JSON text.
func appendFromJSON(dst, text []byte) ([]byte, error) {
	if !json.Valid(text) {
		return nil, errJSON
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if dst, err = appendToken(dst, dec, tok); err != nil {
		return nil, err
	}
	if _, err = dec.Token(); err != io.EOF {
		return nil, errJSON
	}
	return dst, nil
}

// appendToken appends the value that begins with tok. Valid reports text that is
// nested over 10,000 levels as invalid, so the recursion is bounded.
func appendToken(dst []byte, dec *json.Decoder, tok json.Token) ([]byte, error) {
	switch tok := tok.(type) {
	case bool:
		return mpack.AppendBool(dst, tok), nil
	case string:
		return appendString(dst, tok), nil
	case json.Number:
		return appendNumber(dst, string(tok))
	case json.Delim:
		start, n := len(dst), 0
		dst = append(dst, 0)
		for dec.More() {
			n++
			if tok == '{' {
				key, err := dec.Token()
				if err != nil {
					return nil, err
				}
				dst = appendString(dst, key.(string))
			}
			elem, err := dec.Token()
			if err != nil {
				return nil, err
			}
			if dst, err = appendToken(dst, dec, elem); err != nil {
				return nil, err
			}
		}
		if _, err := dec.Token(); err != nil { // the closing bracket
			return nil, err
		}
		if tok == '{' {
			return mpack.FinishMapHead(dst, start, n), nil
		}
		return mpack.FinishArrayHead(dst, start, n), nil
	}
	return mpack.AppendNil(dst), nil
}

// appendNumber appends the number of a JSON text.
func appendNumber(dst []byte, text string) ([]byte, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
		return mpack.AppendInt(dst, n), nil
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return mpack.AppendUint(dst, n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, err
	}
	return mpack.AppendFloat(dst, f), nil
}

// appendJSON appends the JSON text of the valid value at i of data and returns
// where the value ends. Bytes are base64, a Date is what JSON.stringify makes of
// it, and so are undefined, NaN and the infinities.
func appendJSON(dst, data []byte, i int) (text []byte, end int) {
	h, i, _ := mpack.ReadHead(data, i)
	switch h.Kind {
	case mpack.Bool:
		return strconv.AppendBool(dst, h.Num != 0), i
	case mpack.Uint:
		return strconv.AppendUint(dst, h.Num, 10), i
	case mpack.Int:
		return strconv.AppendInt(dst, int64(h.Num), 10), i
	case mpack.Float:
		return appendJSONFloat(dst, h.Float()), i
	case mpack.String:
		end = i + h.N
		return jsontext.AppendString(dst, string(data[i:end])), end
	case mpack.Binary:
		end = i + h.N
		return appendBase64(dst, data[i:end]), end
	case mpack.Date, mpack.Extension:
		end = i + h.N
		return appendJSONExt(dst, h, data[i:end]), end
	case mpack.Array:
		dst = append(dst, '[')
		for n := range h.N {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst, i = appendJSON(dst, data, i)
		}
		return append(dst, ']'), i
	case mpack.Map:
		return appendJSONObject(dst, data, h.N, i)
	}
	return append(dst, "null"...), i
}

// appendJSONObject appends an object of n members, save those that are undefined.
func appendJSONObject(dst, data []byte, n, i int) ([]byte, int) {
	dst = append(dst, '{')
	first := true
	for range n {
		var name []byte
		name, i = keyName(data, i)
		if h, next, _ := mpack.ReadHead(data, i); h.Kind == mpack.Undefined {
			i = next
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsontext.AppendString(dst, string(name)), ':')
		dst, i = appendJSON(dst, data, i)
	}
	return append(dst, '}'), i
}

// keyName returns the name that the key at i gives to a member. A number gives its
// decimal text, as in JavaScript.
func keyName(data []byte, i int) (name []byte, end int) {
	h, i, _ := mpack.ReadHead(data, i)
	switch h.Kind {
	case mpack.String:
		return data[i : i+h.N], i + h.N
	case mpack.Uint:
		return strconv.AppendUint(nil, h.Num, 10), i
	}
	return strconv.AppendInt(nil, int64(h.Num), 10), i
}

func appendJSONFloat(dst []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case !isFinite(f):
		return append(dst, "null"...)
	case abs != 0 && (abs < 1e-6 || abs >= 1e21):
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// appendJSONExt appends a Date, a timestamp, or an extension of another type.
func appendJSONExt(dst []byte, h mpack.Head, rest []byte) []byte {
	if t, ok := h.Date(rest); ok {
		if h.Kind == mpack.Date && !dateOK(h) {
			return append(dst, "null"...)
		}
		return append(append(append(dst, '"'), dateText(t)...), '"')
	}
	dst = strconv.AppendInt(append(dst, '['), int64(h.Ext), 10)
	return append(appendBase64(append(dst, ','), rest), ']')
}

// dateOK reports whether a Date is valid in JavaScript.
func dateOK(h mpack.Head) bool {
	ms := int64(h.Num)
	return -maxDate <= ms && ms <= maxDate
}

// dateText returns the text of a time. Timestamps may need more than milliseconds.
func dateText(t time.Time) string {
	if t.Nanosecond()%1e6 != 0 {
		return t.Format(time.RFC3339Nano)
	}
	return t.Format(jsDate)
}
