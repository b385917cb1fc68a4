// SPDX-License-Identifier: MIT

// This file holds the heartbeat. In revision 4 the server pings and the client
// answers; in revision 3 it is the other way round.

package engineio

import (
	"errors"
	"sync/atomic"
)

var (
	errHeartbeatDirection = errors.New("engineio: a ping or pong of the side that does not send it in this protocol revision")
	errNoPong             = errors.New("engineio: no pong in time")
	errNoPing             = errors.New("engineio: no ping in time")
)

// A heartbeat is the ping and pong state of a Conn, guarded by Conn.mu.
//
//	idle ──PingInterval after open or pong──► waiting (ping sent)
//	waiting ──pong──► idle
//	waiting ──PingTimeout──► lapsed: the connection closes
//
// While the connection is paused its pongs are not read, so the deadline is
// suspended: pings go on, and it starts afresh on resuming.
//
// Revision 3 stays idle and has one deadline, PingInterval + PingTimeout after
// the open packet or the last ping. It too is suspended by a pause.
type heartbeat struct {
	deadline int64 // of the pong, also set while paused; of the ping in revision 3
	pingedAt int64
	extended bool        // this ping's deadline was extended
	waiting  atomic.Bool // also read without the lock
}

// handleBeat consumes a ping or a pong. It reports whether the connection goes on.
func (c *Conn) handleBeat(t packetType) bool {
	clientPings := c.handshake.Revision == 3
	if clientPings != (t == packetPing) {
		c.finish(ReasonTransportError, errHeartbeatDirection, ending{code: closeProtocol})
		return false
	}
	c.mu.Lock()
	if !clientPings {
		c.beat.pong(c)
		c.mu.Unlock()
		return true
	}
	c.beat.awaitPing(c)
	c.mu.Unlock()
	return c.Send(c.srv.pongMessage) == nil
}

// start begins the first interval.
func (b *heartbeat) start(c *Conn) {
	if c.handshake.Revision == 3 {
		b.awaitPing(c)
		return
	}
	c.setDueLocked(dueBeat, c.srv.now()+int64(c.srv.cfg.PingInterval))
}

// awaitPing sets the deadline of revision 3.
func (b *heartbeat) awaitPing(c *Conn) {
	if c.state == stateOpen {
		b.deadline = c.srv.now() + int64(c.srv.cfg.PingInterval+c.srv.cfg.PingTimeout)
		c.setDueLocked(dueBeat, b.deadline)
	}
}

// pong ends the wait, or restarts the interval if there was none.
func (b *heartbeat) pong(c *Conn) {
	if c.state != stateOpen {
		return
	}
	b.waiting.Store(false)
	c.setDueLocked(dueBeat, c.srv.now()+int64(c.srv.cfg.PingInterval))
}

// heard extends the deadline, once per ping, when anything comes while a pong is
// awaited: the peer is alive, its pong stands behind other data.
func (b *heartbeat) heard(c *Conn) {
	if !b.waiting.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.waiting.Load() && !b.extended {
		b.extended = true
		b.deadline = c.srv.now() + int64(c.srv.cfg.PingTimeout)
	}
}

// resumed starts the deadline afresh after a pause.
func (b *heartbeat) resumed(c *Conn) {
	if c.handshake.Revision == 3 {
		b.awaitPing(c)
		return
	}
	if c.state == stateOpen && b.waiting.Load() {
		b.deadline = c.srv.now() + int64(c.srv.cfg.PingTimeout)
		c.setDueLocked(dueBeat, b.deadline)
	}
}

// due acts when the interval or the deadline has passed. at is when it was due:
// a pong's deadline counts from there if the ping is at most one tick late.
func (b *heartbeat) due(c *Conn, now, at int64) func() {
	cfg := &c.srv.cfg
	if c.handshake.Revision == 3 {
		return b.pingDue(c, now)
	}
	if !b.waiting.Load() {
		return b.ping(c, now, at)
	}
	if c.pausedAt != 0 {
		if now-b.pingedAt >= int64(cfg.PingInterval) {
			return b.ping(c, now, now)
		}
		c.setDueLocked(dueBeat, b.pingedAt+int64(cfg.PingInterval))
		return nil
	}
	if now < b.deadline {
		c.setDueLocked(dueBeat, b.deadline)
		return nil
	}
	return func() { c.finish(ReasonPingTimeout, errNoPong, ending{code: closeGoingAway, text: "ping timeout"}) }
}

// pingDue is due of revision 3.
func (b *heartbeat) pingDue(c *Conn, now int64) func() {
	switch {
	case c.pausedAt != 0:
		return nil
	case now < b.deadline:
		c.setDueLocked(dueBeat, b.deadline)
		return nil
	}
	return func() { c.finish(ReasonPingTimeout, errNoPing, ending{code: closeGoingAway, text: "ping timeout"}) }
}

// ping sends a ping. The returned function flushes it.
func (b *heartbeat) ping(c *Conn, now, at int64) func() {
	if now-at > int64(c.srv.cfg.tick()) {
		at = now
	}
	b.waiting.Store(true)
	b.extended = false
	b.pingedAt = now
	b.deadline = at + int64(c.srv.cfg.PingTimeout)
	c.setDueLocked(dueBeat, b.deadline)
	c.queueLocked().append(c.srv.pingMessage)
	t := c.ws
	if t == nil {
		c.poll.wake()
	}
	flush := t != nil && t.q.takeWriting()
	return func() {
		c.logOut(c.srv.pingMessage)
		if flush {
			t.nc.Flush()
		}
	}
}
