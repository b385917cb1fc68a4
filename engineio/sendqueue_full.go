// SPDX-License-Identifier: MIT

// This file holds what happens when the send queue of a connection is full: the Overflow of
// a message decides; over the bounds for 10 s, or at 16 times the bounds, the connection
// closes. Conn.send turns the verdict into an error, Conn.noteQueueLocked sets the deadline
// of the 10 s, and conn_slow.go closes.

package engineio

import (
	"fmt"
	"slices"
	"time"
)

const (
	// queueFactor times Options.MaxQueueBytes and MaxQueueMessages is the most that
	// may wait for one connection, whatever the policies of its messages.
	queueFactor = 16
	// slowTimeout is how long more than those bounds may wait without a break.
	slowTimeout = 10 * time.Second
)

// overfull reports whether a queue of n messages has no room for one more that makes
// it size bytes, whatever its policy.
func (o *limits) overfull(n, size int) bool { // products may overflow
	return n > 0 && (n/queueFactor >= o.maxQueueMessages || (size-1)/queueFactor >= o.maxQueueBytes)
}

// A verdict is the outcome of pushing a message.
type verdict uint8

const (
	pushed  verdict = iota
	dropped         // by its policy; no error
	refused         // OverflowFail
	closes          // 16 times the bound
)

// push appends m, or does what its policy says if there is no room. It returns how
// many messages were dropped, m among them.
func (q *sendQueue) push(pool *backlogs, m *Message, o *limits) (v verdict, lost int) {
	if q.one != nil || q.more != nil {
		v, lost = q.grow(pool).admit(m, o)
	}
	if v == pushed {
		q.append(pool, m)
	}
	return v, lost
}

// admit makes room for m. If it can't, the policy of m decides. It returns how many
// messages were dropped, m among them. If the verdict is pushed, m must be appended.
func (q *backlog) admit(m *Message, o *limits) (v verdict, lost int) {
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
	return pushed, lost
}

// makeRoom drops the item at index old, if that is not -1, and the oldest loose items that
// may be dropped, until size bytes fit. If they can't fit, it drops none and returns 0.
func (q *backlog) makeRoom(size, maxBytes, maxLen, old int) (lost int) {
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

// overtime reports whether more waits than the bounds allow, and whether the time for which
// it may, slowTimeout, begins now: counting says that it has begun before, moved that the
// peer has taken something. A message being written does not count: it may have any size and
// take any time.
func (q *sendQueue) overtime(o *limits, counting, moved bool) (over, begins bool) {
	if q.len() <= o.maxQueueMessages && q.size() <= o.maxQueueBytes {
		return false, false
	}
	begins = !counting || moved && q.len()-1 <= o.maxQueueMessages && q.size()-q.headLeft() <= o.maxQueueBytes
	return true, begins
}

// A slowness is the reason for closing a connection whose peer does not read.
type slowness struct {
	option string // that sets the bound, by its name in package socketio
	max    any
	what   string
}

// overBound returns the bound that the queue exceeds, or would exceed with size more bytes.
func (q *sendQueue) overBound(o *limits, factor, size int) (s slowness) {
	if (q.size()+size-1)/factor >= o.maxQueueBytes {
		s = slowness{option: "MaxQueueBytes", max: o.maxQueueBytes, what: fmt.Sprintf("%d bytes wait", q.size()+size)}
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
