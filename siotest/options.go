// SPDX-License-Identifier: MIT

// This file holds the options of servers and clients, and TB.

package siotest

import (
	"net/http"
	"net/url"
	"time"

	"socketio/parser"
)

// A TB is the part of testing.TB that this package uses. *testing.T implements it, and so
// may other types. Fatalf must end the calling goroutine.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
}

// A Transport is the way in which a client connects to the server.
type Transport string

const (
	// WebSocket is WebSocket from the start.
	WebSocket Transport = "websocket"
	// Polling is HTTP long-polling, and stays there.
	Polling Transport = "polling"
	// Upgrade begins on polling, joins, and moves to WebSocket, as browsers do.
	Upgrade Transport = "upgrade"
)

// Transports returns all three, for a test that runs over each.
func Transports() []Transport { return []Transport{WebSocket, Polling, Upgrade} }

// ServerOptions configure a Server. The zero value means the defaults. NewServerWith
// panics if a duration is below one millisecond, which indicates a missing unit: write
// 50*time.Millisecond, not 50.
type ServerOptions struct {
	// TCP serves on a port of 127.0.0.1 instead of in memory. It does not work in a
	// bubble.
	TCP bool
	// Path is where the Socket.IO server is mounted. If empty, /socket.io/.
	Path string
	// Patience is how long the kit waits for an expected event. If zero, 10 s, or 5
	// minutes of virtual time in a bubble.
	Patience time.Duration
	// Quiet is how long WantNothing waits outside a bubble. If zero, 50 ms.
	Quiet time.Duration
	// Buffer is the number of bytes that a connection in memory holds in each direction
	// before a writer must wait. If zero, 64 KiB.
	Buffer int
	// Codec is the packet format of the clients, as in socketio.Options. If nil,
	// the default format.
	Codec parser.Codec
	// Close is called when the test ends, before the HTTP server is closed: use the Close
	// of the *socketio.Server if the handler wraps it. If nil, the handler's method
	// Close, if any, is called.
	Close func() error
}

// ClientOptions configure a client. The zero value, and nil, mean the defaults.
type ClientOptions struct {
	// Name is the client's name in messages. If empty, "client 1" and so on.
	Name string
	// Namespace is joined first. If empty, "/".
	Namespace string
	// Auth is sent when joining, as the auth of the JavaScript client. It must encode
	// to a JSON object, as a map with string keys and a struct do. If nil, nothing is
	// sent.
	Auth any
	// Transport is the way to the server. If empty, WebSocket.
	Transport Transport
	// Header is sent with every request. A Host in it replaces the host's name.
	Header http.Header
	// Query is added to the URL of every request.
	Query url.Values
	// Link is a network to share with other clients, or one that is faulty before
	// the first byte. If nil, the connection has its own. See NewLink.
	Link *Link
	// Mute leaves the server's pings unanswered; see Conn.Mute.
	Mute bool
}
