// SPDX-License-Identifier: MIT

// Package engineio is an Engine.IO server and client: it opens connections over HTTP
// long-polling, WebSocket and WebTransport, upgrades them from long-polling to another
// transport, checks that both ends are alive, and carries messages. It implements
// revision 4 of the protocol, and optionally 3. It does not depend on Socket.IO.
//
// Reading order: what connections are made of comes first: limits.go, message.go, draft.go, backlog.go,
// sendqueue.go, sendqueue_full.go, budget.go, packet.go, payload_v3.go (the framing of revision 3), framing_wt.go,
// deflate.go, heartbeat.go, deadlines.go, flags.go, transport.go, errors.go, handshake.go, opening.go,
// observer.go, packetlog.go, services.go. Then a connection: conn.go (its life),
// conn_read.go, conn_send.go, conn_end.go, conn_slow.go, conn_timer.go, conn_packetlog.go, transport_ws.go,
// inflate.go, transport_polling.go, parkedget.go, upgrade.go. Then the mechanisms of the
// server. Of a request: proxies.go, request.go, refusals.go, cors.go, origin.go,
// middleware.go, host.go, headers.go, compression.go. Of sessions: sessionid.go, cookie.go,
// origin_passed.go, strays.go, mutes.go, sessions.go (the table), relieve.go, memory.go, reserve.go,
// session_auth.go, foreign.go, origin_gate.go, polling_http.go. None of them knows the
// Server above: options.go, server.go (requests), takeover.go (WebSockets), tunnel.go,
// stream.go (WebTransport), shutdown.go. The client's end stands beside the server:
// dialer.go, dial_request.go, dial_websocket.go, dial_polling.go.
//
// # Concurrency
//
// Every method may be called from any goroutine and none waits for a peer.
// Lock order: polling.readMu, Conn.mu, then those of package wheel; sessions.mu, passing.mu. No lock is held
// while a Handler is called, except polling.readMu around HandleMessage, which
// serializes it where two transports may read.
package engineio
