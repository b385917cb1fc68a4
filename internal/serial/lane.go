// SPDX-License-Identifier: MIT

// This file holds Lane, in which items run concurrently with later items of their inbox.

package serial

import "socketio/internal/lock"

// A Lane bounds the number of items that run at once.
type Lane struct {
	places chan struct{} // holds one value for each item that is in the lane
}

// NewLane returns a lane for n items.
func NewLane(n int) *Lane { return &Lane{places: make(chan struct{}, n)} }

// Enter waits for a place in a lane, after flushing held-back output. The item keeps the
// place until it has run, or until LeaveLanes.
func (w *Worker[T]) Enter(l *Lane) {
	w.uncork()
	lock.Op()
	l.places <- struct{}{} // an item leaves its lane without this goroutine's help
	w.lanes = append(w.lanes, l)
}

// HandOn passes the inbox to another worker: the rest of Run is concurrent with the next
// items. The last item of the inbox waits for its end.
func (w *Worker[T]) HandOn() {
	if w.handed {
		return
	}
	w.handed = true
	if w.runner.Inbox().handOn() {
		w.workers.Start(w.runner)
	}
}

// LeaveLanes gives up the places that the item has in lanes.
func (w *Worker[T]) LeaveLanes() {
	for _, l := range w.lanes {
		lock.Op()
		<-l.places
	}
	clear(w.lanes)
	w.lanes = w.lanes[:0]
}
