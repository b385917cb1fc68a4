// SPDX-License-Identifier: MIT

// This file holds the interfaces of observers, and where they are called.

package engineio

import (
	"fmt"
	"log/slog"

	"socketio/internal/telemetry"
)

// A ConnInfo is a connection as an observer sees it.
type ConnInfo struct {
	// Number identifies the connection on its Server: later connections have higher
	// numbers. It is used in place of the session id, which is a secret and never shown.
	Number uint64
	// Transport is the current one.
	Transport string
	// Handshake holds the request that opened the connection. It has all headers,
	// including cookies, so do not log it as a whole.
	Handshake *Handshake
}

// A ConnObserver is notified of each connection: ConnOpened is called first, and ConnClosed
// once. ConnOpened is called on the goroutine of an HTTP request, ConnClosed on the goroutine
// that ends the connection, which may be an event loop: neither may block.
type ConnObserver interface {
	ConnOpened(c ConnInfo)
	// ConnClosed: reason and err are those of Handler.HandleClose.
	ConnClosed(c ConnInfo, reason CloseReason, err error)
}

// An UpgradeObserver is notified when messages of a connection begin to travel over
// WebSocket or WebTransport instead of polling: at most once for each connection, after
// ConnOpened, and possibly shortly after ConnClosed. It may be called on an event loop and
// must not block.
type UpgradeObserver interface {
	ConnUpgraded(c ConnInfo)
}

// A RefusalObserver is notified of each request that is rejected; see
// Server.OnConnectionError for which count. It is called on the goroutine of the request,
// after the response has been written, and must not change e.
type RefusalObserver interface {
	RequestRefused(e *ConnectionError)
}

// A Traffic is one message on a connection: a text or bytes, or, if it is sent, a text with
// its attachments.
type Traffic struct {
	Conn      uint64 // ConnInfo.Number
	Transport string
	Messages  int // texts and attachments
	Bytes     int // of their contents, before compression and without any framing
}

// A TrafficObserver is notified of each message that arrives or is sent. Heartbeats, the
// handshake and the initial packet do not count. Its methods are called for every message
// from and to every client, on event loops, and some with a lock held: they must not block,
// nor call functions of this module.
type TrafficObserver interface {
	TrafficIn(t Traffic)
	// TrafficOut is called when a message enters the send queue. It counts messages that
	// the queue drops later.
	TrafficOut(t Traffic)
}

// A DropReason is the reason why a message was dropped while its connection continues.
type DropReason string

const (
	// DropVolatile: it was volatile and could not be sent at once.
	DropVolatile DropReason = "volatile"
	// DropOverflow: the queue was full and Message.Overflow allowed it, or a later message
	// with the same key replaced it; see Message.Conflate.
	DropOverflow DropReason = "overflow"
)

// A DropObserver is notified of messages that were dropped by their policy. Messages that
// are lost because a connection closes do not count: a client too slow for messages that
// may not be dropped is reported by ConnClosed with ErrSlowConsumer. It is called on the
// goroutine that sends and must not block.
type DropObserver interface {
	MessagesDropped(c ConnInfo, n int, why DropReason)
}

// observers are those of Options.Observers, by what they implement.
type observers struct {
	conns    telemetry.List[ConnObserver]
	upgrades telemetry.List[UpgradeObserver]
	refusals telemetry.List[RefusalObserver]
	traffic  telemetry.List[TrafficObserver]
	drops    telemetry.List[DropObserver]
}

func newObservers(log *slog.Logger, all []any) observers {
	for _, v := range all {
		switch v.(type) {
		case ConnObserver, UpgradeObserver, RefusalObserver, TrafficObserver, DropObserver:
		default:
			panic(fmt.Sprintf("engineio: Options.Observers: %T implements none of "+
				"ConnObserver, UpgradeObserver, RefusalObserver, TrafficObserver, DropObserver", v))
		}
	}
	return observers{
		conns:    telemetry.Pick[ConnObserver](log, all),
		upgrades: telemetry.Pick[UpgradeObserver](log, all),
		refusals: telemetry.Pick[RefusalObserver](log, all),
		traffic:  telemetry.Pick[TrafficObserver](log, all),
		drops:    telemetry.Pick[DropObserver](log, all),
	}
}

// A subject is a connection as observers are notified of it: a Conn.
type subject interface {
	info() ConnInfo // with a new Handshake
	Number() uint64
	Transport() string
}

func (l *observers) opened(c subject) {
	if l.conns.Any() {
		info := c.info()
		l.conns.Each(func(o ConnObserver) { o.ConnOpened(info) })
	}
}

func (l *observers) upgraded(c subject) {
	if l.upgrades.Any() {
		info := c.info()
		l.upgrades.Each(func(o UpgradeObserver) { o.ConnUpgraded(info) })
	}
}

// closed is called once for each connection that opened was called for.
func (l *observers) closed(c subject, reason CloseReason, err error) {
	if l.conns.Any() {
		info := c.info()
		l.conns.Each(func(o ConnObserver) { o.ConnClosed(info, reason, err) })
	}
}

// received reports a message that came in.
func (l *observers) received(c subject, size int) {
	if l.traffic.Any() {
		t := Traffic{Conn: c.Number(), Transport: c.Transport(), Messages: 1, Bytes: size}
		l.traffic.Each(func(o TrafficObserver) { o.TrafficIn(t) })
	}
}

// queued reports a message that was put in the queue.
func (l *observers) queued(number uint64, transport string, m *Message) {
	if l.traffic.Any() {
		t := Traffic{Conn: number, Transport: transport, Messages: m.parts(), Bytes: m.contents()}
		l.traffic.Each(func(o TrafficObserver) { o.TrafficOut(t) })
	}
}

func (l *observers) dropped(c subject, n int, why DropReason) {
	if n > 0 && l.drops.Any() {
		info := c.info()
		l.drops.Each(func(o DropObserver) { o.MessagesDropped(info, n, why) })
	}
}
