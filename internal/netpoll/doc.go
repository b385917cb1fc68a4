// SPDX-License-Identifier: MIT

// Package netpoll moves bytes between network connections and the protocol
// code above them. A Driver decides who waits for the network; the protocol
// code, a Handler, is fed and asked, and never waits.
//
// Reading order: netpoll.go (the contract), goroutine.go (a goroutine per
// connection, for any net.Conn), then epoll on Linux: epoll_linux.go, loop_linux.go,
// sys_linux.go; poller_other.go for systems without it.
package netpoll
