// SPDX-License-Identifier: MIT

// This file holds what an application sees of the connection below a socket.

package socketio

import "socketio/engineio"

// A ConnView is the Engine.IO connection below a socket, as its application sees it. What
// would disturb the server, such as timers, pausing and raw messages, is not among its
// methods. Views of one connection are equal. All methods may be called from any goroutine.
type ConnView struct{ eio *engineio.Conn }

// Conn returns the connection that carries the socket, with the other namespaces of its
// client.
func (s *Socket) Conn() ConnView { return ConnView{s.conn.eio} }

// Number returns the number of the connection on its server, as logs and observers have
// it; see [ConnInfo].
func (c ConnView) Number() uint64 { return c.eio.Number() }

// ID returns the session id. It is a secret between the server and the client: anyone
// holding it can act as the client.
func (c ConnView) ID() string { return c.eio.ID() }

// Transport returns the transport that carries messages now: "polling", "websocket" or
// "webtransport".
func (c ConnView) Transport() string { return c.eio.Transport() }

// Handshake returns what is kept of the request that opened the connection. Each call
// decodes it again; the caller owns the result.
func (c ConnView) Handshake() *engineio.Handshake { return c.eio.Handshake() }

// Buffered returns how many messages and bytes wait to be sent, of all namespaces.
func (c ConnView) Buffered() (messages, bytes int) { return c.eio.Buffered() }

// Dropped returns how many messages were dropped because they were volatile or their
// Overflow allowed it.
func (c ConnView) Dropped() int { return c.eio.Dropped() }

// Closed reports whether the connection has ended or is about to end.
func (c ConnView) Closed() bool { return c.eio.Closed() }

// LogPackets starts or stops logging the packets of the connection, as
// Options.Engine.LogPackets does from the beginning.
func (c ConnView) LogPackets(on bool) { c.eio.LogPackets(on) }

// Close closes the connection after what was sent before, or without it if that takes too
// long. A JavaScript client takes it for a lost connection and reconnects; after
// Socket.CloseConn it does not.
func (c ConnView) Close() { c.eio.Close() }
