// SPDX-License-Identifier: MIT

// This file holds the messages of a queue that has several, or one that has left in part.
// What happens when it is full is in sendqueue_full.go.

package engineio

import "sync"

// inlineItems is the initial capacity of a backlog.
const inlineItems = 8

// A backlog holds the messages of a sendQueue. A queue has one while it needs it.
type backlog struct {
	pool  *backlogs
	items []*Message // items[head:] wait
	head  int

	bytes int // not yet sent, of all waiting messages

	// The position in items[head], and how many messages the batch that is being
	// written touches.
	frame, offset, out int

	hold int // this many messages at the head are not discarded

	inline [inlineItems]*Message // the first backing array of items
}

// backlogs has the backlogs that no queue uses.
type backlogs struct{ pool sync.Pool }

func (p *backlogs) get() *backlog {
	l, ok := p.pool.Get().(*backlog)
	if !ok {
		l = &backlog{pool: p}
	}
	l.items = l.inline[:0]
	return l
}

func (p *backlogs) put(l *backlog) {
	*l = backlog{pool: p}
	p.pool.Put(l)
}

func (q *backlog) len() int { return len(q.items) - q.head }

func (q *backlog) append(m *Message) {
	if q.head > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, m)
	q.bytes += m.size
}

// batch appends the slices to write next.
func (q *backlog) batch(bufs [][]byte, maxBufs, maxBytes int) [][]byte {
	frame, offset, size := q.frame, q.offset, 0
	for i, m := range q.items[q.head:] {
		q.out = i + 1
		for ; frame < m.frames(); frame++ {
			if len(bufs) >= maxBufs || size >= maxBytes {
				return bufs
			}
			b := m.frame(frame).wire[offset:]
			offset = 0
			size += len(b)
			bufs = append(bufs, b)
		}
		frame = 0
	}
	return bufs
}

// sent advances the position by n bytes and removes messages that have been written.
func (q *backlog) sent(n int) {
	q.bytes -= n
	q.out = 0
	for q.len() > 0 {
		m := q.items[q.head]
		left := len(m.frame(q.frame).wire) - q.offset
		if n < left {
			q.offset += n
			return
		}
		n -= left
		q.offset = 0
		if q.frame++; q.frame == m.frames() {
			q.frame = 0
			q.items[q.head] = nil
			m.note(draftWritten)
			q.head++
			q.hold = max(q.hold-1, 0)
		}
	}
}

// begun returns the number of unwritten bytes of the messages that discard keeps.
func (q *backlog) begun() (size int) {
	for _, m := range q.items[q.head:q.firstLoose()] {
		size += m.size
	}
	return size
}

// headLeft returns the number of unwritten bytes of the first message.
func (q *backlog) headLeft() int {
	m := q.items[q.head]
	left := m.size - q.offset
	for i := range q.frame {
		left -= len(m.frame(i).wire)
	}
	return left
}

// take removes and returns messages of at most maxBytes together, and at least one if
// there is one.
func (q *backlog) take(maxBytes int) (items []*Message, size int) {
	n := 0
	for _, m := range q.items[q.head:] {
		if n > 0 && size+m.size > maxBytes {
			break
		}
		n++
		size += m.size
	}
	taken := q.items[q.head : q.head+n]
	items = append(items, taken...)
	clear(taken)
	q.bytes -= size
	q.head += n
	return items, size
}

// discard drops the messages of which no byte has been written. It keeps messages being
// written, a partly written message (cutting it off would corrupt the stream), and those
// covered by hold.
func (q *backlog) discard() {
	keep := q.firstLoose() - q.head
	for i := q.head + keep; i < len(q.items); i++ {
		q.bytes -= q.items[i].size
		q.items[i] = nil
	}
	q.items = q.items[:q.head+keep]
}

// firstLoose is the index of the first item that has not begun to leave.
func (q *backlog) firstLoose() int {
	begun := q.out
	if begun == 0 && (q.frame > 0 || q.offset > 0) {
		begun = 1
	}
	return q.head + min(max(begun, q.hold), q.len())
}

// find returns the index of the loose item with a key, or -1.
func (q *backlog) find(key string) int {
	for i := len(q.items) - 1; i >= q.firstLoose(); i-- {
		if q.items[i].key == key {
			return i
		}
	}
	return -1
}
