// SPDX-License-Identifier: MIT

// This file holds the outbound queue of a transport.

package engineio

import (
	"fmt"
	"slices"
	"time"
)

// A sendQueue holds messages not yet given to the network, in order. It is
// guarded by Conn.mu.
//
// The flag writing is the right to write: a goroutine that finds it false sets it and
// flushes; others only append. At the bound push applies the policy of the message; an empty
// queue accepts one message over the bound. A message stays in the queue until its last byte
// has been written, so a partial write is a position here and never a change to the shared
// message.
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
	masked  bool // of a client: each frame has a mask of its own
	writing bool // the right to write is held
	last    bool // nothing may follow: the transport ends when the queue is empty
}

func (q *sendQueue) len() int { return len(q.items) - q.head }

// append appends m regardless of the bounds.
func (q *sendQueue) append(m *Message) {
	switch {
	case q.stream:
		m = m.streamForm()
	case q.masked:
		m = m.maskedForm()
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

// sent advances the position by n bytes and removes messages that have been written.
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

// reset frees memory that an empty queue does not need.
func (q *sendQueue) reset() {
	q.head = 0
	if cap(q.items) > len(q.inline) {
		q.items = nil
		clear(q.inline[:]) // still has those that were there when it grew
	} else {
		q.items = q.items[:0]
	}
}

// begun returns the number of unwritten bytes of the messages that discard keeps.
func (q *sendQueue) begun() (size int) {
	for _, m := range q.items[q.head:q.firstLoose()] {
		size += m.size
	}
	return size
}

// headLeft returns the number of unwritten bytes of the first message.
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

// drop empties the queue, including messages being written.
func (q *sendQueue) drop() {
	clear(q.items)
	q.bytes, q.frame, q.offset, q.out, q.hold = 0, 0, 0, 0, 0
	q.reset()
}

// lone returns the bytes of the one frame that waits, if the queue holds nothing else,
// and counts them as a batch. Else it returns nil.
func (q *sendQueue) lone(maxBytes int) []byte {
	if q.len() != 1 || q.frame > 0 || q.offset > 0 {
		return nil
	}
	m := q.items[q.head]
	if m.frames() > 1 || len(m.first.wire) > maxBytes {
		return nil
	}
	q.out = 1
	return m.first.wire
}

// lent returns the first message if its attachments are those of a caller.
func (q *sendQueue) lent() *Message {
	if q.len() > 0 && q.items[q.head].lent {
		return q.items[q.head]
	}
	return nil
}

// discard drops the messages of which no byte has been written. It keeps messages being
// written, a partly written message (cutting it off would corrupt the stream), and those
// covered by hold.
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

const (
	// queueFactor times Options.MaxQueueBytes and MaxQueueMessages is the most that
	// may wait for one connection, whatever the policies of its messages.
	queueFactor = 16
	// slowTimeout is how long more than those bounds may wait without a break.
	slowTimeout = 10 * time.Second
)

// A verdict is the outcome of pushing a message.
type verdict uint8

const (
	pushed  verdict = iota
	dropped         // by its policy; no error
	refused         // OverflowFail
	closes          // 16 times the bound
)

// overfull reports whether a queue of n messages has no room for one more that makes
// it size bytes, whatever its policy.
func (o *limits) overfull(n, size int) bool { // products may overflow
	return n > 0 && (n/queueFactor >= o.maxQueueMessages || (size-1)/queueFactor >= o.maxQueueBytes)
}

// push appends m, or does what its policy says if there is no room. It returns how
// many messages were dropped, m among them.
func (q *sendQueue) push(m *Message, o *limits) (v verdict, lost int) {
	maxBytes, maxLen := o.maxQueueBytes, o.maxQueueMessages
	old := -1
	if m.key != "" {
		old = q.find(m.key)
	}
	n, size := q.len(), q.bytes+m.size
	if old >= 0 {
		n, size = n-1, size-q.items[old].size
	}
	if n > 0 && (n >= maxLen || size > maxBytes) {
		switch m.overflow {
		case OverflowFail:
			return refused, 0
		case OverflowDropNewest:
			return dropped, 1
		case OverflowDropOldest:
			if lost = q.makeRoom(m.size, maxBytes, maxLen, old); lost == 0 {
				return dropped, 1
			}
			q.append(m)
			return pushed, lost
		default:
			if o.overfull(n, size) {
				return closes, 0
			}
		}
	}
	if old >= 0 {
		q.bytes -= q.items[old].size
		q.items = slices.Delete(q.items, old, old+1)
		lost = 1
	}
	q.append(m)
	return pushed, lost
}

// firstLoose is the index of the first item that has not begun to leave.
func (q *sendQueue) firstLoose() int {
	begun := q.out
	if begun == 0 && (q.frame > 0 || q.offset > 0) {
		begun = 1
	}
	return q.head + min(max(begun, q.hold), q.len())
}

// find returns the index of the loose item with a key, or -1.
func (q *sendQueue) find(key string) int {
	for i := len(q.items) - 1; i >= q.firstLoose(); i-- {
		if q.items[i].key == key {
			return i
		}
	}
	return -1
}

// makeRoom drops the item at index old, if that is not -1, and the oldest loose items that
// may be dropped, until size bytes fit. If they can't fit, it drops none and returns 0.
func (q *sendQueue) makeRoom(size, maxBytes, maxLen, old int) (lost int) {
	n, bytes := q.len(), q.bytes+size
	if old >= 0 {
		n, bytes, lost = n-1, bytes-q.items[old].size, 1
	}
	start, end := q.firstLoose(), 0
	for end = start; end < len(q.items) && n > 0 && (n >= maxLen || bytes > maxBytes); end++ {
		if it := q.items[end]; end != old && it.overflow == OverflowDropOldest {
			n, bytes, lost = n-1, bytes-it.size, lost+1
		}
	}
	if n > 0 && (n >= maxLen || bytes > maxBytes) {
		return 0
	}
	kept := q.items[start:start]
	for i, it := range q.items[start:] {
		if start+i == old || start+i < end && it.overflow == OverflowDropOldest {
			q.bytes -= it.size
			continue
		}
		kept = append(kept, it)
	}
	clear(q.items[start+len(kept):])
	q.items = q.items[:start+len(kept)]
	return lost
}

// A slowness is the reason for closing a connection whose peer does not read.
type slowness struct {
	option string // that sets the bound, by its name in package socketio
	max    any
	what   string
}

// overBound returns the bound that the queue exceeds, or would exceed with size more bytes.
func (q *sendQueue) overBound(o *limits, factor, size int) (s slowness) {
	if (q.bytes+size-1)/factor >= o.maxQueueBytes {
		s = slowness{option: "MaxQueueBytes", max: o.maxQueueBytes, what: fmt.Sprintf("%d bytes wait", q.bytes+size)}
	} else {
		s = slowness{option: "MaxQueueMessages", max: o.maxQueueMessages, what: fmt.Sprintf("%d packets wait", q.len())}
	}
	if factor > 1 {
		s.what += fmt.Sprintf(", more than %d times", factor)
	} else {
		s.what += fmt.Sprintf(", for %v more than", slowTimeout)
	}
	s.what += fmt.Sprintf(" %s (%v)", s.option, s.max)
	return s
}
