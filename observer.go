// SPDX-License-Identifier: MIT

// This file holds the interfaces of observers: for metrics, traces, an admin page.
// observer_notify.go calls them.

package socketio

import (
	"context"
	"time"

	"socketio/adapter"
	"socketio/engineio"
)

// Observers of connections; see package engineio.
type (
	ConnInfo        = engineio.ConnInfo
	ConnObserver    = engineio.ConnObserver
	UpgradeObserver = engineio.UpgradeObserver
	RefusalObserver = engineio.RefusalObserver
	Traffic         = engineio.Traffic
	TrafficObserver = engineio.TrafficObserver
	DropReason      = engineio.DropReason
	DropObserver    = engineio.DropObserver
)

// A SocketInfo is a socket as an observer sees it.
type SocketInfo struct {
	// ID is Socket.ID. For clients of Socket.IO 1 and 2, whose id is their secret session
	// id or ends with it, it is "conn-" and the number of the connection instead.
	ID string
	// Namespace is its name, or "" in SocketRefused if there is no such namespace. It is
	// the name of an existing namespace, so it may be a label of a metric, unless the
	// application creates namespaces for any name.
	Namespace string
	// Conn is the ConnInfo.Number of its connection.
	Conn uint64
	// Socket is the socket itself, for its rooms, data and handshake, or for its events,
	// by OnAny. It is nil in SocketRefused if there was none. An observer that keeps it
	// keeps its memory alive.
	Socket *Socket
}

// A SocketObserver is notified of sockets. For each socket that joins, SocketJoined is
// called first and SocketLeft once, on the goroutine of the socket's handlers: a slow
// observer delays only this socket.
type SocketObserver interface {
	// SocketJoined is called before the connection handlers, so handlers that it
	// registers with the socket miss nothing.
	SocketJoined(s SocketInfo)
	// SocketRefused: a middleware rejected the socket or took too long, or the client
	// asked for a namespace that does not exist, or for too many. It may be called by an
	// event loop and must not block. For a client that disconnects meanwhile, neither
	// SocketJoined nor SocketRefused is called.
	SocketRefused(s SocketInfo, err error)
	// SocketLeft is called when the socket has left its rooms, between the handlers of
	// OnDisconnecting and those of OnDisconnect. err is the error behind the reason and
	// may be nil.
	SocketLeft(s SocketInfo, reason DisconnectReason, err error)
}

// A RecoveryObserver is notified of clients that ask to continue the session of an earlier
// connection; see Options.Recovery. Each call comes after the client was answered and
// before SocketJoined, on the goroutine of the socket's handlers.
type RecoveryObserver interface {
	// SocketRecovered: the socket continues the session. missed is the number of events
	// that its client had missed.
	SocketRecovered(s SocketInfo, missed int)
	// SocketNotRecovered: the socket began a new session. The reasons are listed at
	// Recovery.
	SocketNotRecovered(s SocketInfo, reason string)
}

// A RoomObserver is notified of sockets in rooms. For each RoomJoined there is one
// RoomLeft, at the latest when the socket ends. The room named by a socket's own id does
// not count. The methods are called by the goroutine that changes the room, after the
// change and without locks: if two goroutines change the same room of the same socket at
// the same moment, their calls may come in the other order; Socket.Rooms has the result.
type RoomObserver interface {
	RoomJoined(s SocketInfo, room string)
	RoomLeft(s SocketInfo, room string)
}

// A ClusterObserver is notified when the connection of this server to the others of its
// cluster becomes degraded, and when it works again, in order and without locks. It must
// not block.
type ClusterObserver interface {
	ClusterChanged(h ClusterHealth)
}

// ClusterHealth is the state of the connection to the other servers of a cluster.
type ClusterHealth = adapter.Health

// A NamespaceObserver is notified of namespaces: those of Server.Of, including "/", and
// those that a ParentNamespace creates and removes. NamespaceRemoved is called on the
// goroutine that releases the last socket, which may be an event loop, and must not
// block.
type NamespaceObserver interface {
	NamespaceCreated(n NamespaceInfo)
	NamespaceRemoved(n NamespaceInfo)
}

// A NamespaceInfo is a namespace as an observer sees it.
type NamespaceInfo struct {
	Name string
}

// An EventInfo is an event as its observers see it.
type EventInfo struct {
	// Name is the name of the event, cut to 128 bytes if it is not Known.
	Name string
	// Known reports whether the event has a handler. Otherwise the client chose the name:
	// as a label of a metric it would let clients create any number of series.
	Known bool
	// WantsAck reports whether the client is waiting for an acknowledgement.
	WantsAck bool
}

// An OutInfo is an event that was sent.
type OutInfo struct {
	Namespace string
	Event     string
	// To is the socket it was sent to. It is zero for a broadcast.
	To SocketInfo
	// Recipients is the number of sockets of this server it was sent to: 1, or those that
	// a broadcast selected.
	Recipients int
	// Bytes is the size of one copy of it, as on a WebSocket without compression.
	Bytes int
}

// An EventObserver is notified of events. Each EventIn is followed by an EventHandled, or
// is counted in an EventsDropped. With handlers of Parallel, several goroutines may call
// EventHandled for one socket at once.
type EventObserver interface {
	// EventIn: an event of size bytes, including attachments, has arrived for a socket.
	// It is called on event loops and must not block. The name is not known yet.
	EventIn(s SocketInfo, size int)
	// EventHandled: the handlers have run, including middlewares and those of OnAny, or
	// there were none. err is the first error of a handler or of a middleware, a
	// *PanicError after a panic. It is called by the goroutine of the socket's handlers.
	EventHandled(s SocketInfo, e EventInfo, took time.Duration, err error)
	// EventsDropped: n events arrived, but the server disconnected the socket before
	// their turn. It is called by the goroutine that disconnected it, which may be an
	// event loop, and must not block.
	EventsDropped(s SocketInfo, n int)
}

// A RetryObserver is notified of events that clients have sent again, and that the server
// recognizes; see Namespace.Deduplicate.
type RetryObserver interface {
	// EventRepeated: the outcome is "answered" if the client was sent the reply to its
	// first attempt, "waits" if it will be when a handler has returned, or "handled" if
	// handlers run again because the first attempt was too long ago. It is called by the
	// goroutine of the socket's handlers.
	EventRepeated(s SocketInfo, e EventInfo, outcome string)
}

// A SendObserver is notified of each event that is sent, to one socket or to several, on
// the goroutine that emits. Events that are dropped later are included; see DropObserver.
// An emit that returns an error is not.
type SendObserver interface {
	EventOut(o OutInfo)
}

// An ErrorObserver receives the errors of Namespace.OnError, for all namespaces: errors
// and panics of the handlers of events, of connections and of disconnections. They are
// logged too. For handlers other than those of events, the name of the event is
// "connection", "disconnecting" or "disconnect". It is called by the goroutine of the
// socket's handlers.
type ErrorObserver interface {
	HandlerFailed(s SocketInfo, e *HandlerError)
}

// A TraceObserver is called around the handlers of each event, on their goroutine.
type TraceObserver interface {
	// HandlerStart is called before the middlewares and handlers. They get the context
	// that it returns, which is ctx or derived from ctx; nil stands for ctx.
	HandlerStart(ctx context.Context, s SocketInfo, e EventInfo) context.Context
	// HandlerEnd is called when they have run, with that context and the err of
	// EventHandled.
	HandlerEnd(ctx context.Context, s SocketInfo, e EventInfo, err error)
}

// An AckObserver is notified of the acknowledgements that EmitWithAck and Ask wait for.
// For each AckAsked there is one AckEnded. A broadcast with acknowledgements counts as
// one, without a socket, and without a namespace if it is one of a parent. Both are
// called by the goroutine that waits, with the context of the call: a span that ends now
// and began took ago has its parent there.
type AckObserver interface {
	AckAsked(ctx context.Context, s SocketInfo, event string)
	// AckEnded: err is nil if all clients have answered or the caller left the range
	// early; otherwise it is the error of EmitWithAck.
	AckEnded(ctx context.Context, s SocketInfo, event string, took time.Duration, err error)
}

// A PressureObserver is notified of connections that are not read for a while because
// their handlers are behind; see Options.Limits.MaxInboxPackets. For each ReadingPaused
// there is one ReadingResumed, at the latest at the end of the connection; the two of one
// pause may come in the other order. It is called on event loops and must not block.
type PressureObserver interface {
	ReadingPaused(c ConnInfo)
	ReadingResumed(c ConnInfo)
}
