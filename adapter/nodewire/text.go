// SPDX-License-Identifier: MIT

// This file walks through JSON text that has been validated.

package nodewire

import (
	"encoding/json"
	"math"
	"strconv"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// maxDepth bounds the nesting of messages and values. It is above the limit of clients.
const maxDepth = 1100

// quick accepts nearly all texts that checkText accepts, in a single pass.
var quick = parser.Limits{MaxDepth: 1024, MaxElements: math.MaxInt}

// checkText reports whether raw is JSON text that is not nested too deep.
func checkText(raw []byte) bool { return quick.Valid(raw) || slowCheck(raw) }

// slowCheck is checkText for texts that are nested deeper than a packet may be, or are not
// UTF-8.
func slowCheck(raw []byte) bool {
	depth := 0
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i += 1 + jsontext.PlainLen(raw, i+1)
			for i < len(raw) && raw[i] != '"' {
				if raw[i] == '\\' {
					i++
				}
				i++
			}
			i++
			continue
		case '{', '[':
			if depth++; depth > maxDepth {
				return false
			}
		case '}', ']':
			depth--
		}
		i++
	}
	return json.Valid(raw)
}

// members is jsontext.Members with names that are read.
func members(raw []byte, each func(name, value []byte) bool) (ok bool) {
	return jsontext.Members(raw, func(key, value []byte) bool {
		if inner := key[1 : len(key)-1]; jsontext.PlainLen(inner, 0) == len(inner) {
			return each(inner, value)
		}
		name, err := jsontext.Unquote(key)
		return err == nil && each([]byte(name), value)
	})
}

// elements is jsontext.Elements.
func elements(raw []byte, each func(value []byte) bool) (ok bool) {
	return jsontext.Elements(raw, each)
}

func isList(raw []byte) bool { return len(raw) > 0 && raw[0] == '[' }

func isNull(raw []byte) bool { return len(raw) > 0 && raw[0] == 'n' }

// text returns the value of a JSON string.
func text(raw []byte) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if inner := raw[1 : len(raw)-1]; jsontext.PlainLen(inner, 0) == len(inner) {
		return string(inner), true
	}
	s, err := jsontext.Unquote(raw)
	return s, err == nil
}

// integer returns the value of a JSON number without fraction, within int32.
func integer(raw []byte) (n int, ok bool) {
	f, ok := number(raw)
	if !ok || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, false
	}
	return int(f), true
}

func number(raw []byte) (f float64, ok bool) {
	if len(raw) == 0 || raw[0] != '-' && !jsontext.IsDigit(raw[0]) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

func boolean(raw []byte) (b, ok bool) {
	switch string(raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// names returns the texts of an array, nil if it is empty or null. A number is its text:
// JavaScript uses numbers as names of rooms.
func names(raw []byte) (all []string, ok bool) {
	if isNull(raw) {
		return nil, true
	}
	ok = elements(raw, func(value []byte) bool {
		name, isText := text(value)
		if !isText {
			if _, isNumber := number(value); !isNumber {
				return false
			}
			name = string(value)
		}
		all = append(all, name)
		return true
	})
	return all, ok
}

// appendNames appends an array of texts. It is never null.
func appendNames(dst []byte, all ...string) []byte {
	dst = append(dst, '[')
	for i, name := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsontext.AppendString(dst, name)
	}
	return append(dst, ']')
}
