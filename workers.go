// SPDX-License-Identifier: MIT

// This file holds workers: the goroutines that run the inboxes of sockets.

package socketio

import (
	"context"

	"socketio/internal/lock"
)

// maxIdleWorkers is how many workers stay for the next burst. A worker that stays
// has a grown stack, which a new one would grow again.
const maxIdleWorkers = 64

// workers are the goroutines that run handlers. There are as many as there are
// sockets with something in their inbox, and a few that wait for the next.
type workers struct {
	mu     lock.Mutex // guards the fields below
	busy   int
	idle   []*worker     // those that wait, the latest last
	quiet  chan struct{} // closed when busy is 0; nil unless somebody waits
	closed bool
}

// A worker is a goroutine that runs inboxes, one after the other.
type worker struct {
	next chan *Socket // the inbox to run after this one; nil until it has rested

	// Of the inbox that it runs. Used by its goroutine, or while that waits for the
	// handlers of a middleware.
	corked, held bool    // what the handlers send is held back; something may be
	handed       bool    // another runs the inbox; this one, an event in lanes
	lanes        []*lane // in which its event has a place
}

// uncork sends what the worker has held back.
func (w *worker) uncork(s *Socket) {
	if w.corked {
		s.conn.eio.Uncork()
	}
	if w.held {
		s.conn.eio.Flush()
	}
	w.corked, w.held = false, false
}

// run runs the inbox of s on a worker.
func (w *workers) run(s *Socket) {
	w.mu.Lock()
	w.busy++
	if n := len(w.idle); n > 0 {
		rested := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		rested.next <- s // has room
		return
	}
	w.mu.Unlock()
	// work: as many as there are busy sockets and calls of Parallel, and maxIdleWorkers;
	// owned by w, ends after close, or when enough others wait.
	go w.work(s)
}

func (w *workers) work(s *Socket) {
	self := new(worker)
	// A handler may end its goroutine by runtime.Goexit, as the failing helpers of
	// package testing do: another goes on with what waits.
	defer func() {
		switch {
		case s == nil:
		case self.handed && !self.endCall(s):
			w.end()
		default:
			go w.work(s)
		}
	}()
	for s != nil {
		s.work(self)
		s = nil
		if !w.rest(self) {
			return
		}
		s = <-self.next
	}
}

// rest counts a worker as idle and reports whether it should stay.
func (w *workers) rest(self *worker) (stay bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.endLocked()
	if w.closed || len(w.idle) >= maxIdleWorkers {
		return false
	}
	if self.next == nil {
		self.next = make(chan *Socket, 1)
	}
	w.idle = append(w.idle, self)
	return true
}

// begin and end count a goroutine that is not one of these but must end before
// wait returns.
func (w *workers) begin() {
	w.mu.Lock()
	w.busy++
	w.mu.Unlock()
}

func (w *workers) end() {
	w.mu.Lock()
	w.endLocked()
	w.mu.Unlock()
}

func (w *workers) endLocked() {
	if w.busy--; w.busy == 0 && w.quiet != nil {
		close(w.quiet)
		w.quiet = nil
	}
}

// wait returns when no handler runs, or the error of ctx when that ends.
func (w *workers) wait(ctx context.Context) error {
	w.mu.Lock()
	if w.busy == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.quiet == nil {
		w.quiet = make(chan struct{})
	}
	quiet := w.quiet
	w.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close sends the idle workers away; the busy ones go when they are done.
func (w *workers) close() {
	w.mu.Lock()
	idle := w.idle
	w.idle, w.closed = nil, true
	w.mu.Unlock()
	for _, rested := range idle {
		close(rested.next)
	}
}
