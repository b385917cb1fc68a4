// SPDX-License-Identifier: MIT

// Package netpoll moves bytes between network connections and the protocol
// code above them. A Driver determines which goroutine waits for the network; the protocol
// code, a Handler, is called by the driver and never waits.
//
// Reading order: netpoll.go (the contract), goroutine.go (a goroutine per
// connection, for any net.Conn), then epoll on Linux: epoll_linux.go, loop_linux.go,
// sys_linux.go, sys_send_linux.go, sys_write_linux.go; poller_other.go for systems
// without it.
package netpoll
