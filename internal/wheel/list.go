// SPDX-License-Identifier: MIT

// list: timers in a ring, linked through themselves.

package wheel

// A list holds timers in the order in which they were pushed.
type list struct {
	head *Timer // head.prev is the last one
}

// push adds t, which is on no list, at the end.
func (l *list) push(t *Timer) {
	t.in = l
	if l.head == nil {
		t.next, t.prev, l.head = t, t, t
		return
	}
	last := l.head.prev
	t.prev, t.next = last, l.head
	last.next, l.head.prev = t, t
}

// remove takes t, which is on l, off it.
func (l *list) remove(t *Timer) {
	if t.next == t {
		l.head = nil
	} else {
		t.prev.next, t.next.prev = t.next, t.prev
		if l.head == t {
			l.head = t.next
		}
	}
	t.next, t.prev, t.in = nil, nil, nil
}
