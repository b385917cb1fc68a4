// SPDX-License-Identifier: MIT

// This file decodes values into an any, for untyped handlers.

package msgpack

// maxPrealloc bounds the initial size of a map, since keys may be repeated. Any map has
// room for as many.
const maxPrealloc = 8

// decodeAny returns the valid value at i and where it ends. Numbers are float64,
// bytes are []byte of their own, a Date is a time.Time, undefined is nil.
func decodeAny(data []byte, i int) (v any, end int) {
	h, i, _ := readHead(data, i)
	switch h.kind {
	case boolKind:
		return h.num != 0, i
	case uintKind, intKind, floatKind:
		return h.float(), i
	case strKind:
		end = i + h.n
		return string(data[i:end]), end
	case binKind:
		end = i + h.n
		return clone(data[i:end]), end
	case dateKind, extKind:
		end = i + h.n
		if t, ok := h.date(data[i:end]); ok {
			return t, end
		}
		return []any{float64(h.ext), clone(data[i:end])}, end
	case arrayKind:
		list := make([]any, h.n) // data is valid, so the elements are all there
		for n := range list {
			list[n], i = decodeAny(data, i)
		}
		return list, i
	case mapKind:
		return decodeAnyMap(data, h.n, i)
	}
	return nil, i
}

// decodeAnyMap returns the n members at i, save those that are undefined.
func decodeAnyMap(data []byte, n, i int) (m map[string]any, end int) {
	m = make(map[string]any, min(n, maxPrealloc))
	for range n {
		name, next := keyName(data, i)
		if h, after, _ := readHead(data, next); h.kind == undefinedKind {
			delete(m, string(name))
			i = after
			continue
		}
		m[string(name)], i = decodeAny(data, next)
	}
	return m, i
}

// clone returns a copy of b that is not nil.
func clone(b []byte) []byte {
	return append(make([]byte, 0, len(b)), b...)
}
