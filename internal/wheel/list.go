// SPDX-License-Identifier: MIT

// list: tasks in a ring, linked through their timers.

package wheel

// A list holds tasks in the order in which they were pushed.
type list[T Task[T]] struct {
	head T // the one before it is the last one; zero if n is 0
	n    int
}

// push adds a task, which is on no list, at the end.
func (l *list[T]) push(task T) {
	t := task.Timer()
	l.n++
	if l.n == 1 {
		t.next, t.prev, l.head = task, task, task
		return
	}
	first := l.head.Timer()
	t.prev, t.next = first.prev, l.head
	first.prev.Timer().next, first.prev = task, task
}

// remove takes a task, which is on l, off it.
func (l *list[T]) remove(task T) {
	var none T
	t := task.Timer()
	l.n--
	if l.n == 0 {
		l.head = none
	} else {
		t.prev.Timer().next, t.next.Timer().prev = t.next, t.prev
		if l.head.Timer() == t {
			l.head = t.next
		}
	}
	t.next, t.prev = none, none
}
