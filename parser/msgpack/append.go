// SPDX-License-Identifier: MIT

// This file appends strings and byte slices of Go.

package msgpack

import (
	"strings"
	"unicode/utf8"

	"socketio/internal/mpack"
)

// appendString appends s. Invalid UTF-8 becomes U+FFFD, as in encoding/json.
func appendString(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = validUTF8(s)
	}
	return append(mpack.AppendStringHead(dst, len(s)), s...)
}

// validUTF8 returns s with U+FFFD for each byte that is not UTF-8.
func validUTF8(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

// appendBytes appends b as binary data. nil is nil.
func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return mpack.AppendNil(dst)
	}
	return mpack.AppendBinary(dst, b)
}
