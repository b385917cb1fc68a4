// SPDX-License-Identifier: MIT

// This file tests which loop of the epoll driver takes a connection.

package netpoll_test

import (
	"testing"

	"socketio/internal/netpoll"
)

// A new connection comes to the loop that has the fewest, also when many of one loop have
// ended. Loops with as many take turns.
func TestConnectionsAreSpread(t *testing.T) {
	const loops, each = 3, 4
	d, err := netpoll.NewPoller(loops)
	if err != nil {
		t.Fatal(err)
	}
	s := newArena(t, d)
	var byLoop [loops][]*party
	open := func() int {
		_, p := s.open(nil)
		n := netpoll.LoopOf(d, p.conn)
		byLoop[n] = append(byLoop[n], p)
		return n
	}
	wantEven := func(n int) {
		t.Helper()
		for i, list := range byLoop {
			if len(list) != n {
				t.Errorf("loop %d has %d connections, want %d", i, len(list), n)
			}
		}
	}
	var last int
	for i := range loops * each {
		n := open()
		if i > 0 && n == last {
			t.Errorf("two connections in a row came to loop %d", n)
		}
		last = n
	}
	wantEven(each)
	for emptied := range byLoop {
		for _, p := range byLoop[emptied] {
			p.conn.Close()
			p.awaitEnd("it was closed")
		}
		byLoop[emptied] = nil
		for range each {
			if n := open(); n != emptied {
				t.Errorf("a connection came to loop %d, want %d, which has the fewest", n, emptied)
			}
		}
		wantEven(each)
	}
	// A connection that could not be attached does not count.
	_, server := s.pair()
	server.Close()
	if _, err := d.Attach(server, nil); err == nil {
		t.Fatal("a closed connection was attached")
	}
	for i, n := range netpoll.Connections(d) {
		if n != each {
			t.Errorf("loop %d counts %d connections, want %d", i, n, each)
		}
	}
}
