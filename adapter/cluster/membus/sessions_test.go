// SPDX-License-Identifier: MIT

// This file tests the store of sessions.

package membus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

func TestSessions(t *testing.T) {
	adaptertest.RunSessions(t, func(*testing.T) func() cluster.Sessions {
		network, n := membus.New(1), 0
		return func() cluster.Sessions {
			n++
			return network.Node(fmt.Sprint(n)).Sessions()
		}
	})
}

func TestSessionFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		network.Delay(10*time.Millisecond, 11*time.Millisecond)
		node, other := network.Node("a"), network.Node("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s := &adapter.Session{ID: "i", Secret: "s", Data: []byte("{}")}
		put := func() error { return node.Sessions().Put(ctx, "/", "a", s) }

		begun := time.Now()
		if err := put(); err != nil || time.Since(begun) < 20*time.Millisecond {
			t.Errorf("Put took %v: %v", time.Since(begun), err)
		}
		short, end := context.WithTimeout(ctx, 15*time.Millisecond)
		defer end()
		if err := node.Sessions().Drop(short, "/", "s", "a"); !errors.Is(err, context.DeadlineExceeded) || network.SessionOwner("/", "s") != "" {
			t.Errorf("an answer that comes too late: %v; the owner is %q", err, network.SessionOwner("/", "s"))
		}
		node.Break()
		if err := put(); !errors.Is(err, membus.ErrDown) {
			t.Errorf("Put of a node without connection: %v", err)
		}
		node.Mend()
		network.Partition([]string{"b"}, []string{"a"})
		if err := put(); !errors.Is(err, membus.ErrDown) {
			t.Errorf("Put of a node that is cut off: %v", err)
		}
		network.Partition()

		failed := errors.New("failed")
		fail := func(node, method string) error {
			if node == "a" && method == "Put" {
				return failed
			}
			return nil
		}
		network.FailSessions(fail, nil)
		if err := put(); !errors.Is(err, failed) || network.SessionOwner("/", "s") != "" {
			t.Errorf("Put that fails: %v; the owner is %q", err, network.SessionOwner("/", "s"))
		}
		network.FailSessions(nil, fail)
		if err := put(); !errors.Is(err, failed) || network.SessionOwner("/", "s") != "a" {
			t.Errorf("Put whose answer is lost: %v; the owner is %q", err, network.SessionOwner("/", "s"))
		}
		network.FailSessions(nil, nil)

		node.Pause()
		done := make(chan error, 1)
		go func() { done <- put() }()
		if _, err := other.Sessions().Take(ctx, "/", "s", "b", "a", true); err != nil {
			t.Errorf("Take: %v", err)
		}
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("Put of a frozen node has returned: %v", err)
		default:
		}
		node.Resume()
		if err := <-done; !errors.Is(err, cluster.ErrTaken) {
			t.Errorf("Put after Take: %v", err)
		}
		if got := network.Secrets("/"); len(got) != 1 || got[0] != "s" {
			t.Errorf("secrets: %q", got)
		}
		node.Kill()
		if err := put(); !errors.Is(err, membus.ErrKilled) {
			t.Errorf("Put of a dead node: %v", err)
		}
	})
}
