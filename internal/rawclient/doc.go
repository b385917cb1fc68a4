// SPDX-License-Identifier: MIT

// The package comment.

// Package rawclient holds what all clients of the tests share of Engine.IO: the open
// packet, the payloads of polling, and requests whose whole response is read. It does not
// retry, and it does not judge the server. Its WebSockets are those of
// internal/ws/wstest.
//
// Reading order: wire.go, http.go.
package rawclient
