// SPDX-License-Identifier: MIT

// This file holds List: observers of one kind, called so that their panics are recovered.

package telemetry

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"socketio/internal/call"
)

// A List is the observers that implement T, an interface. Its zero value is empty.
// It is immutable; its methods may be called from any goroutine.
type List[T any] struct {
	entries []*entry[T]
	log     *slog.Logger
}

// An entry is one observer.
type entry[T any] struct {
	observer T
	failed   atomic.Bool // it has panicked
}

// Pick returns the List of those elements of all that implement T.
func Pick[T any](log *slog.Logger, all []any) List[T] {
	l := List[T]{log: log}
	for _, v := range all {
		if o, ok := v.(T); ok {
			l.entries = append(l.entries, &entry[T]{observer: o})
		}
	}
	return l
}

// Any reports whether the List has observers.
func (l *List[T]) Any() bool { return len(l.entries) > 0 }

// Each calls tell with each observer, in order. A panic affects only that call. The first
// panic of an observer is logged.
func (l *List[T]) Each(tell func(T)) {
	for _, e := range l.entries {
		l.call(e, tell)
	}
}

// Len and Call serve callers that iterate over the List themselves.
func (l *List[T]) Len() int { return len(l.entries) }

// Call calls tell with the i-th observer.
func (l *List[T]) Call(i int, tell func(T)) (ok bool) { return l.call(l.entries[i], tell) }

func (l *List[T]) call(e *entry[T], tell func(T)) (ok bool) {
	p := call.Try(func() { tell(e.observer) })
	if p != nil && !e.failed.Swap(true) {
		l.log.Error("an observer panicked; its further panics are not logged",
			"observer", fmt.Sprintf("%T", e.observer), "error", Error(p.Value), "stack", string(p.Stack))
	}
	return p == nil
}
