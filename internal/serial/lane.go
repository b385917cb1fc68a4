// SPDX-License-Identifier: MIT

// This file holds lanes: how an item runs beside the later ones of its inbox.

package serial

import "socketio/internal/lock"

// A Lane is where a bounded number of items run at once.
type Lane struct {
	places chan struct{} // holds one value for each item that is in the lane
}

// NewLane returns a lane for n items.
func NewLane(n int) *Lane { return &Lane{places: make(chan struct{}, n)} }

// Enter waits for a place in a lane. What was held back is sent first. The item keeps
// the place until it has run, or until LeaveLanes.
func (w *Worker[T]) Enter(l *Lane) {
	w.uncork()
	lock.Op()
	l.places <- struct{}{} // an item leaves its lane without this goroutine's help
	w.lanes = append(w.lanes, l)
}

// HandOn hands the inbox to another worker: what follows in Run happens beside the next
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
