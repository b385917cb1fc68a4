// SPDX-License-Identifier: MIT

// This file holds Line: events that wait for their numbers, and what must not overtake
// them.

package recovery

import (
	"sync/atomic"
	"time"

	"socketio/internal/lock"
)

// An Item waits in a Line for its turn.
type Item interface {
	// Deliver puts the item into the queues of its recipients. number is that of the event
	// in the log, or 0 if it has none. Items are delivered one at a time, in order. Deliver
	// must not block, call user code, or use the Line.
	Deliver(number uint64)
	// Flush writes what Deliver has queued. It is called without locks.
	Flush()
}

// A Line delivers the events of a server in a namespace in the order in which they were
// emitted, when their numbers are known. An event whose number does not come is delivered
// without one. All methods may be called from any goroutine; they deliver what has its
// turn before they return.
type Line struct {
	patience time.Duration
	bytes    int // the bound of waiting
	most     int

	turn lock.Mutex // held while items are delivered; taken before all other locks

	count  atomic.Int64 // items that are not delivered
	missed atomic.Uint64

	mu     lock.Mutex // guards the fields below
	items  []waiting
	size   int
	timer  *time.Timer // looks whether patience has ended; nil before the first item
	due    time.Time   // when it does
	ended  func()      // called after each look
	closed bool
}

// A waiting is an Item in a Line.
type waiting struct {
	item   Item
	token  uint64 // 0 if it has its turn when those before have been delivered
	size   int
	since  time.Time
	ready  bool
	number uint64
}

// NewLine returns a Line without items. Events wait for their numbers for patience at most,
// without the time in which the process was frozen; ended is called when some may have waited
// for so long. At most most items wait, and about bytes.
func NewLine(patience time.Duration, most, bytes int, ended func()) *Line {
	return &Line{patience: patience, most: most, bytes: bytes, ended: ended}
}

// Empty reports whether nothing waits.
func (l *Line) Empty() bool { return l.count.Load() == 0 }

// Full reports whether nothing more may wait. Items that are added nevertheless wait too.
func (l *Line) Full() bool {
	if l.Empty() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.items) >= l.most || l.size >= l.bytes
}

// Add adds an event with a token, which is greater than those before, or 0. It delivers
// nothing.
func (l *Line) Add(item Item, token uint64, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count.Add(1)
	l.items = append(l.items, waiting{item: item, token: token, size: size, since: time.Now(), ready: token == 0 || l.closed})
	l.size += size
	switch {
	case l.closed:
	case l.timer == nil:
		l.timer = time.AfterFunc(l.patience, l.expire) // stopped by Close
		l.waitLocked(l.patience)
	case len(l.items) == 1:
		l.waitLocked(l.patience)
	}
}

const (
	// step is the longest time between two looks whether patience has ended.
	step = 2 * time.Second
	// frozen is how late a look must be for the process to have been frozen.
	frozen = time.Second
)

func (l *Line) waitLocked(d time.Duration) {
	d = min(d, step)
	l.due = time.Now().Add(d)
	l.timer.Reset(d)
}

// Follow adds an item that is delivered after those before.
func (l *Line) Follow(item Item, size int) {
	l.Add(item, 0, size)
	l.run()
}

// Fail delivers the event with a token without a number.
func (l *Line) Fail(token uint64) {
	l.fail(func(w *waiting) bool { return w.token == token })
}

// Settled delivers the events with tokens up to this one, which have no numbers.
func (l *Line) Settled(token uint64) {
	l.fail(func(w *waiting) bool { return w.token <= token })
}

// Own delivers the event with a token, whose number is known. Those before that wait for
// theirs have none. late reports that the event may have been delivered before, without a
// number.
func (l *Line) Own(token, number uint64) (late bool) {
	l.mu.Lock()
	found := false
	for i := range l.items {
		w := &l.items[i]
		if w.token == token && !w.ready {
			w.ready, w.number, found = true, number, true
		}
		if w.token >= token {
			break
		}
		l.failLocked(w)
	}
	l.mu.Unlock()
	l.run()
	return !found && token <= l.missed.Load()
}

func (l *Line) failLocked(w *waiting) {
	if !w.ready {
		w.ready = true
		l.missed.Store(max(l.missed.Load(), w.token))
	}
}

// fail delivers events without numbers.
func (l *Line) fail(which func(w *waiting) bool) {
	l.mu.Lock()
	for i := range l.items {
		if w := &l.items[i]; which(w) {
			l.failLocked(w)
		}
	}
	l.mu.Unlock()
	l.run()
}

// expire delivers the events that have waited for too long.
func (l *Line) expire() {
	if l.thawed() {
		return
	}
	before := time.Now().Add(-l.patience)
	l.fail(func(w *waiting) bool { return !w.since.After(before) })
	l.mu.Lock()
	if len(l.items) > 0 && !l.closed {
		l.waitLocked(time.Until(l.items[0].since.Add(l.patience)))
	}
	l.mu.Unlock()
	l.ended()
}

// thawed begins the patience again if the process was frozen: what has come meanwhile was
// not read yet.
func (l *Line) thawed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.due) < frozen || l.closed {
		return false
	}
	for i := range l.items {
		l.items[i].since = now
	}
	l.waitLocked(l.patience)
	return true
}

// run delivers the items that have their turn.
func (l *Line) run() {
	var done []Item
	l.turn.Lock()
	for {
		w, ok := l.next()
		if !ok {
			break
		}
		w.item.Deliver(w.number)
		l.count.Add(-1)
		done = append(done, w.item)
	}
	l.turn.Unlock()
	for _, item := range done {
		item.Flush()
	}
}

// next removes the first item if it has its turn.
func (l *Line) next() (w waiting, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.items) == 0 || !l.items[0].ready {
		return waiting{}, false
	}
	w = l.items[0]
	l.items[0] = waiting{}
	l.items = l.items[1:]
	l.size -= w.size
	return w, true
}

// maxLooked is how many items Behind looks at.
const maxLooked = 256

// Behind reports whether one of the items that wait matches. It looks at the latest; if
// there are many more, it reports true. If none matches, last is the greatest token of
// those that wait, or 0. One that is being delivered is delivered when Behind returns.
// matches must not block, or use the Line.
func (l *Line) Behind(matches func(Item) bool) (behind bool, last uint64) {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range min(len(l.items), maxLooked) {
		w := &l.items[len(l.items)-1-i]
		if matches(w.item) {
			return true, 0
		}
		last = max(last, w.token)
	}
	return len(l.items) > maxLooked, last
}

// Ahead calls decide with all items that wait, in order, while none is delivered, and then
// send with those for which it has returned true. Neither may block, or use the Line. While
// decide runs, Behind does not look at the items.
func (l *Line) Ahead(decide func(Item) bool, send func(Item)) {
	l.turn.Lock()
	defer l.turn.Unlock()
	var chosen []Item
	l.mu.Lock()
	for i := range l.items {
		if item := l.items[i].item; decide(item) {
			chosen = append(chosen, item)
		}
	}
	l.mu.Unlock()
	for _, item := range chosen {
		send(item)
	}
}

// Close delivers what waits, without numbers. Events that are added afterwards do
// not wait for their numbers.
func (l *Line) Close() {
	l.mu.Lock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	l.fail(func(*waiting) bool { return true })
}
