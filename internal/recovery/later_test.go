// SPDX-License-Identifier: MIT

// This file tests Later.

package recovery_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/recovery"
)

// Work begins in the order of adding, as much at once as is allowed. A goroutine ends when
// nothing waits, and another one starts for what is added afterwards.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, starts := make(chan int, 100), 0
		l := recovery.NewLater(3, func(run func()) {
			starts++
			go run()
		}, func(i int) {
			begun <- i
			time.Sleep(time.Second)
		})
		for round := range 2 {
			start := time.Now()
			for i := range 10 {
				l.Add(i)
			}
			for third := range 4 {
				synctest.Wait()
				var got, want []int
				for range min(3, 10-3*third) {
					want = append(want, 3*third+len(want))
					got = append(got, <-begun)
				}
				slices.Sort(got) // those that run at once begin in some order
				if fmt.Sprint(got) != fmt.Sprint(want) || len(begun) > 0 {
					t.Errorf("after %d s: %v and %d more, want %v", third, got, len(begun), want)
				}
				time.Sleep(time.Second)
			}
			synctest.Wait()
			if took := time.Since(start); took != 4*time.Second || starts != 3*(round+1) {
				t.Errorf("round %d: %v, %d goroutines", round, took, starts)
			}
		}
	})
}
