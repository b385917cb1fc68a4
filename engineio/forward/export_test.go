// SPDX-License-Identifier: MIT

// This file shows tests what they need of the package.

package forward

import "net"

// Splice joins two connections as those of a forwarded WebSocket.
func (n *Node) Splice(client, server net.Conn) {
	splice(n.attach, client, server, nil, nil, &n.counter.open)
}
