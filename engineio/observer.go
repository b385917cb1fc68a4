// SPDX-License-Identifier: MIT

// This file holds the interfaces of those who watch a server, and where they are
// called.

package engineio

import (
	"context"
	"fmt"
	"log/slog"

	"socketio/internal/telemetry"
)

// A ConnInfo is a connection as an observer sees it.
type ConnInfo struct {
	// Number is that of the connection on its Server, given when it was asked for:
	// later ones are higher. It stands for the session id, which is a secret and
	// never shown.
	Number uint64
	// Transport is the one at this moment.
	Transport string
	// Handshake is what is kept of the request that opened the connection. It has
	// the headers, cookies too, so it is not for a log as a whole.
	Handshake *Handshake
}

// A ConnObserver hears of each connection. Per connection ConnOpened comes first,
// ConnClosed comes once, and ConnUpgraded at most once, perhaps a moment after
// ConnClosed. ConnOpened is called by the goroutine of an HTTP request, the others by
// whichever goroutine ends or upgrades the connection, event loops among them: none
// may block.
type ConnObserver interface {
	ConnOpened(c ConnInfo)
	// ConnUpgraded: messages travel over WebSocket or WebTransport instead of polling.
	ConnUpgraded(c ConnInfo)
	// ConnClosed: reason and err are those of Handler.HandleClose.
	ConnClosed(c ConnInfo, reason CloseReason, err error)
}

// A RefusalObserver hears of each request that is refused; see
// Server.OnConnectionError for what counts. It is called by the goroutine of the request, once the
// answer is written, and must not change e.
type RefusalObserver interface {
	RequestRefused(e *ConnectionError)
}

// A Traffic is a piece of what travels on a connection: one message, which is a text
// or bytes, or, on the way out, a text with its attachments.
type Traffic struct {
	Conn      uint64 // ConnInfo.Number
	Transport string
	Messages  int // texts and attachments
	Bytes     int // of their contents, before compression and without any framing
}

// A TrafficObserver counts what comes in and goes out. Heartbeats, the handshake and
// an initial packet do not count. Its methods are called for every message to and from every client, on
// event loops, and some of them with a lock held: they must not block, nor call
// anything of this module.
type TrafficObserver interface {
	TrafficIn(t Traffic)
	// TrafficOut is called when a message is put in the outbound queue. What the
	// queue drops afterwards was counted.
	TrafficOut(t Traffic)
}

// A DropReason says why a message was dropped while its connection goes on.
type DropReason string

const (
	// DropVolatile: it was volatile and the client could not take it at once.
	DropVolatile DropReason = "volatile"
	// DropOverflow: the queue was full and Message.Overflow allowed it, or a later
	// message with its key took its place; see Message.Conflate.
	DropOverflow DropReason = "overflow"
)

// A DropObserver hears of messages that were dropped by their policy. What is lost
// because a connection closes does not count: a client too slow for messages that
// may not be dropped is a ConnClosed with ErrSlowConsumer. It is called by the
// goroutine that sends and must not block.
type DropObserver interface {
	MessagesDropped(c ConnInfo, n int, why DropReason)
}

// observers are those of Options.Observers, by what they implement.
type observers struct {
	conns    telemetry.List[ConnObserver]
	refusals telemetry.List[RefusalObserver]
	traffic  telemetry.List[TrafficObserver]
	drops    telemetry.List[DropObserver]
}

func newObservers(log *slog.Logger, all []any) observers {
	for _, v := range all {
		switch v.(type) {
		case ConnObserver, RefusalObserver, TrafficObserver, DropObserver:
		default:
			panic(fmt.Sprintf("engineio: Options.Observers: %T implements none of "+
				"ConnObserver, RefusalObserver, TrafficObserver, DropObserver", v))
		}
	}
	return observers{
		conns:    telemetry.Pick[ConnObserver](log, all),
		refusals: telemetry.Pick[RefusalObserver](log, all),
		traffic:  telemetry.Pick[TrafficObserver](log, all),
		drops:    telemetry.Pick[DropObserver](log, all),
	}
}

// Number is that of the connection on its Server; see ConnInfo.
func (c *Conn) Number() uint64 { return c.number }

func (c *Conn) info() ConnInfo {
	return ConnInfo{Number: c.number, Transport: c.Transport(), Handshake: &c.handshake}
}

func (c *Conn) tellOpened() {
	if l := &c.srv.obs.conns; l.Any() {
		info := c.info()
		l.Each(func(o ConnObserver) { o.ConnOpened(info) })
	}
}

func (c *Conn) tellUpgraded() {
	if l := &c.srv.obs.conns; l.Any() {
		info := c.info()
		l.Each(func(o ConnObserver) { o.ConnUpgraded(info) })
	}
}

// tellClosed is called once for each connection that tellOpened was called for.
func (c *Conn) tellClosed(reason CloseReason, err error) {
	c.logClose(reason, err)
	if log := c.srv.cfg.Logger; log.Enabled(context.Background(), slog.LevelDebug) {
		log = log.With("conn", c.number, "transport", c.Transport(), "reason", string(reason))
		if err != nil {
			log = log.With("error", telemetry.Error(err))
		}
		log.Debug("connection closed")
	}
	if l := &c.srv.obs.conns; l.Any() {
		info := c.info()
		l.Each(func(o ConnObserver) { o.ConnClosed(info, reason, err) })
	}
}

// tellIn tells of a message that came in.
func (c *Conn) tellIn(size int) {
	if l := &c.srv.obs.traffic; l.Any() {
		t := Traffic{Conn: c.number, Transport: c.Transport(), Messages: 1, Bytes: size}
		l.Each(func(o TrafficObserver) { o.TrafficIn(t) })
	}
}

// tellOutLocked tells of a message that was put in the queue.
func (c *Conn) tellOutLocked(m *Message) {
	if l := &c.srv.obs.traffic; l.Any() {
		t := Traffic{Conn: c.number, Transport: c.transportLocked(), Messages: m.frames(), Bytes: m.contents()}
		l.Each(func(o TrafficObserver) { o.TrafficOut(t) })
	}
}

func (c *Conn) tellDropped(n int, why DropReason) {
	if l := &c.srv.obs.drops; n > 0 && l.Any() {
		info := c.info()
		l.Each(func(o DropObserver) { o.MessagesDropped(info, n, why) })
	}
}

// contents is the number of bytes of the message without framing and packet types.
func (m *Message) contents() int {
	n := 0
	for i := range m.frames() {
		f := m.frame(i)
		n += len(f.wire) - int(f.body)
		if !f.binary {
			n--
		}
	}
	return n
}
