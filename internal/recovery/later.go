// SPDX-License-Identifier: MIT

// This file holds Later: work that nobody waits for.

package recovery

import "socketio/internal/lock"

// A Later does what is added to it on goroutines of its own, a few at a time, and begins in
// the order of adding. All methods may be called from any goroutine.
type Later[T any] struct {
	most  int
	start func(run func())
	do    func(T)

	mu      lock.Mutex // guards the fields below
	waiting []T
	running int
}

// NewLater returns a Later that calls do, at most most times at once. start calls run on
// another goroutine, which ends when nothing waits.
func NewLater[T any](most int, start func(run func()), do func(T)) *Later[T] {
	return &Later[T]{most: most, start: start, do: do}
}

// Add adds work. It does not wait. The caller bounds what waits.
func (l *Later[T]) Add(x T) {
	l.mu.Lock()
	l.waiting = append(l.waiting, x)
	starts := l.running < l.most
	if starts {
		l.running++
	}
	l.mu.Unlock()
	if starts {
		l.start(l.run)
	}
}

func (l *Later[T]) run() {
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.waiting = nil
			l.running--
			l.mu.Unlock()
			return
		}
		x := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.mu.Unlock()
		l.do(x)
	}
}
