// SPDX-License-Identifier: MIT

// This file holds group: goroutines that write at the same time share one write.

package diskstore

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	errStalled = errors.New("diskstore: the disk does not answer")
	errClosing = errors.New("diskstore: the store is closing")
)

// A group collects what several goroutines want to write. A goroutine of its own writes
// it while there is something; what comes during a write is written by the next one, all
// at once. What waits is bounded by the number of callers.
type group[T any] struct {
	// Immutable after the first call of do. All run on the goroutine of the group, one at
	// a time.
	write  func(batch []T) error // must not retain the list
	stored func(batch []T)       // after a write without an error, before the callers go on
	undo   func(batch []T)       // after a write that was given up
	limit  time.Duration         // for a write

	mu      sync.Mutex // guards the fields below; nothing is called while it is held
	closed  error
	running bool
	stalled bool      // the write that goes on was given up
	began   time.Time // of the write that goes on, or zero
	timer   *time.Timer
	waiting []*turn[T]
	written []*turn[T] // by the write that goes on
	ended   chan struct{}
}

// A turn is a call of do.
type turn[T any] struct {
	value T
	done  chan error // gets one value
}

// maxBatch bounds the values of one write.
const maxBatch = 512

// do writes value and returns when it is written, or was not. If ctx ends before, the value
// may still be written. The values of one goroutine are written in
// the order of its calls.
func (g *group[T]) do(ctx context.Context, value T) error {
	t := &turn[T]{value, make(chan error, 1)}
	g.mu.Lock()
	switch {
	case g.closed != nil:
		defer g.mu.Unlock()
		return g.closed
	case g.stalled:
		g.mu.Unlock()
		return errStalled
	}
	g.waiting = append(g.waiting, t)
	if !g.running {
		g.running, g.ended = true, make(chan struct{})
		go g.run() // ends when nothing waits; close waits for it
	}
	g.mu.Unlock()
	select {
	case err := <-t.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run writes until nothing waits.
func (g *group[T]) run() {
	var batch []T
	for {
		g.mu.Lock()
		n := min(len(g.waiting), maxBatch)
		if n == 0 {
			g.running, g.waiting, g.written = false, nil, nil
			close(g.ended)
			g.mu.Unlock()
			return
		}
		turns := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		clear(batch)
		batch = batch[:0]
		for _, t := range turns {
			batch = append(batch, t.value)
		}
		g.beginLocked(turns)
		g.mu.Unlock()

		err := g.write(batch)

		g.mu.Lock()
		g.began = time.Time{}
		g.timer.Stop()
		g.written = nil
		stalled := g.stalled
		g.mu.Unlock()
		switch {
		case stalled:
			if err == nil && g.undo != nil {
				g.undo(batch)
			}
			g.mu.Lock()
			g.stalled = false
			g.mu.Unlock()
			continue // the callers have been told
		case err == nil && g.stored != nil:
			g.stored(batch)
		}
		for _, t := range turns {
			t.done <- err
		}
	}
}

// beginLocked watches over a write that begins.
func (g *group[T]) beginLocked(turns []*turn[T]) {
	g.began, g.written = time.Now(), turns
	if g.timer == nil {
		g.timer = time.AfterFunc(g.limit, g.giveUp) // stopped by run
		return
	}
	g.timer.Reset(g.limit)
}

// giveUp tells the callers that a write takes too long.
func (g *group[T]) giveUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.began.IsZero() || g.stalled || time.Since(g.began) < g.limit {
		return // of an earlier write
	}
	g.stalled = true
	for _, t := range g.written {
		t.done <- errStalled
	}
	g.failLocked(errStalled)
}

// failLocked tells those that wait that they are not written.
func (g *group[T]) failLocked(err error) {
	for _, t := range g.waiting {
		t.done <- err
	}
	g.waiting = nil
}

// close makes do return err from now on, and waits until the write that goes on has
// ended, or ctx has.
func (g *group[T]) close(ctx context.Context, err error) error {
	g.mu.Lock()
	g.closed = err
	g.failLocked(err)
	running, ended := g.running, g.ended
	g.mu.Unlock()
	if !running {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
