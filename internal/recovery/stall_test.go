// SPDX-License-Identifier: MIT

// This file tests work that ends when it makes no progress.

package recovery_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/recovery"
)

// A context ends when there is no progress for the time, however long there was some before.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := recovery.WithStall(t.Context(), 10*time.Second)
		defer s.Stop()
		for range 10 {
			time.Sleep(8 * time.Second)
			s.Progress()
		}
		if ctx.Err() != nil {
			t.Fatal("it has ended although there was progress")
		}
		begun := time.Now()
		<-ctx.Done()
		if took := time.Since(begun); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("it has ended after %v", took)
		}
		if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
			t.Errorf("the cause is %v", cause)
		}
	})
}

// Work that has ended is not looked at.
func TestStallStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, s := recovery.WithStall(t.Context(), 10*time.Second)
		time.Sleep(5 * time.Second)
		s.Stop()
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			t.Errorf("the cause is %v", cause)
		}
		time.Sleep(time.Minute)
	})
}
