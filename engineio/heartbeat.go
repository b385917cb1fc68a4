// SPDX-License-Identifier: MIT

// This file holds the heartbeat, as a state machine that knows no connection. In
// revision 4 the server pings and the client answers; in revision 3 it is the other way
// round.

package engineio

import (
	"errors"
	"sync/atomic"
)

var (
	errHeartbeatDirection = errors.New("engineio: ping or pong from the wrong side for this protocol revision")
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
// suspended: pings continue, and it restarts on resuming.
//
// The side that awaits pings (a client, or the server of revision 3) stays idle and has
// one deadline, PingInterval + PingTimeout after the open packet or the last ping. It too
// is suspended by a pause.
type heartbeat struct {
	deadline int64 // of the pong, also set while paused; of the ping on the side that awaits it
	pingedAt int64
	awaits   bool        // pings come from the peer
	extended bool        // this ping's deadline was extended
	waiting  atomic.Bool // also read without the lock
}

// A beat is the action when a heartbeat is due.
type beat uint8

const (
	beatNone   beat = iota
	beatPing        // send a ping
	beatLapsed      // close the connection
)

// start begins the first interval. Like the methods below it returns when the heartbeat
// is due.
func (b *heartbeat) start(now int64, l *limits) (next int64) {
	if b.awaits {
		return b.pinged(now, l)
	}
	return now + int64(l.pingInterval)
}

// pinged starts the wait for the next ping of the peer.
func (b *heartbeat) pinged(now int64, l *limits) (next int64) {
	b.deadline = now + int64(l.pingInterval+l.pingTimeout)
	return b.deadline
}

// ponged ends the wait, or restarts the interval if there was none.
func (b *heartbeat) ponged(now int64, l *limits) (next int64) {
	b.waiting.Store(false)
	return now + int64(l.pingInterval)
}

// heard extends the deadline, once per ping, when any packet arrives while a pong is
// awaited: the peer is alive, and its pong is queued behind other data.
func (b *heartbeat) heard(now int64, l *limits) {
	if b.waiting.Load() && !b.extended {
		b.extended = true
		b.deadline = now + int64(l.pingTimeout)
	}
}

// resumed restarts the deadline after a pause. next is 0 without a deadline.
func (b *heartbeat) resumed(now int64, l *limits) (next int64) {
	switch {
	case b.awaits:
		return b.pinged(now, l)
	case b.waiting.Load():
		b.deadline = now + int64(l.pingTimeout)
		return b.deadline
	}
	return 0
}

// due acts when the interval or the deadline has passed. at is when it was due:
// a pong's deadline counts from there if the ping is at most one tick late.
func (b *heartbeat) due(now, at, tick int64, paused bool, l *limits) (do beat, next int64) {
	switch {
	case b.awaits && paused:
		return beatNone, 0
	case b.awaits, b.waiting.Load() && !paused:
		if now < b.deadline {
			return beatNone, b.deadline
		}
		return beatLapsed, 0
	case b.waiting.Load():
		next := b.pingedAt + int64(l.pingInterval)
		if now < next {
			return beatNone, next
		}
		at = now
	}
	if now-at > tick {
		at = now
	}
	b.waiting.Store(true)
	b.extended = false
	b.pingedAt = now
	b.deadline = at + int64(l.pingTimeout)
	return beatPing, b.deadline
}
