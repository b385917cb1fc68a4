// SPDX-License-Identifier: MIT

// UTF-8 that arrives in pieces.

package ws

import "unicode/utf8"

// pending returns how many bytes at the end of b, at most three, begin a
// character that is not complete yet but still can become a valid one.
func pending(b []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(b)); n++ {
		if end := b[len(b)-n:]; utf8.RuneStart(end[0]) {
			if utf8.FullRune(end) {
				return 0
			}
			return n
		}
	}
	return 0
}

// validPrefix reports whether b is valid UTF-8 but for the tail bytes at its
// end, which are those of pending.
func validPrefix(b []byte) (tail int, ok bool) {
	tail = pending(b)
	return tail, utf8.Valid(b[:len(b)-tail])
}
