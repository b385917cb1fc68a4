// SPDX-License-Identifier: MIT

// This file walks through JSON text that has been validated.

package jsontext

// Members calls each for the members of an object, in order. The key is a JSON string. The
// value has no white space around it. ok is false if raw is not an object, or each has
// returned false.
func Members(raw []byte, each func(key, value []byte) bool) (ok bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return false
	}
	for i := SkipSpace(raw, 1); i < len(raw) && raw[i] == '"'; {
		end := SkipString(raw, i)
		key := raw[i:end]
		i = SkipSpace(raw, end)
		i = SkipSpace(raw, i+1) // after the colon
		end = SkipValue(raw, i)
		if !each(key, raw[i:end:end]) {
			return false
		}
		if i = SkipSpace(raw, end); i < len(raw) && raw[i] == ',' {
			i = SkipSpace(raw, i+1)
		}
	}
	return true
}

// Elements calls each for the elements of an array, in order. ok is false if raw is not an
// array, or each has returned false.
func Elements(raw []byte, each func(value []byte) bool) (ok bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return false
	}
	for i := SkipSpace(raw, 1); i < len(raw) && raw[i] != ']'; {
		end := SkipValue(raw, i)
		if !each(raw[i:end:end]) {
			return false
		}
		if i = SkipSpace(raw, end); i < len(raw) && raw[i] == ',' {
			i = SkipSpace(raw, i+1)
		}
	}
	return true
}
