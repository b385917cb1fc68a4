// SPDX-License-Identifier: MIT

// This file decodes values into an any, for untyped handlers.

package msgpack

import "socketio/internal/mpack"

// maxPrealloc bounds the initial size of a map, since keys may be repeated. Any map has
// room for as many.
const maxPrealloc = 8

// decodeAny returns the valid value at i and where it ends. Numbers are float64,
// bytes are []byte of their own, a Date is a time.Time, undefined is nil.
func decodeAny(data []byte, i int) (v any, end int) {
	h, i, _ := mpack.ReadHead(data, i)
	switch h.Kind {
	case mpack.Bool:
		return h.Num != 0, i
	case mpack.Uint, mpack.Int, mpack.Float:
		return h.Float(), i
	case mpack.String:
		end = i + h.N
		return string(data[i:end]), end
	case mpack.Binary:
		end = i + h.N
		return clone(data[i:end]), end
	case mpack.Date, mpack.Extension:
		end = i + h.N
		if t, ok := h.Date(data[i:end]); ok {
			return t, end
		}
		return []any{float64(h.Ext), clone(data[i:end])}, end
	case mpack.Array:
		list := make([]any, h.N) // data is valid, so the elements are all there
		for n := range list {
			list[n], i = decodeAny(data, i)
		}
		return list, i
	case mpack.Map:
		return decodeAnyMap(data, h.N, i)
	}
	return nil, i
}

// decodeAnyMap returns the n members at i, save those that are undefined.
func decodeAnyMap(data []byte, n, i int) (m map[string]any, end int) {
	m = make(map[string]any, min(n, maxPrealloc))
	for range n {
		name, next := keyName(data, i)
		if h, after, _ := mpack.ReadHead(data, next); h.Kind == mpack.Undefined {
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
