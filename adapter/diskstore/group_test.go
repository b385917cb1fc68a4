// SPDX-License-Identifier: MIT

// This file tests group.

package diskstore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What comes during a write is written together by the next one, in order; nothing is
// written twice or by two goroutines at once.
func TestWritesAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var batches [][]int
		g := group[int]{limit: time.Hour, write: func(batch []int) error {
			batches = append(batches, append([]int(nil), batch...))
			<-gate
			return nil
		}}
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if err := g.do(context.Background(), i); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // so that they come in this order
		}
		close(gate)
		all.Wait()
		if len(batches) != 2 || len(batches[0]) != 1 || len(batches[1]) != 3 || batches[1][0] != 1 || batches[1][2] != 3 {
			t.Errorf("the batches are %v", batches)
		}
	})
}

// All get the error of a write, and the next write goes on; a caller whose context ends
// does not wait.
func TestErrorsOfWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("failure")
		gate := make(chan struct{})
		var result error
		g := group[int]{limit: time.Hour, write: func([]int) error { <-gate; return result }}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := g.do(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		result = failure
		close(gate)
		if err := g.do(context.Background(), 2); err != failure {
			t.Error(err)
		}
		synctest.Wait()
		result = nil
		if err := g.do(context.Background(), 3); err != nil {
			t.Error(err)
		}
		if err := g.close(context.Background(), failure); err != nil {
			t.Error(err)
		}
		if err := g.do(context.Background(), 4); err != failure {
			t.Error(err)
		}
	})
}
