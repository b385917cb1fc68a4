// SPDX-License-Identifier: MIT

// This file tests the ends of two joined connections.

package forward_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"socketio/engineio/forward"
	"socketio/internal/netpoll"
)

// A still is a connection of which nothing is wanted.
type still struct{}

func (still) Start([]byte)  {}
func (still) Flush([]byte)  {}
func (still) Resume()       {}
func (still) Shutdown(bool) {}
func (still) Close()        {}

// Both connections end at the same time, on two loops: the pair counts once.
func TestBothEndsAtOnce(t *testing.T) {
	for range 5000 {
		var ends []netpoll.Handler
		open := forward.SpliceBy(func(_ net.Conn, h netpoll.Handler) netpoll.Conn {
			ends = append(ends, h)
			return still{}
		})
		var wg sync.WaitGroup
		for _, h := range ends {
			wg.Go(func() { h.Ended(io.EOF) })
		}
		wg.Wait()
		if n := open.Load(); n != 0 {
			t.Fatalf("%d pairs are open, want none", n)
		}
	}
}
