// SPDX-License-Identifier: MIT

// This file holds what is on the way to a node.

package membus

import (
	"container/heap"
	"sync"
	"time"

	"socketio/adapter/cluster"
)

// An item is a message, or a function to call, on the way to a node.
type item struct {
	due     time.Time
	seq     uint64
	channel cluster.Channel
	data    []byte
	call    func()
	entry   bool // call hands an entry of a log over: it is lost with the connection
}

// maxInbox bounds the messages on the way to a node. Those above are lost.
const maxInbox = 1 << 17

// An inbox orders items by their times, and by the order in which they were put.
type inbox struct {
	mu    sync.Mutex // guards the fields below
	items items
	seq   uint64
	wake  chan struct{}
}

func (b *inbox) init() { b.wake = make(chan struct{}, 1) }

// put adds an item. It reports false if the inbox is full. Functions always have room.
func (b *inbox) put(i item) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i.call == nil && len(b.items) >= maxInbox {
		return false
	}
	b.seq++
	i.seq = b.seq
	heap.Push(&b.items, i)
	b.nudge()
	return true
}

// nudge makes the reader look again.
func (b *inbox) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// next removes the next item that is due. Otherwise it returns how long to wait for it,
// or -1 if the inbox is empty.
func (b *inbox) next() (i item, wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		return item{}, -1, false
	}
	if wait = time.Until(b.items[0].due); wait > 0 {
		return item{}, wait, false
	}
	return heap.Pop(&b.items).(item), 0, true
}

// clear drops the messages and the entries that are on the way, but not the other
// functions. It returns how many messages there were.
func (b *inbox) clear() (messages int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var kept items
	for _, i := range b.items {
		switch {
		case i.call == nil:
			messages++
		case !i.entry:
			kept = append(kept, i)
		}
	}
	heap.Init(&kept)
	b.items = kept
	return messages
}

// items is a heap.
type items []item

func (h items) Len() int      { return len(h) }
func (h items) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h items) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].seq < h[j].seq
}

func (h *items) Push(x any) { *h = append(*h, x.(item)) }

func (h *items) Pop() any {
	end := len(*h) - 1
	i := (*h)[end]
	(*h)[end] = item{}
	*h = (*h)[:end]
	return i
}
