// SPDX-License-Identifier: MIT

// This file holds Worker: a goroutine that runs inboxes, one after the other.

package serial

// A Runner owns an inbox. Its methods are called by the worker of the inbox, one at a
// time, except Run of items in lanes.
type Runner[T any] interface {
	// Inbox returns the inbox, always the same.
	Inbox() *Inbox[T]
	// Run runs an item. It may end its goroutine by runtime.Goexit; another goroutine
	// then continues with the inbox.
	Run(item T, w *Worker[T])
	// Cork is called before an item if more items are waiting: output of Run may then be
	// held back. Uncork is called before the last of them: its output is sent together
	// with the held-back output. Flush is called after it has run.
	Cork()
	Uncork()
	Flush()
}

// A Worker is a goroutine that runs inboxes. Its methods are for the Run that it calls,
// or for a goroutine that Run waits for.
type Worker[T any] struct {
	workers *Workers[T]
	next    chan Runner[T] // the inbox to run after this one; nil until it has rested

	// State of the current inbox.
	runner       Runner[T]
	corked, held bool    // output is held back; some may be pending
	handed       bool    // another worker runs the inbox; this one runs an item in lanes
	lanes        []*Lane // where its item has a place
}

// serve runs the inbox of r until it is empty.
func (w *Worker[T]) serve(r Runner[T]) {
	w.runner = r
	q := r.Inbox()
	defer w.uncork() // later items were dropped, or Run ended the goroutine
	for {
		it, more, ok := q.next(&w.workers.queues)
		if !ok {
			return
		}
		switch {
		case more && !w.corked:
			r.Cork()
			w.corked, w.held = true, true
		case !more && w.corked:
			r.Uncork()
			w.corked = false
		}
		r.Run(it, w)
		if !w.corked {
			w.uncork()
		}
		if !w.finish() {
			return
		}
	}
}

// finish releases the places and the ticket of the item that has run. It reports whether
// the worker must continue with the inbox.
func (w *Worker[T]) finish() (goOn bool) {
	w.LeaveLanes()
	if w.handed {
		w.handed = false
		return w.runner.Inbox().callEnded()
	}
	return w.runner.Inbox().done()
}

// uncork sends held-back output.
func (w *Worker[T]) uncork() {
	if w.corked {
		w.runner.Uncork()
	}
	if w.held {
		w.runner.Flush()
	}
	w.corked, w.held = false, false
}
