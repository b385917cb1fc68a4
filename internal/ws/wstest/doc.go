// SPDX-License-Identifier: MIT

// The package comment.

// Package wstest holds a WebSocket client for tests: blocking, without a
// goroutine of its own, able to send any bytes at all, and with no opinion on
// what a server should do.
//
// Reading order: dial.go for the handshake, client.go for what follows,
// deflate.go for compressed messages.
package wstest
