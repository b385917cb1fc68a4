// SPDX-License-Identifier: MIT

// This file holds JSON strings: quoting, unquoting, and the search for the end
// of a run that needs neither.

package jsontext

import (
	"errors"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

const (
	onesMask  = 0x0101010101010101
	highMask  = 0x8080808080808080
	quoteMask = onesMask * '"'
	slashMask = onesMask * '\\'
	spaceMask = onesMask * ' '
)

// PlainLen returns the length of the longest prefix of s[i:] made of printable
// ASCII without quotes and backslashes. It looks at eight bytes at a time.
//
// For a word x, (x - n) &^ x has the high bit of a byte set when that byte is
// below n. A borrow can set bits of higher bytes wrongly, but only above a byte
// that is set rightly, so the lowest set bit is always right.
func PlainLen[T string | []byte](s T, i int) int {
	start := i
	for i+8 <= len(s) {
		w := s[i : i+8] // the compiler combines the following into one load
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		q := x ^ quoteMask
		b := x ^ slashMask
		stop := (x | (x-spaceMask)&^x | (q-onesMask)&^q | (b-onesMask)&^b) & highMask
		if stop != 0 {
			return i + bits.TrailingZeros64(stop)/8 - start
		}
		i += 8
	}
	for i < len(s) && isPlain(s[i]) {
		i++
	}
	return i - start
}

func isPlain(c byte) bool {
	return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
}

const hexDigits = "0123456789abcdef"

// AppendString appends s to dst as a JSON string and returns the result.
// Invalid UTF-8 becomes U+FFFD. U+2028 and U+2029 are escaped, because old
// JavaScript takes them for line ends; "<", ">" and "&" are not.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		n := PlainLen(s, i)
		dst = append(dst, s[i:i+n]...)
		if i += n; i == len(s) {
			break
		}
		if c := s[i]; c < utf8.RuneSelf {
			dst = appendEscaped(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, "\uFFFD"...)
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&0xF])
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}

// appendEscaped appends the escape of a quote, a backslash or a control character.
func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}

var errNotString = errors.New("not a JSON string")

// Unquote returns the value of raw, a JSON string with its quotes and no space
// around it. Escapes of lone surrogates and invalid UTF-8 become U+FFFD, as in
// encoding/json. The result does not alias raw.
func Unquote(raw []byte) (string, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", errNotString
	}
	n := PlainLen(raw, 1)
	if n == len(raw)-2 && raw[1+n] == '"' {
		return string(raw[1 : 1+n]), nil
	}
	buf, err := AppendUnquoted(make([]byte, 0, len(raw)), raw)
	return string(buf), err
}

// Inside returns the value of raw, a JSON string as for Unquote, if it has no escapes and
// only ASCII. It shares memory with raw, which must not be changed afterwards.
func Inside(raw []byte) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	n := PlainLen(raw, 1)
	if n != len(raw)-2 || raw[1+n] != '"' {
		return "", false
	}
	return unsafe.String(&raw[1], n), true
}

// AppendUnquoted appends the value of the JSON string raw to dst.
func AppendUnquoted(dst, raw []byte) ([]byte, error) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return dst, errNotString
	}
	raw = raw[1 : len(raw)-1]
	for i := 0; i < len(raw); {
		n := PlainLen(raw, i)
		dst = append(dst, raw[i:i+n]...)
		if i += n; i == len(raw) {
			break
		}
		switch c := raw[i]; {
		case c == '\\':
			var r rune
			if r, n = unescape(raw[i:]); n == 0 {
				return dst, errNotString
			}
			dst = utf8.AppendRune(dst, r)
		case c >= utf8.RuneSelf:
			var r rune
			r, n = utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
		default: // a bare quote or a control character
			return dst, errNotString
		}
		i += n
	}
	return dst, nil
}

// unescape returns the character that the escape at the start of s stands for,
// and the length of the escape, zero if it is malformed. Two escapes that are a
// surrogate pair count as one; a lone surrogate becomes U+FFFD.
func unescape(s []byte) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
	default:
		return 0, 0
	}
	r, ok := unescapeUnit(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := unescapeUnit(s[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// unescapeUnit reads the UTF-16 code unit of an escape: \u and four digits.
func unescapeUnit(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		d, ok := hexValue(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// NumberText returns the text JavaScript gives the JSON number raw when it turns
// it into a string: "1" for 1.0, "1e+21" for 1e21.
func NumberText(raw []byte) []byte {
	if isSmallInteger(raw) {
		return raw
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case err != nil && f > 0:
		return []byte("Infinity")
	case err != nil && f < 0:
		return []byte("-Infinity")
	case f == 0: // -0 as well
		return []byte("0")
	}
	abs := max(f, -f)
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(nil, f, 'f', -1, 64)
	}
	out := strconv.AppendFloat(nil, f, 'e', -1, 64)
	// Go writes two digits at least: 1e-07 for JavaScript's 1e-7.
	if n := len(out); n >= 4 && out[n-4] == 'e' && out[n-2] == '0' {
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}

// isSmallInteger reports whether raw is an integer that a float64 holds exactly
// and prints as it is written.
func isSmallInteger(raw []byte) bool {
	digits := raw
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 || digits[0] == '0' && len(raw) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
