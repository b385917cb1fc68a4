// SPDX-License-Identifier: MIT

// This file tests that what faults leave behind is found.

package clusterhost_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/internal/clusterhost"
)

func TestRemains(t *testing.T) {
	network := membus.New(1)
	var all []*clusterhost.Host
	for _, name := range []string{"a", "b"} {
		all = append(all, clusterhost.New(t, name, cluster.New(network.Node(name), nil)))
	}
	release := make(chan struct{})
	var work sync.WaitGroup
	defer work.Wait()
	defer close(release)
	leave := func() { work.Go(func() { <-release }) }
	first, end := true, make(chan struct{})
	clusterhost.LeavesNothing(t, all, 3, func() { // one goroutine at a time, and one of the first fault
		if first {
			leave()
		}
		close(end)
		own := make(chan struct{})
		first, end = false, own
		work.Go(func() { <-own })
	})
	close(end)
	over := clusterhost.Remains(t, all, time.Second/10, 3, leave)
	if len(over) != 1 || !strings.Contains(over.String(), "clusterhost_test.TestRemains") {
		t.Errorf("faults leave one kind of goroutine; found:\n%v", over)
	}
	if over := clusterhost.Remains(t, all, time.Second/10, 3, leave, "TestRemains.func"); len(over) != 0 {
		t.Errorf("that kind does not count; found:\n%v", over)
	}
}
