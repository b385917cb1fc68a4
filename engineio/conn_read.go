// SPDX-License-Identifier: MIT

// This file handles the packets that a Conn receives.

package engineio

import "io"

// handUp handles one packet of a POST under polling.readMu. It reports whether the connection
// stays open.
func (c *Conn) handUp(p packet) bool {
	c.poll.readMu.Lock()
	defer c.poll.readMu.Unlock() // a panic costs one connection, which must still end
	return c.handlePacket(p)
}

// handlePacket handles one packet from either transport. It reports whether the connection
// stays open. Packets arrive one at a time: see polling.readMu.
func (c *Conn) handlePacket(p packet) bool {
	c.logIn(p)
	if c.flags.has(hasEnded) {
		return false
	}
	if c.beat.waiting.Load() {
		c.mu.Lock()
		c.beat.heard(c.svc.now(), limitsOf(c))
		c.mu.Unlock()
	}
	switch p.typ {
	case packetMessage:
		c.svc.obs.received(c, len(p.data))
		if len(p.data) >= largeMessage {
			c.svc.reserve.use()
		}
		c.own = p.own
		c.handler.HandleMessage(p.binary, p.data)
		return true
	case packetPing, packetPong:
		return handleBeat(c, p.typ)
	case packetClose:
		c.finish(ReasonTransportClose, io.EOF, ending{flush: true, code: closeNormal, reply: packetNoop})
	case packetNoop, packetOpen, packetUpgrade: // no client sends them here; upstream ignores them
		return true
	default:
		c.finish(ReasonParseError, errUnknownPacket, ending{code: closeProtocol})
	}
	return false
}

// TakeMessage reports whether the data of a message belongs to the Handler from now on: it
// need not be copied. Only HandleMessage may call it, for its own message. Small messages are
// never given away.
func (c *Conn) TakeMessage() bool { return c.own }

// handleBeat handles a ping or a pong. It reports whether the connection stays open.
func handleBeat(c *Conn, t packetType) bool {
	if c.beat.awaits != (t == packetPing) {
		c.finish(ReasonTransportError, errHeartbeatDirection, ending{code: closeProtocol})
		return false
	}
	c.mu.Lock()
	if c.state == stateOpen {
		if now := c.svc.now(); c.beat.awaits {
			c.setDueLocked(dueBeat, c.beat.pinged(now, limitsOf(c)))
		} else {
			c.setDueLocked(dueBeat, c.beat.ponged(now, limitsOf(c)))
		}
	}
	c.mu.Unlock()
	return !c.beat.awaits || c.Send(c.svc.pongMessage) == nil
}

// readEnd calls HandleReadEnd: no more messages are available for now.
func (c *Conn) readEnd() {
	if p := c.poll; p != nil {
		p.readMu.Lock()
		defer p.readMu.Unlock()
	}
	c.handler.HandleReadEnd()
}
