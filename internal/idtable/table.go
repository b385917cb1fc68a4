// SPDX-License-Identifier: MIT

// This file holds Table: segments, found by the first bits of a hash.

package idtable

import (
	"hash/maphash"
	"iter"
)

// An Object has an id, which must not change while the object is in a Table.
type Object interface {
	comparable
	ID() string
}

// A Table holds objects by id. New makes one. Its caller locks it: methods that change it
// exclude all others.
//
// It is a hash table with a seed of its own, so that clients who choose their ids can't
// choose their places. It grows by a segment at a time, at most 512 places, so that no
// call takes long in a large table.
type Table[T Object] struct {
	seed     maphash.Seed
	segments []*segment[T] // by the first bits of a hash; several may be the same
	bits     int           // 1<<bits segments
	n        int
}

// New returns an empty table.
func New[T Object]() *Table[T] {
	return &Table[T]{seed: maphash.MakeSeed(), segments: []*segment[T]{new(segment[T])}}
}

// Len returns the number of objects.
func (t *Table[T]) Len() int { return t.n }

// Get returns the object with an id, or the zero T.
func (t *Table[T]) Get(id string) (found T) {
	h := t.hash(id)
	s := t.segment(h)
	if i := s.find(h, id); i >= 0 {
		return s.places[i]
	}
	return found
}

// Put adds an object. It reports false, and does nothing, if the table has its id.
func (t *Table[T]) Put(o T) bool {
	id := o.ID()
	h := t.hash(id)
	s := t.segment(h)
	if s.find(h, id) >= 0 {
		return false
	}
	for s.full() {
		if len(s.places) < maxPlaces {
			s.grow(t.hashOf)
			break
		}
		t.split(h)
		s = t.segment(h)
	}
	s.put(h, o)
	t.n++
	return true
}

// Delete removes an object, not another one that has its id. It reports whether the object
// was there.
func (t *Table[T]) Delete(o T) bool {
	id := o.ID()
	h := t.hash(id)
	s := t.segment(h)
	i := s.find(h, id)
	if i < 0 || s.places[i] != o {
		return false
	}
	s.remove(i, t.hashOf)
	t.n--
	if s.n == 0 && len(s.places) > minPlaces {
		s.tags, s.places = nil, nil
	}
	return true
}

// All returns the objects. The table must not change meanwhile.
func (t *Table[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i, s := range t.segments {
			if i&(1<<(t.bits-s.bits)-1) != 0 {
				continue // the same as the one before
			}
			for j, tag := range s.tags {
				if tag != 0 && !yield(s.places[j]) {
					return
				}
			}
		}
	}
}

func (t *Table[T]) hash(id string) uint64 { return maphash.String(t.seed, id) }

func (t *Table[T]) hashOf(o T) uint64 { return t.hash(o.ID()) }

func (t *Table[T]) segment(h uint64) *segment[T] { return t.segments[h>>(64-t.bits)] }

// split replaces the segment of a hash by two.
func (t *Table[T]) split(h uint64) {
	old := t.segment(h)
	if old.bits == t.bits {
		all := make([]*segment[T], 0, 2*len(t.segments))
		for _, s := range t.segments {
			all = append(all, s, s)
		}
		t.segments = all
		t.bits++
	}
	halves := [2]*segment[T]{newSegment[T](maxPlaces, old.bits+1), newSegment[T](maxPlaces, old.bits+1)}
	for i, tag := range old.tags {
		if tag != 0 {
			o := old.places[i]
			oh := t.hashOf(o)
			halves[oh>>(63-old.bits)&1].put(oh, o)
		}
	}
	width := 1 << (t.bits - old.bits) // how often the old segment is there
	first := int(h>>(64-t.bits)) &^ (width - 1)
	for i := range width {
		t.segments[first+i] = halves[i/(width/2)]
	}
}
