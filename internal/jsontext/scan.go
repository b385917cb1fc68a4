// SPDX-License-Identifier: MIT

// This file steps over the parts of a JSON text.

package jsontext

import "unicode/utf8"

// HasPrefixAt reports whether prefix is found at i.
func HasPrefixAt(raw []byte, i int, prefix string) bool {
	return len(raw)-i >= len(prefix) && string(raw[i:i+len(prefix)]) == prefix
}

// SkipSpace returns the index of the first byte from i on that is not white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// IsDigit reports whether c is a decimal digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// TwoDigits reads a number of one or two digits without a leading zero at i. It
// returns how many digits it has, zero if there is no such number.
func TwoDigits(raw []byte, i int) (num, digits int) {
	for i+digits < len(raw) && IsDigit(raw[i+digits]) {
		if digits == 2 || digits == 1 && num == 0 {
			return 0, 0
		}
		num = num*10 + int(raw[i+digits]-'0')
		digits++
	}
	return num, digits
}

// ScanString checks the string that starts with the quote at i, and returns
// where it ends.
func ScanString(data []byte, i int) (int, bool) {
	i++
	for {
		i += PlainLen(data, i)
		if i >= len(data) {
			return i, false
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, true
		case c == '\\':
			if i+1 >= len(data) {
				return i, false
			}
			switch data[i+1] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i += 2
			case 'u':
				if _, ok := unescapeUnit(data[i:]); !ok {
					return i, false
				}
				i += 6
			default:
				return i, false
			}
		case c >= utf8.RuneSelf:
			// Such characters come in runs.
			for i < len(data) && data[i] >= utf8.RuneSelf {
				r, size := utf8.DecodeRune(data[i:])
				if r == utf8.RuneError && size == 1 {
					return i, false
				}
				i += size
			}
		default: // a control character
			return i, false
		}
	}
}

// ScanNumber checks the number at i and returns where it ends.
func ScanNumber(data []byte, i int) (int, bool) {
	if data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	case i < len(data) && IsDigit(data[i]):
		i = SkipDigits(data, i)
	default:
		return i, false
	}
	if i < len(data) && data[i] == '.' {
		start := i + 1
		if i = SkipDigits(data, start); i == start {
			return i, false
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		start := i
		if i = SkipDigits(data, start); i == start {
			return i, false
		}
	}
	return i, true
}

// SkipDigits returns the index of the first byte from i on that is not a digit.
func SkipDigits(data []byte, i int) int {
	for i < len(data) && IsDigit(data[i]) {
		i++
	}
	return i
}

// SkipString returns where the validated string at i ends.
func SkipString(data []byte, i int) int {
	i++
	for {
		i += PlainLen(data, i)
		if i >= len(data) {
			return len(data)
		}
		switch data[i] {
		case '"':
			return i + 1
		case '\\':
			i = min(i+2, len(data))
		default:
			i++
		}
	}
}

// SkipValue returns the end of the validated value at i, or i if there is no value.
func SkipValue(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			i = SkipString(data, i)
			if depth == 0 {
				return i
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i // ends a bare number or word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
