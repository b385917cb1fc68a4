// SPDX-License-Identifier: MIT

// This file holds a segment: open addressing, with a byte of each hash beside the pointers.

package idtable

const (
	minPlaces = 8
	maxPlaces = 512
)

// A segment is a part of a Table. The zero value is empty. An object is at the place of its
// hash or, if that is taken, at one of the next, with no free place in between.
type segment[T Object] struct {
	tags   []uint8 // a byte of the hash, 0 for a free place; as many as places, a power of 2
	places []T
	n      int
	bits   int // that all hashes in it have in common, the first ones
}

func newSegment[T Object](places, bits int) *segment[T] {
	return &segment[T]{tags: make([]uint8, places), places: make([]T, places), bits: bits}
}

// A hash has three parts: the first bits are for Table, the last ones for home, and some in
// between for tagOf.

func (s *segment[T]) home(h uint64) int { return int(h) & (len(s.places) - 1) }

func (s *segment[T]) next(i int) int { return (i + 1) & (len(s.places) - 1) }

func tagOf(h uint64) uint8 { return max(uint8(h>>16), 1) }

// full reports whether the segment takes no more: with fewer free places, searches would
// take long.
func (s *segment[T]) full() bool { return s.n >= len(s.places)-len(s.places)/8 }

// find returns the place of an id, or -1.
func (s *segment[T]) find(h uint64, id string) int {
	if s.n == 0 {
		return -1
	}
	tag := tagOf(h)
	for i := s.home(h); s.tags[i] != 0; i = s.next(i) { // ends: full leaves free places
		if s.tags[i] == tag && s.places[i].ID() == id {
			return i
		}
	}
	return -1
}

// put adds an object. There is a free place.
func (s *segment[T]) put(h uint64, o T) {
	i := s.home(h)
	for s.tags[i] != 0 {
		i = s.next(i)
	}
	s.tags[i], s.places[i] = tagOf(h), o
	s.n++
}

// remove frees a place. Later objects that have passed over it move up.
func (s *segment[T]) remove(i int, hash func(T) uint64) {
	for j := s.next(i); s.tags[j] != 0; j = s.next(j) {
		home := s.home(hash(s.places[j]))
		if mask := len(s.places) - 1; (j-home)&mask >= (j-i)&mask {
			s.tags[i], s.places[i] = s.tags[j], s.places[j]
			i = j
		}
	}
	var none T
	s.tags[i], s.places[i] = 0, none
	s.n--
}

// grow doubles the places.
func (s *segment[T]) grow(hash func(T) uint64) {
	larger := newSegment[T](max(2*len(s.places), minPlaces), s.bits)
	for i, tag := range s.tags {
		if tag != 0 {
			larger.put(hash(s.places[i]), s.places[i])
		}
	}
	*s = *larger
}
