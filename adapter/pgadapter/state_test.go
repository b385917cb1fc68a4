// SPDX-License-Identifier: MIT

// This file tests when a transaction counts as stalled.

package pgadapter

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A transaction that takes long must still do so a moment after that was noticed: a process
// that was frozen reads the answer meanwhile.
func TestStalledTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newState()
		for _, row := range []struct {
			lasts   time.Duration
			stalled bool
		}{{stalledAfter - moment/2, false}, {stalledAfter + moment/2, true}, {moment, false}} {
			s.begin()
			time.Sleep(row.lasts)
			synctest.Wait()
			if err := s.publishes(); errors.Is(err, errStalled) != row.stalled {
				t.Errorf("after %v: %v", row.lasts, err)
			}
			s.answered()
			if err := s.publishes(); err != nil {
				t.Errorf("after the answer: %v", err)
			}
		}
	})
}
