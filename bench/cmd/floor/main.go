// SPDX-License-Identifier: MIT

//go:build linux

// Command floor is a bare epoll server: the least that the benchmark's bytes can
// cost on this machine. It parses the handshake by hand, moves messages as they
// are, decodes nothing and has neither heartbeats nor sessions. Its one loop never
// blocks a thread: it parks in Go's poller, which watches the epoll descriptor.
package main

import (
	"net"

	"socketio/bench/internal/control"
)

func main() {
	ln := control.Listen()
	l, err := newLoop(ln.(*net.TCPListener))
	if err != nil {
		control.Fatal(err)
	}
	go func() { control.Fatal(l.run()) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}
