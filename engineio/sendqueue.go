// SPDX-License-Identifier: MIT

// This file holds the outbound queue of a transport. What happens when it is full is in
// sendqueue_full.go.

package engineio

// A sendQueue holds messages not yet given to the network, in order. It is
// guarded by Conn.mu.
//
// The flag writing is the right to write: a goroutine that finds it false sets it and
// flushes; others only append. At the bound push applies the policy of the message; an empty
// queue accepts one message over the bound. A message stays in the queue until its last byte
// has been written, so a partial write is a position here and never a change to the shared
// message.
//
// Nearly always the queue is empty, or holds one message of one frame, which leaves at once.
// Only then it needs no other memory.
type sendQueue struct {
	one  *Message // the only message, of one frame, of which no byte has left; or nil
	more *backlog // all messages, if that is not how it is; or nil

	out     bool // one is in the batch that is being written
	held    bool // one is not discarded
	stream  bool // of a WebTransport: messages go out in its frames
	masked  bool // of a client: each frame has a mask of its own
	writing bool // the right to write is held
	last    bool // nothing may follow: the transport ends when the queue is empty
}

func (q *sendQueue) len() int {
	switch {
	case q.one != nil:
		return 1
	case q.more != nil:
		return q.more.len()
	}
	return 0
}

// size returns the number of bytes not yet sent, of all messages.
func (q *sendQueue) size() int {
	switch {
	case q.one != nil:
		return q.one.size
	case q.more != nil:
		return q.more.bytes
	}
	return 0
}

// append appends m regardless of the bounds.
func (q *sendQueue) append(pool *backlogs, m *Message) {
	switch {
	case q.stream:
		m = m.streamForm()
	case q.masked:
		m = m.maskedForm()
	}
	if q.one == nil && q.more == nil && len(m.rest) == 0 {
		q.one = m
		return
	}
	q.grow(pool).append(m)
}

// grow returns the messages as a backlog.
func (q *sendQueue) grow(pool *backlogs) *backlog {
	if q.more == nil {
		q.more = pool.get()
		if q.one != nil {
			q.more.append(q.one)
			if q.out {
				q.more.out = 1
			}
			if q.held {
				q.more.hold = 1
			}
			q.empty()
		}
	}
	return q.more
}

func (q *sendQueue) empty() { q.one, q.out, q.held = nil, false, false }

// shrink frees the memory of an empty backlog.
func (q *sendQueue) shrink() {
	if l := q.more; l != nil && l.len() == 0 {
		q.more = nil
		l.pool.put(l)
	}
}

// keep says that the messages in the queue are not discarded.
func (q *sendQueue) keep() {
	q.held = q.one != nil
	if q.more != nil {
		q.more.hold = q.more.len()
	}
}

// takeWriting takes the right to write if there is something to write and
// nobody holds it.
func (q *sendQueue) takeWriting() bool {
	if q.writing || q.one == nil && q.more == nil {
		return false
	}
	q.writing = true
	return true
}

// batch appends the slices to write next.
func (q *sendQueue) batch(bufs [][]byte, maxBufs, maxBytes int) [][]byte {
	switch {
	case q.one != nil:
		q.out = true
		bufs = append(bufs, q.one.first.wire)
	case q.more != nil:
		bufs = q.more.batch(bufs, maxBufs, maxBytes)
	}
	return bufs
}

// sent advances the position by n bytes and removes messages that have been written. The
// queue may have been dropped meanwhile.
func (q *sendQueue) sent(pool *backlogs, n int) {
	switch {
	case q.one != nil && n >= q.one.size:
		m := q.one
		q.empty()
		m.note(draftWritten)
	case q.one != nil && n == 0:
		q.out = false
	case q.one != nil || q.more != nil:
		q.grow(pool).sent(n)
		q.shrink()
	}
}

// begun returns the number of unwritten bytes of the messages that discard keeps.
func (q *sendQueue) begun() (size int) {
	switch {
	case q.one != nil && (q.out || q.held):
		return q.one.size
	case q.more != nil:
		return q.more.begun()
	}
	return 0
}

// headLeft returns the number of unwritten bytes of the first message.
func (q *sendQueue) headLeft() int {
	if q.one != nil {
		return q.one.size
	}
	return q.more.headLeft()
}

// take removes and returns messages of at most maxBytes together, and at least one if
// there is one. It is for queues that are not being written.
func (q *sendQueue) take(maxBytes int) (items []*Message, size int) {
	switch {
	case q.one != nil:
		items, size = []*Message{q.one}, q.one.size
		q.empty()
	case q.more != nil:
		items, size = q.more.take(maxBytes)
		q.shrink()
	}
	return items, size
}

// drop empties the queue, including messages being written.
func (q *sendQueue) drop() {
	q.empty()
	if l := q.more; l != nil {
		q.more = nil
		l.pool.put(l)
	}
}

// lone returns the bytes of the one frame that waits, if the queue holds nothing else,
// and counts them as a batch. Else it returns nil.
func (q *sendQueue) lone(maxBytes int) []byte {
	if q.one == nil || q.one.size > maxBytes {
		return nil
	}
	q.out = true
	return q.one.first.wire
}

// lent returns the first message if its attachments are those of a caller, and the position
// in it.
func (q *sendQueue) lent() (m *Message, frame, offset int) {
	if l := q.more; l != nil && l.len() > 0 && l.items[l.head].lent {
		return l.items[l.head], l.frame, l.offset
	}
	return nil, 0, 0
}

// discard drops the messages of which no byte has been written. It keeps messages being
// written, a partly written message (cutting it off would corrupt the stream), and those
// that keep was called for.
func (q *sendQueue) discard() {
	switch {
	case q.one != nil && !q.out && !q.held:
		q.empty()
	case q.more != nil:
		q.more.discard()
		q.shrink()
	}
}
