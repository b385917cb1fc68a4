// SPDX-License-Identifier: MIT

// This file decodes arguments into an any, for untyped handlers.

package binding

import (
	"bytes"
	"strconv"

	"socketio/internal/jsontext"
)

// decodeAny returns the value of raw as json.Unmarshal gives it for an any, with
// attachments in place. It reports false on any error, for which Unmarshal then returns
// the reason.
func decodeAny(raw []byte, att [][]byte) (any, bool) {
	if !validText(raw) {
		return nil, false
	}
	d := anyDecoder{raw: raw, att: att}
	v := d.value()
	return v, !d.failed
}

// An anyDecoder reads valid JSON text. The check before it bounds the depth, and
// so the recursion.
type anyDecoder struct {
	raw    []byte
	att    [][]byte
	pos    int
	failed bool // a number is out of range
}

// value reads the value at pos, after white space.
func (d *anyDecoder) value() any {
	switch d.peek() {
	case '"':
		return d.text()
	case '[':
		return d.array()
	case '{':
		if num, n, ok := jsontext.Placeholder(d.raw[d.pos:]); ok && num < len(d.att) {
			d.pos += n
			return d.att[num]
		}
		return d.object()
	case 't':
		d.pos += len("true")
		return true
	case 'f':
		d.pos += len("false")
		return false
	case 'n':
		d.pos += len("null")
		return nil
	}
	return d.number()
}

// peek skips white space and returns the byte at pos.
func (d *anyDecoder) peek() byte {
	for {
		switch c := d.raw[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
}

func (d *anyDecoder) array() []any {
	d.pos++
	list := []any{}
	for d.peek() != ']' {
		list = append(list, d.value())
		if d.peek() == ',' {
			d.pos++
		}
	}
	d.pos++
	return list
}

func (d *anyDecoder) object() map[string]any {
	d.pos++
	object := map[string]any{}
	for d.peek() != '}' {
		key := d.text()
		d.peek()
		d.pos++ // the colon
		object[key] = d.value()
		if d.peek() == ',' {
			d.pos++
		}
	}
	d.pos++
	return object
}

// text reads the string at pos.
func (d *anyDecoder) text() string {
	start := d.pos
	for end := start + 1; ; end++ {
		end += bytes.IndexByte(d.raw[end:], '"')
		slashes := 0
		for d.raw[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 { // the quote is not escaped
			d.pos = end + 1
			s, err := jsontext.Unquote(d.raw[start:d.pos])
			d.failed = d.failed || err != nil
			return s
		}
	}
}

// number reads the number at pos.
func (d *anyDecoder) number() float64 {
	start := d.pos
	for d.pos < len(d.raw) && inNumber(d.raw[d.pos]) {
		d.pos++
	}
	f, err := strconv.ParseFloat(string(d.raw[start:d.pos]), 64)
	d.failed = d.failed || err != nil
	return f
}

// inNumber reports whether c can be part of a number.
func inNumber(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}
