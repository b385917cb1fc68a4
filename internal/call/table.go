// SPDX-License-Identifier: MIT

// This file holds Table: the handlers of a namespace, by the names of their events.

package call

import (
	"maps"
	"slices"
	"sync/atomic"

	"socketio/internal/lock"
)

// A Table holds registered handlers L by event. Like a List it is replaced when it
// changes, so reading it takes no lock. The zero value is empty. Its methods may be
// called from any goroutine.
type Table[L any] struct {
	now atomic.Pointer[map[string][]*L]
}

// Add appends l to the handlers of event. remove removes it and may be called more than
// once.
func (t *Table[L]) Add(event string, l *L) (remove func()) {
	t.change(event, func(list []*L) []*L { return append(slices.Clip(list), l) })
	return func() { t.change(event, func(list []*L) []*L { return Without(list, l) }) }
}

func (t *Table[L]) change(event string, change func([]*L) []*L) {
	for {
		old := t.now.Load()
		next := make(map[string][]*L)
		if old != nil {
			next = maps.Clone(*old)
		}
		if list := change(next[event]); len(list) > 0 {
			next[event] = list
		} else {
			delete(next, event)
		}
		if t.now.CompareAndSwap(old, &next) {
			return
		}
		lock.Op() // a retry
	}
}

// All returns the handlers by event. The caller must not change the result.
func (t *Table[L]) All() map[string][]*L {
	if now := t.now.Load(); now != nil {
		return *now
	}
	return nil
}
