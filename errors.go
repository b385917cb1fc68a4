// SPDX-License-Identifier: MIT

// This file holds the errors of the package and the reasons of disconnection.

package socketio

import (
	"errors"
	"fmt"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/call"
	"socketio/internal/format"
)

var (
	// ErrClosed: the socket is disconnected, or the server is closed. It is the error of
	// package engineio.
	ErrClosed = engineio.ErrClosed
	// ErrShutdown: the server was closed by Close or Shutdown. It is the cause with which
	// the contexts of sockets end then.
	ErrShutdown = engineio.ErrShutdown
	// ErrMoved: Server.Rebalance has closed the connection. It is the cause with which the
	// contexts of its sockets end.
	ErrMoved = engineio.ErrMoved
	// ErrMiddlewareTimeout: Options.Limits.MiddlewareTimeout is over. It is the cause with which
	// the context of a middleware ends then.
	ErrMiddlewareTimeout = errors.New("socketio: middleware timeout")
	// ErrSlowConsumer: the send queue of the client exceeded its bound. The connection is
	// closed.
	ErrSlowConsumer = engineio.ErrSlowConsumer
	// ErrTooLarge: the client sent a message or a request body over
	// Options.MaxPayload. The cause of Socket.Context wraps it, with the size in its text;
	// a warning is logged too. The client sees close code 1009 with the size, or 413.
	ErrTooLarge = engineio.ErrTooLarge
	// ErrQueueFull: an event with OverflowFail found no room in the client's queue.
	ErrQueueFull = engineio.ErrQueueFull
	// ErrDropped: returned by EmitWithAck when the event was dropped by Volatile or
	// Overflow. An Emit that is dropped returns no error.
	ErrDropped = errors.New("socketio: dropped, as Volatile or Overflow allows")
	// ErrNotStored: an event was sent, but Options.Recovery.Store could not store it. It
	// wraps the error of the store. Clients that miss the event are not recovered.
	ErrNotStored = errors.New("socketio: the event was sent but not stored for recovery")
	// ErrTooManyWaiting: an event was not sent, because too many wait for their positions
	// in the log of the cluster, which is slow or not reached; see Options.Recovery.
	ErrTooManyWaiting = errors.New("socketio: too many events wait for the log of the cluster")
	// ErrReservedEvent: connect, connect_error, disconnect, disconnecting,
	// newListener and removeListener can't be emitted.
	ErrReservedEvent = adapter.ErrReservedEvent
	// ErrTooManyAttachments: an event has more binary values than
	// Options.Limits.MaxAttachments. A client would close the connection over it.
	ErrTooManyAttachments = format.ErrTooManyAttachments
	// ErrInboxFull: handlers are so far behind that the connection is no longer read, so
	// an awaited acknowledgement can't arrive.
	ErrInboxFull = errors.New("socketio: inbox full")
	// ErrTooManyPendingAcks: Options.Limits.MaxPendingAcks acknowledgements are awaited
	// from this socket already.
	ErrTooManyPendingAcks = errors.New("socketio: too many pending acknowledgements")
	// ErrDegraded: a socket has joined rooms, but other servers may not know of it; see
	// Socket.Join.
	ErrDegraded = adapter.ErrDegraded
	// ErrTooManyRooms: the socket is in Options.Limits.MaxRooms rooms already.
	ErrTooManyRooms = errors.New("socketio: too many rooms")
	// ErrRoomName: a room name is longer than 512 bytes.
	ErrRoomName = adapter.ErrRoomName
	// ErrSocketRoom: a room has the id of another socket as its name, and
	// Options.Limits.ReserveSocketIDs is set.
	ErrSocketRoom = errors.New("socketio: room named by the id of another socket")
	// ErrRetry: a handler returns it, or an error that wraps it, to leave the
	// acknowledgement of its event open, so that a client with the option retries sends
	// the event again when its ackTimeout has passed. The error is reported like any
	// other. Return it only if the handler has had no effect that must not be repeated.
	// Without effect if another handler of the event acknowledges it.
	ErrRetry = errors.New("socketio: the client should send the event again")
	// ErrMissingArgument: an event came with fewer arguments than asked for.
	ErrMissingArgument = errors.New("socketio: missing argument")
)

// A ConnectError rejects a connection to a namespace. A middleware returns one to choose
// the arguments of the client's connect_error event: Message, and Data, any value that
// JSON can carry. Options.Handshake returns one to choose the text of the 403.
type ConnectError struct {
	Message string
	Data    any
}

// Error returns the message, for a log.
func (e *ConnectError) Error() string { return "socketio: connection rejected: " + e.Message }

// A PublicError is an error that the client may see. A handler returns one, or wraps
// one, to acknowledge with {"error":{"message":Message,"code":Code,"data":Data}}. Any
// other error is acknowledged as "internal error", and an argument that is missing or
// does not decode as "invalid argument 1", counted from 1, with the code
// "invalid_argument". A client with the option retries does not send the event again after
// such an acknowledgement. For a middleware of Namespace.Use, the client sees the text of
// any error: see ConnectError.
type PublicError struct {
	Message string // for people
	Code    string // for the client's program; may be empty
	Data    any    // anything that JSON can carry, without binary; left out if nil
}

// Error returns the message.
func (e *PublicError) Error() string {
	if e == nil {
		return "socketio: a nil *PublicError was returned as an error, and as such is not nil: return nil"
	}
	return e.Message
}

// A HandlerError is the error of a handler, as OnError receives it. It wraps the cause.
type HandlerError struct {
	// Event is the name of the event.
	Event string
	// ArgIndex is the index of the argument that did not decode, or -1.
	ArgIndex int
	// Err is the cause: an error of decoding or of the handler, or a *PanicError.
	Err error
}

// Error names the event, the argument, counted from 1 as in the log, and the cause.
func (e *HandlerError) Error() string {
	if e.ArgIndex >= 0 {
		return fmt.Sprintf("socketio: event %q: argument %d: %v", e.Event, e.ArgIndex+1, e.Err)
	}
	return fmt.Sprintf("socketio: event %q: %v", e.Event, e.Err)
}

// Unwrap returns Err.
func (e *HandlerError) Unwrap() error { return e.Err }

// A PanicError is a handler that panicked.
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // the goroutine's stack as text, from debug.Stack
}

// errGoexit is the error of a handler that ended its goroutine.
var errGoexit = errors.New("socketio: a handler ended its goroutine by runtime.Goexit, which FailNow and Fatal of a test call")

// queueError returns the error of this package for an event that the engine did not queue.
func queueError(err error) error {
	if errors.Is(err, engineio.ErrDropped) {
		return ErrDropped
	}
	return err
}

// guard calls a function of the application and turns a panic into a *PanicError.
func guard(fn func() error) (err error) {
	defer call.Barrier(&err, newPanicError)
	return fn()
}

// newPanicError makes a *PanicError, for call.Barrier.
func newPanicError(value any, stack []byte) error { return &PanicError{Value: value, Stack: stack} }

// stackOf returns the stack of the panic in err, or "".
func stackOf(err error) string {
	var p *PanicError
	if errors.As(err, &p) {
		return string(p.Stack)
	}
	return ""
}

// Error returns the value as text, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// A DisconnectReason says why a Socket ended. The values equal those of the
// JavaScript server.
type DisconnectReason string

const (
	// ReasonClientDisconnect: the client left the namespace.
	ReasonClientDisconnect DisconnectReason = "client namespace disconnect"
	// ReasonServerDisconnect: Socket.Disconnect was called.
	ReasonServerDisconnect DisconnectReason = "server namespace disconnect"
	// ReasonShutdown: Server.Close or Server.Shutdown was called.
	ReasonShutdown DisconnectReason = "server shutting down"
	// ReasonPingTimeout: the client did not answer a ping in time.
	ReasonPingTimeout DisconnectReason = "ping timeout"
	// ReasonTransportClose: the connection was lost, or the client closed it.
	ReasonTransportClose DisconnectReason = "transport close"
	// ReasonTransportError: the connection failed, or the client was too slow.
	ReasonTransportError DisconnectReason = "transport error"
	// ReasonParseError: the client sent a message that is not an Engine.IO packet.
	ReasonParseError DisconnectReason = "parse error"
	// ReasonForcedClose: the server closed the connection. The client broke the Socket.IO
	// protocol or reached a limit, its session continues on another connection, events
	// were lost in the log of a cluster, or Server.Rebalance or ConnView.Close was called.
	ReasonForcedClose DisconnectReason = "forced close"
)

func asConnectError(err error) (*ConnectError, bool) {
	var e *ConnectError
	ok := errors.As(err, &e)
	return e, ok && e != nil
}
