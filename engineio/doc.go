// SPDX-License-Identifier: MIT

// Package engineio is an Engine.IO server and client: it opens connections over
// HTTP long-polling, WebSocket and WebTransport, moves them from the first to one
// of the others, watches that both ends are alive, and carries messages. It speaks
// revision 4 of the protocol, and 3 where that is allowed. It knows nothing of
// Socket.IO.
//
// Reading order: what connections are made of comes first: message.go, sendqueue.go,
// budget.go, packet.go, payload_v3.go (the framing of revision 3), framing_wt.go,
// deflate.go, heartbeat.go, deadlines.go, transport.go, services.go. Then a connection:
// conn.go (its life), conn_read.go, conn_send.go, conn_end.go, conn_timer.go,
// conn_log.go, transport_ws.go, inflate.go, transport_polling.go, parkedget.go,
// upgrade.go. Then the server above it: server.go (requests), sessions.go, relieve.go,
// polling_http.go, host.go, takeover.go, tunnel.go, stream.go (WebTransport),
// compression.go, and the edges: options.go, middleware.go, origin.go, proxies.go,
// passed.go, passedon.go, handshake.go, sessionid.go, session_auth.go, cookie.go,
// mute.go, memory.go, observer.go, packetlog.go, errors.go, refusals.go, request.go. The
// client's end stands beside the server: dialer.go, dial_request.go, dial_websocket.go, dial_polling.go.
//
// # Concurrency
//
// Every method may be called from any goroutine and none waits for a peer.
// Lock order: Conn.readMu, Conn.mu, then those of package wheel. No lock is held
// while a Handler is called, except Conn.readMu around HandleMessage, which
// serializes it where two transports may read.
package engineio
