// SPDX-License-Identifier: MIT

// This file holds Stall: work that ends when it makes no progress.

package recovery

import (
	"context"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
)

// A Stall ends a context when there was no progress for a time. It counts looks at equal
// distances, so that the time in which the process was frozen counts as one. All methods may
// be called from any goroutine.
type Stall struct {
	cancel  context.CancelCauseFunc
	every   time.Duration
	without atomic.Int32 // looks since there was progress

	mu    lock.Mutex  // guards the field below
	timer *time.Timer // stopped by Stop; its function does not wait
}

// looks without progress end the context.
const looks = 10

// WithStall returns a context that ends when there was no progress for a time. Its cause is
// context.DeadlineExceeded then. The caller calls Stop.
func WithStall(ctx context.Context, most time.Duration) (context.Context, *Stall) {
	s := &Stall{every: most / looks}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(s.every, s.look)
	return ctx, s
}

func (s *Stall) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.timer == nil: // stopped
	case s.without.Add(1) >= looks:
		s.cancel(context.DeadlineExceeded)
	default:
		s.timer.Reset(s.every)
	}
}

// Progress records that there was progress.
func (s *Stall) Progress() { s.without.Store(0) }

// Stop ends the context.
func (s *Stall) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	s.timer = nil
	s.cancel(nil)
}
