// SPDX-License-Identifier: MIT

// This file holds the pass that checks a whole value.

package msgpack

import (
	"math"
	"unicode/utf8"

	"socketio/internal/mpack"
)

// maxNesting bounds the recursion of every function here that follows values
// into depth. It is the ceiling of Limits.MaxDepth and a little more.
const maxNesting = 1100

// A checker follows values. With strict it also checks that strings are UTF-8,
// and that the keys of maps are strings or integers.
type checker struct {
	data     []byte
	maxDepth int
	strict   bool
	most     int // of count; zero means no bound
	count    int // arrays, and four times the maps
}

// valid reports whether raw is exactly one value.
func valid(raw []byte) bool {
	c := checker{data: raw, maxDepth: maxNesting, strict: true}
	end, ok := c.skip(0, 0)
	return ok && end == len(raw)
}

// skip returns where the value at i ends. depth is how many arrays and maps are
// around it.
func (c *checker) skip(i, depth int) (end int, ok bool) {
	h, i, ok := mpack.ReadHead(c.data, i)
	if !ok {
		return i, false
	}
	return c.rest(h, i, depth)
}

// rest is skip for a value whose head was read.
func (c *checker) rest(h mpack.Head, i, depth int) (end int, ok bool) {
	switch h.Kind {
	case mpack.String:
		return i + h.N, !c.strict || utf8.Valid(c.data[i:i+h.N])
	case mpack.Binary, mpack.Extension:
		return i + h.N, true
	case mpack.Array, mpack.Map:
		c.count++
		if h.Kind == mpack.Map {
			c.count += 3 // see parser.Limits.MaxElements
		}
		if depth >= c.maxDepth || c.most > 0 && c.count > c.most {
			return i, false
		}
		return c.elements(h, i, depth+1)
	}
	return i, true
}

// elements skips the elements of an array or a map.
func (c *checker) elements(h mpack.Head, i, depth int) (end int, ok bool) {
	for range h.N {
		if h.Kind == mpack.Map {
			if i, ok = c.key(i); !ok {
				return i, false
			}
		}
		if i < len(c.data) && (c.data[i] <= 0x7f || c.data[i] >= 0xe0) { // a small integer
			i++
			continue
		}
		if i, ok = c.skip(i, depth); !ok {
			return i, false
		}
	}
	return i, true
}

// key skips the key of a pair.
func (c *checker) key(i int) (end int, ok bool) {
	h, i, ok := mpack.ReadHead(c.data, i)
	if !ok || h.Kind != mpack.String && h.Kind != mpack.Uint && h.Kind != mpack.Int {
		return i, false
	}
	return c.rest(h, i, 0)
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
