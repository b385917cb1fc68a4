// SPDX-License-Identifier: MIT

// This file holds what a Conn does with the packets that arrive.

package engineio

import "io"

// handUp consumes one packet of a POST, alone. It reports whether the connection goes on.
func (c *Conn) handUp(p packet) bool {
	c.readMu.Lock()
	defer c.readMu.Unlock() // a panic costs one connection, which must still end
	return c.handlePacket(p)
}

// handlePacket consumes one packet from either transport. It reports whether the
// connection goes on. Packets come one at a time: see readMu.
func (c *Conn) handlePacket(p packet) bool {
	c.logIn(p)
	if c.ended.Load() {
		return false
	}
	if c.beat.waiting.Load() {
		c.mu.Lock()
		c.beat.heard(c.svc.now(), c.limits)
		c.mu.Unlock()
	}
	switch p.typ {
	case packetMessage:
		c.svc.obs.received(c, len(p.data))
		c.handler.HandleMessage(p.binary, p.data)
		return true
	case packetPing, packetPong:
		return c.handleBeat(p.typ)
	case packetClose:
		c.finish(ReasonTransportClose, io.EOF, ending{flush: true, code: closeNormal, reply: packetNoop})
	case packetNoop, packetOpen, packetUpgrade: // no client sends them here; upstream ignores them
		return true
	default:
		c.finish(ReasonParseError, errUnknownPacket, ending{code: closeProtocol})
	}
	return false
}

// handleBeat consumes a ping or a pong. It reports whether the connection goes on.
func (c *Conn) handleBeat(t packetType) bool {
	if c.beat.awaits != (t == packetPing) {
		c.finish(ReasonTransportError, errHeartbeatDirection, ending{code: closeProtocol})
		return false
	}
	c.mu.Lock()
	if c.state == stateOpen {
		if now := c.svc.now(); c.beat.awaits {
			c.setDueLocked(dueBeat, c.beat.pinged(now, c.limits))
		} else {
			c.setDueLocked(dueBeat, c.beat.ponged(now, c.limits))
		}
	}
	c.mu.Unlock()
	return !c.beat.awaits || c.Send(c.svc.pongMessage) == nil
}

// readEnd tells the Handler that no more messages come for now.
func (c *Conn) readEnd() {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	c.handler.HandleReadEnd()
}
