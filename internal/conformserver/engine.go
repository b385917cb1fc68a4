// SPDX-License-Identifier: MIT

// This file holds the bare Engine.IO server at /engine.io/, which sends every
// message back.

package conformserver

import (
	"socketio"
	"socketio/engineio"
)

// newEngine returns an Engine.IO server with the settings of opts.
func newEngine(opts *socketio.Options, forward engineio.Forwarder) *engineio.Server {
	return engineio.NewServer(&engineio.Options{
		PingInterval: opts.PingInterval,
		PingTimeout:  opts.PingTimeout,
		MaxPayload:   opts.MaxPayload,
		AllowEIO3:    opts.AllowEIO3,
		CORS:         opts.CORS,
		BodyTimeout:  opts.Engine.BodyTimeout,
		Driver:       opts.Engine.Driver,
		Forward:      forward,

		PerMessageDeflate: opts.Engine.PerMessageDeflate,
	}, func(c *engineio.Conn) engineio.Handler { return echoHandler{c} })
}

// echoHandler echoes messages.
type echoHandler struct{ conn *engineio.Conn }

// HandleMessage returns the message to its sender. A connection that is closed
// or too slow has no use for it, so the error of Send is dropped.
func (h echoHandler) HandleMessage(binary bool, data []byte) {
	if binary {
		_ = h.conn.Send(engineio.BinaryMessage(data))
		return
	}
	_ = h.conn.Send(engineio.TextMessage(string(data)))
}

func (echoHandler) HandleReadEnd()                          {}
func (echoHandler) HandleClose(engineio.CloseReason, error) {}
func (echoHandler) HandleTimer()                            {}
func (echoHandler) HandleUpgrade()                          {}
