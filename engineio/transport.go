// SPDX-License-Identifier: MIT

// This file holds the names of transports and drivers.

package engineio

// Transport names, as in the query of a request.
const (
	Polling      = "polling"
	WebSocket    = "websocket"
	WebTransport = "webtransport"
)

// MaxInlineUTF8 is the length up to which the server checks that a text is valid
// UTF-8, in bytes; see Handler.
const MaxInlineUTF8 = 64 << 10

// A Driver determines how WebSocket connections wait for the network.
type Driver string

const (
	// DriverAuto is DriverPoll where that works, else DriverGoroutine.
	DriverAuto Driver = ""
	// DriverPoll uses event loops over epoll: Linux, plain TCP. Connections over TLS,
	// and those that a listener has wrapped, use DriverGoroutine.
	DriverPoll Driver = "poll"
	// DriverGoroutine uses a goroutine and a read buffer per connection.
	DriverGoroutine Driver = "goroutine"
)
