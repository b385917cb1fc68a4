// SPDX-License-Identifier: MIT

// This file holds the inbox of a socket: what waits for its handlers, in order.

package socketio

import (
	"sync"

	"socketio/internal/lock"
	"socketio/parser"
)

// An itemKind says what an inbox item is.
type itemKind uint8

const (
	itemJoin    itemKind = iota // run the middlewares, then the connection handlers
	itemEvent                   // run the handlers of an event
	itemUpgrade                 // run the upgrade handlers
	itemLeave                   // run the disconnection handlers
)

// An item is one thing for the worker of a socket to do.
type item struct {
	kind        itemKind
	id          int64 // of the acknowledgement asked for, or noAck
	data        []byte
	attachments [][]byte
	size        int
}

// firstItems is where the items of an inbox begin. An idle inbox holds none.
type firstItems [4]item

var firstItemsPool = sync.Pool{New: func() any { return new(firstItems) }}

// An inbox is the queue of a socket's worker. A worker exists only while there is
// something to do: push reports that one must be started, next that it may end.
// Once the inboxes of a connection hold Options.MaxInboxPackets or MaxInboxBytes
// together it is not read, so they grow by no more than what was being read.
type inbox struct {
	mu    lock.Mutex // guards the fields below
	items []item
	first *firstItems // the first backing array of items; nil while empty
	head  int
	busy  bool  // a worker exists
	ended bool  // no more events: the socket is gone
	calls int32 // of Parallel: events whose worker has handed the inbox on
}

// push appends it and reports whether a worker must be started. An event that comes
// after the end is dropped: the read side may have seen the socket just before.
func (q *inbox) push(it item) (start, dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended && (it.kind == itemEvent || it.kind == itemUpgrade) {
		return false, true
	}
	q.ended = q.ended || it.kind == itemLeave
	if q.items == nil {
		q.first = firstItemsPool.Get().(*firstItems)
		q.items = q.first[:0]
	}
	if q.head > 0 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, it)
	start = !q.busy && q.readyLocked()
	q.busy = q.busy || start
	return start, false
}

// next takes the first item and reports whether there are more. Without one the
// worker ends. The leaving waits until no call of Parallel runs.
func (q *inbox) next() (it item, more, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.readyLocked() {
		q.restLocked()
		return item{}, false, false
	}
	it = q.items[q.head]
	q.items[q.head] = item{}
	q.head++
	return it, q.head < len(q.items), true
}

// readyLocked reports whether there is something to do.
func (q *inbox) readyLocked() bool {
	return q.head < len(q.items) && (q.calls == 0 || q.items[q.head].kind != itemLeave)
}

// restLocked notes that no worker runs the inbox any more.
func (q *inbox) restLocked() {
	q.busy = false
	if q.head < len(q.items) {
		return
	}
	if q.first != nil {
		clear(q.first[:])
		firstItemsPool.Put(q.first)
	}
	q.items, q.first, q.head = nil, nil, 0
}

// handOn tells that the worker goes on with a call of Parallel. It reports whether
// another must be started for what waits.
func (q *inbox) handOn() (start bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	if q.readyLocked() {
		return true
	}
	q.restLocked()
	return false
}

// callEnded tells that such a call has ended. It reports whether its goroutine is the
// worker now.
func (q *inbox) callEnded() (goOn bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls--
	goOn = !q.busy && q.readyLocked()
	q.busy = q.busy || goOn
	return goOn
}

// running returns how many calls of Parallel run beside the worker.
func (q *inbox) running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.calls)
}

// dropEvents removes the events that wait and takes no more. It returns how many
// there were, and their bytes.
func (q *inbox) dropEvents() (n, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	kept := q.items[q.head:q.head]
	for _, it := range q.items[q.head:] {
		if it.kind == itemEvent {
			bytes += it.size
			n++
			continue
		}
		kept = append(kept, it)
	}
	clear(q.items[q.head+len(kept):])
	q.items = q.items[:q.head+len(kept)]
	return n, bytes
}

// eventItem copies what a packet holds: it outlives the read buffer. The packet
// of a binary event owns its memory already.
func eventItem(p parser.Packet) item {
	it := item{kind: itemEvent, id: p.ID, data: p.Data, attachments: p.Attachments}
	if !p.Type.Binary() {
		it.data = append(make([]byte, 0, len(p.Data)), p.Data...)
	}
	it.size = len(it.data)
	for _, a := range it.attachments {
		it.size += len(a)
	}
	return it
}
