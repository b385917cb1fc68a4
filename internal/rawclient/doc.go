// SPDX-License-Identifier: MIT

// The package comment.

// Package rawclient is the client of the tests: it opens Engine.IO sessions over polling,
// WebSocket and streams, in revisions 3 and 4, and sends and receives packets as they are.
// It has no goroutine of its own, does not answer pings, does not retry, and does not
// judge the server. The test kit, the helpers of the tests and the load driver of the
// benchmarks add what they need: goroutines, expectations, Socket.IO.
//
// Reading order: server.go, session.go, wire.go, stream.go, http.go, line.go. WebSockets
// are those of internal/ws/wstest.
package rawclient
