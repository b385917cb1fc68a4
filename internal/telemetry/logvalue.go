// SPDX-License-Identifier: MIT

// This file makes values safe for a log: short, and on one line.

package telemetry

import (
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

const (
	maxText  = 128 // bytes of a peer's text
	maxError = 512 // bytes of an error's text
)

// Text returns the first 128 bytes of a peer's text, with unprintable characters escaped.
func Text(s string) string { return clean(s, maxText) }

func clean(s string, limit int) string {
	more := ""
	if len(s) > limit {
		end := limit
		for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s, more = s[:end], "..."
	}
	if !prints(s) {
		s = strconv.Quote(s)
		s = s[1 : len(s)-1]
	}
	return s + more
}

func prints(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		}
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Error returns an error, or the value of a panic, as an error whose text has at most 512
// bytes, with unprintable characters escaped. It wraps the error. Panics of the value's
// methods are recovered.
func Error(v any) error {
	err, _ := v.(error)
	return &logError{text: clean(fmt.Sprint(v), maxError), err: err}
}

type logError struct {
	text string
	err  error
}

func (e *logError) Error() string { return e.text }

func (e *logError) Unwrap() error { return e.err }
