// SPDX-License-Identifier: MIT

// This file shows tests what they need of the package.

package forward

import (
	"net"
	"sync/atomic"

	"socketio/internal/netpoll"
)

// Splice joins two connections as those of a forwarded WebSocket.
func (n *Node) Splice(client, server net.Conn) {
	splice(n.attach, client, server, nil, nil, &n.counter.open)
}

// SpliceBy joins two connections that attach gives to a driver, and returns the counter of
// open pairs.
func SpliceBy(attach func(net.Conn, netpoll.Handler) netpoll.Conn) *atomic.Int64 {
	open := new(atomic.Int64)
	splice(attach, nil, nil, nil, nil, open)
	return open
}
