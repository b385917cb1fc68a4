// SPDX-License-Identifier: MIT

// This file recognizes placeholders: JSON objects in place of attachments.

package jsontext

import "strconv"

// AppendPlaceholder appends the placeholder of attachment num.
func AppendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(num), 10)
	return append(dst, '}')
}

// Placeholder reports whether raw, JSON text that starts with "{", starts with a
// placeholder: an object of exactly the members "_placeholder", which is true,
// and "num", digits only, in either order and with any white space between. It
// returns the number and the length of the object. A number has at most two
// digits, and names are compared as they are written, without unescaping.
func Placeholder(raw []byte) (num, n int, ok bool) {
	i := SkipSpace(raw, 1)
	if i+1 >= len(raw) || raw[i] != '"' || raw[i+1] != '_' && raw[i+1] != 'n' {
		return 0, 0, false // nearly all other objects end here
	}
	var seenMark, seenNum bool
	for {
		var value int
		mark := HasPrefixAt(raw, i, `"_placeholder"`)
		switch {
		case mark && !seenMark:
			value = i + len(`"_placeholder"`)
		case HasPrefixAt(raw, i, `"num"`) && !seenNum:
			value = i + len(`"num"`)
		default:
			return 0, 0, false
		}
		if i = SkipSpace(raw, value); i >= len(raw) || raw[i] != ':' {
			return 0, 0, false
		}
		i = SkipSpace(raw, i+1)
		if mark {
			if !HasPrefixAt(raw, i, "true") {
				return 0, 0, false
			}
			i += len("true")
			seenMark = true
		} else {
			var digits int
			if num, digits = TwoDigits(raw, i); digits == 0 {
				return 0, 0, false
			}
			i += digits
			seenNum = true
		}
		if i = SkipSpace(raw, i); i >= len(raw) {
			return 0, 0, false
		}
		switch {
		case raw[i] == '}' && seenMark && seenNum:
			return num, i + 1, true
		case raw[i] == ',' && !(seenMark && seenNum):
			i = SkipSpace(raw, i+1)
		default:
			return 0, 0, false
		}
	}
}

// NextPlaceholder returns where the first placeholder at or after from starts
// and ends in raw, and its number. The text must have been validated, and from
// must not lie inside a string. Without a placeholder start is -1.
func NextPlaceholder(raw []byte, from int) (start, end, num int) {
	for i := from; i < len(raw); {
		switch raw[i] {
		case '"':
			i = SkipString(raw, i)
		case '{':
			if num, n, ok := Placeholder(raw[i:]); ok {
				return i, i + n, num
			}
			i++
		default:
			i++
		}
	}
	return -1, -1, 0
}
