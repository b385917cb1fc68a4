// SPDX-License-Identifier: MIT

// This file holds lists of functions that an application registers.

package call

import (
	"slices"
	"sync/atomic"

	"socketio/internal/lock"
)

// A List is a list of registered functions. It is replaced when it changes, so reading
// it takes no lock. The zero value is empty and takes one word. Its methods may be
// called from any goroutine.
type List[F any] struct {
	now atomic.Pointer[[]*F]
}

// Add appends fn. remove removes it and may be called more than once.
func (l *List[F]) Add(fn *F) (remove func()) {
	l.change(func(list []*F) []*F { return append(slices.Clip(list), fn) })
	return func() { l.Remove(fn) }
}

// Remove removes fn, if it is in the list.
func (l *List[F]) Remove(fn *F) {
	l.change(func(list []*F) []*F { return Without(list, fn) })
}

func (l *List[F]) change(change func([]*F) []*F) {
	for {
		old := l.now.Load()
		var list []*F
		if old != nil {
			list = *old
		}
		var next *[]*F
		if list = change(list); len(list) > 0 {
			next = &list
		}
		if l.now.CompareAndSwap(old, next) {
			return
		}
		lock.Op() // a retry
	}
}

// All returns the functions. The caller must not change the result.
func (l *List[F]) All() []*F {
	if list := l.now.Load(); list != nil {
		return *list
	}
	return nil
}

// Without returns a copy of list that lacks x.
func Without[T comparable](list []T, x T) []T {
	i := slices.Index(list, x)
	if i < 0 {
		return list
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}
