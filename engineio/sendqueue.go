// SPDX-License-Identifier: MIT

// This file holds the outbound queue of a transport.

package engineio

// A sendQueue holds messages not yet given to the network, in order. It is
// guarded by Conn.mu.
//
// The right to write is the flag writing: whoever finds it free takes it and
// flushes; others only append. At the bound push does what the message says, see
// overflow.go; an empty queue takes one message over the bound. A message stays in
// the queue until its last byte has left, so a partial write is a position here
// and never a change to the shared message.
type sendQueue struct {
	items  []*Message // items[head:] wait
	head   int
	inline [4]*Message // the first backing array of items

	bytes int // not yet sent, of all waiting messages

	// The position in items[head], and how many messages the batch that is being
	// written touches.
	frame, offset, out int

	hold    int  // this many messages at the head are not discarded
	stream  bool // of a WebTransport: messages go out in its frames
	writing bool // somebody holds the right to write
	last    bool // nothing may follow: the transport ends when the queue is empty
}

func (q *sendQueue) len() int { return len(q.items) - q.head }

// append appends m whatever the bounds say.
func (q *sendQueue) append(m *Message) {
	if q.stream {
		m = m.streamForm()
	}
	if q.items == nil {
		q.items = q.inline[:0]
	}
	if q.head > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, m)
	q.bytes += m.size
}

// takeWriting takes the right to write if there is something to write and
// nobody holds it.
func (q *sendQueue) takeWriting() bool {
	if q.writing || q.len() == 0 {
		return false
	}
	q.writing = true
	return true
}

// batch appends the slices to write next.
func (q *sendQueue) batch(bufs [][]byte, maxBufs, maxBytes int) [][]byte {
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

// sent moves the position n bytes on and lets go of messages that have left.
func (q *sendQueue) sent(n int) {
	if q.len() == 0 { // dropped meanwhile
		return
	}
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
			q.head++
			q.hold = max(q.hold-1, 0)
		}
	}
	q.reset()
}

// reset gives back what an empty queue does not need.
func (q *sendQueue) reset() {
	q.head = 0
	if cap(q.items) > len(q.inline) {
		q.items = nil
		clear(q.inline[:]) // still has those that were there when it grew
	} else {
		q.items = q.items[:0]
	}
}

// begun is how many bytes wait of messages that discard keeps.
func (q *sendQueue) begun() (size int) {
	for _, m := range q.items[q.head:q.firstLoose()] {
		size += m.size
	}
	return size
}

// headLeft is how many bytes of the first message have not been sent.
func (q *sendQueue) headLeft() int {
	m := q.items[q.head]
	left := m.size - q.offset
	for i := range q.frame {
		left -= len(m.frame(i).wire)
	}
	return left
}

// take removes and returns messages of at most maxBytes together, and at least one if
// there is one. It is for queues that are not being written.
func (q *sendQueue) take(maxBytes int) (items []*Message, size int) {
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
	if q.head += n; q.len() == 0 {
		q.reset()
	}
	return items, size
}

// drop lets go of everything, also of what is being written.
func (q *sendQueue) drop() {
	clear(q.items)
	q.bytes, q.frame, q.offset, q.out, q.hold = 0, 0, 0, 0, 0
	q.reset()
}

// discard drops what has not begun to leave. It keeps what is being written, a
// message whose first byte is out (cutting it off would garble the stream), and
// what hold says.
func (q *sendQueue) discard() {
	keep := q.firstLoose() - q.head
	for i := q.head + keep; i < len(q.items); i++ {
		q.bytes -= q.items[i].size
		q.items[i] = nil
	}
	q.items = q.items[:q.head+keep]
	if keep == 0 {
		q.bytes = 0
		q.reset()
	}
}
