// SPDX-License-Identifier: MIT

// The package comment.

// Package wstest holds a WebSocket client for tests. It blocks, has no goroutine of its
// own, can send any bytes, and does not judge the server.
//
// Reading order: dial.go (the handshake), client.go (frames and messages), deflate.go
// (compressed messages).
package wstest
