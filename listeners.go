// SPDX-License-Identifier: MIT

// This file holds lists of functions that an application registers.

package socketio

import (
	"slices"
	"sync"
)

// listeners is a list of functions guarded by a lock of its owner. The list is
// replaced when it changes, so what all returns may be walked without the lock.
type listeners[F any] struct {
	list []*F
}

func (l *listeners[F]) add(mu sync.Locker, fn F) (remove func()) {
	p := &fn
	mu.Lock()
	defer mu.Unlock()
	l.list = append(slices.Clip(l.list), p)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		l.list = without(l.list, p)
	}
}

func (l *listeners[F]) all(mu sync.Locker) []F {
	mu.Lock()
	defer mu.Unlock()
	if len(l.list) == 0 {
		return nil
	}
	fns := make([]F, len(l.list))
	for i, p := range l.list {
		fns[i] = *p
	}
	return fns
}

// without returns a copy of list that lacks x.
func without[T comparable](list []T, x T) []T {
	i := slices.Index(list, x)
	if i < 0 {
		return list
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}
