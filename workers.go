// SPDX-License-Identifier: MIT

// This file holds workers: the goroutines that run the inboxes of sockets.

package socketio

import (
	"context"
	"sync"
)

// maxIdleWorkers is how many workers stay for the next burst. A worker that stays
// has a grown stack, which a new one would grow again.
const maxIdleWorkers = 64

// workers are the goroutines that run handlers. There are as many as there are
// sockets with something in their inbox, and a few that wait for the next.
type workers struct {
	mu     sync.Mutex // guards the fields below
	busy   int
	idle   []chan *Socket // of those that wait, the latest last
	quiet  chan struct{}  // closed when busy is 0; nil unless somebody waits
	closed bool
}

// run runs the inbox of s on a worker.
func (w *workers) run(s *Socket) {
	w.mu.Lock()
	w.busy++
	if n := len(w.idle); n > 0 {
		next := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		next <- s // has room
		return
	}
	w.mu.Unlock()
	// work: as many as there are busy sockets, and maxIdleWorkers; owned by w, ends
	// after close, or when enough others wait.
	go w.work(s)
}

func (w *workers) work(s *Socket) {
	next := make(chan *Socket, 1)
	// A handler may end its goroutine by runtime.Goexit, as the failing helpers of
	// package testing do: another goes on with what waits.
	defer func() {
		if s != nil {
			go w.work(s)
		}
	}()
	for s != nil {
		s.work()
		s = nil
		if !w.rest(next) {
			return
		}
		s = <-next
	}
}

// rest counts a worker as idle and reports whether it should stay.
func (w *workers) rest(next chan *Socket) (stay bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.endLocked()
	if w.closed || len(w.idle) >= maxIdleWorkers {
		return false
	}
	w.idle = append(w.idle, next)
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
	for _, next := range idle {
		close(next)
	}
}
