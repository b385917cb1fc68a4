// SPDX-License-Identifier: MIT

// Package engineio is an Engine.IO server: it opens connections with clients over
// HTTP long-polling, WebSocket and WebTransport, moves them from the first to one
// of the others, watches that both ends are alive, and carries messages. It speaks
// revision 4 of the protocol, and 3 where that is allowed. It knows nothing of
// Socket.IO.
//
// Reading order: server.go (requests), sessions.go, takeover.go, conn.go (the
// life of a connection), transport_polling.go, transport_ws.go, upgrade.go,
// heartbeat.go, deadlines.go, deflate.go, compression.go, stream.go and
// framing_wt.go (WebTransport), then the data: message.go, sendqueue.go,
// overflow.go, packet.go, payload_v3.go (what revision 3 has of its own), and the
// edges: options.go, middleware.go, origin.go, handshake.go, sessionid.go,
// cookie.go, observer.go, errors.go.
//
// # Concurrency
//
// Every method may be called from any goroutine and none waits for a peer.
// Lock order: Conn.readMu, Conn.mu, then those of package wheel. No lock is held
// while a Handler is called, except Conn.readMu around HandleMessage, which
// serializes it.
package engineio
