// SPDX-License-Identifier: MIT

// This file holds the reasons why connections close and requests are rejected.

package engineio

import (
	"errors"
	"fmt"
	"os"
)

// A CloseReason says why a Conn closed. The values equal those of the reference
// implementation.
type CloseReason string

const (
	// ReasonTransportClose: the peer went away, or closed.
	ReasonTransportClose CloseReason = "transport close"
	// ReasonTransportError: the transport failed or the peer broke its rules.
	ReasonTransportError CloseReason = "transport error"
	// ReasonForcedClose: this side closed the connection.
	ReasonForcedClose CloseReason = "forced close"
	// ReasonPingTimeout: no pong came in time.
	ReasonPingTimeout CloseReason = "ping timeout"
	// ReasonParseError: the peer sent something that is not a packet.
	ReasonParseError CloseReason = "parse error"
)

var (
	// ErrClosed is returned for a connection or a server that is closed.
	ErrClosed = errors.New("engineio: closed")
	// ErrSlowConsumer closes a connection whose send queue stayed over its bound, or whose
	// peer accepted no byte for WriteTimeout.
	ErrSlowConsumer = errors.New("engineio: slow consumer")
	// ErrTooLarge closes a connection whose peer sent a message, or the body of a POST,
	// over Options.MaxPayload.
	ErrTooLarge = errors.New("engineio: larger than MaxPayload")
	// ErrQueueFull is returned for a message with OverflowFail when the send queue is full.
	ErrQueueFull = errors.New("engineio: the outbound queue is full")
	// ErrDropped is returned for a message that its Overflow policy dropped.
	ErrDropped = errors.New("engineio: dropped, the outbound queue is full")
	// ErrShutdown closes connections when Close or Shutdown is called.
	ErrShutdown = errors.New("engineio: the server shuts down")
	// ErrMoved closes connections when CloseSome is called.
	ErrMoved = errors.New("engineio: the client is asked to connect again")
	// ErrPaused closes a connection that was not read for PauseTimeout.
	ErrPaused = errors.New("engineio: not read for too long")
)

// An oversize is the error of a parser for a message over the limit.
type oversize struct {
	error
	size uint64 // of the message
}

func (e oversize) Unwrap() error { return e.error }

// errTimeout is returned by a read whose deadline has passed.
var errTimeout = os.ErrDeadlineExceeded

// Why a polling session ended.
var (
	errPollOverlap     = errors.New("engineio: two polls at once")
	errPostOverlap     = errors.New("engineio: two POSTs at once")
	errPollAborted     = errors.New("engineio: the client aborted a poll")
	errPostAborted     = errors.New("engineio: the body of a POST ended too early")
	errContentType     = errors.New("engineio: a POST with a binary body; revision 4 sends text")
	errContentEncoding = errors.New("engineio: the body of a POST is encoded; it must not be encoded")
	errBodyTooLarge    = fmt.Errorf("%w: the body of a POST", ErrTooLarge)
	errBodySlow        = errors.New("engineio: the body of a POST arrived too slowly")
)

// errPending closes the oldest of too many unused sessions.
var errPending = errors.New("engineio: too many unused sessions")

// A RefusalCause says why a request was rejected, for programs. It distinguishes rejections
// with the same code. The value is the name that the reference implementation has for the
// cause, if it has one.
type RefusalCause string

const (
	// CauseUnknownTransport: the transport does not exist, or is not enabled. Code 0.
	CauseUnknownTransport RefusalCause = "UNKNOWN_TRANSPORT"
	// CauseUnknownSession: there is no session with this id. Code 1.
	CauseUnknownSession RefusalCause = "UNKNOWN_SID"
	// CauseSessionBinding: Options.SessionBinding rejected the client. Code 1.
	CauseSessionBinding RefusalCause = "SESSION_BINDING"
	// CauseHandshakeMethod: a request without a session that is not a GET. Code 2.
	CauseHandshakeMethod RefusalCause = "BAD_HANDSHAKE_METHOD"
	// CauseTransportMismatch: the request's transport is not that of the session: a poll after
	// the upgrade, or a WebSocket request without an Upgrade header. Code 3.
	CauseTransportMismatch RefusalCause = "TRANSPORT_MISMATCH"
	// CauseTransportHandshake: the WebSocket handshake is wrong, or the connection can't be
	// taken over from the HTTP server. Code 3.
	CauseTransportHandshake RefusalCause = "TRANSPORT_HANDSHAKE_ERROR"
	// CauseProtocolMismatch: the request has another protocol revision than its session. Code 3.
	CauseProtocolMismatch RefusalCause = "PROTOCOL_MISMATCH"
	// CauseUpgradeDisabled: Options.DisableUpgrades, or a session that can't upgrade to
	// WebTransport. Code 3.
	CauseUpgradeDisabled RefusalCause = "UPGRADE_DISABLED"
	// CauseInvalidOrigin: the Origin header has a character that is not allowed in an origin.
	// Code 3.
	CauseInvalidOrigin RefusalCause = "INVALID_ORIGIN"
	// CauseSessionID: Options.GenerateID returned no usable id. Code 3.
	CauseSessionID RefusalCause = "ID_GENERATION_ERROR"
	// CauseHeaderSize: the request's header is over Options.MaxHeaderBytes. Code 3, status 431.
	CauseHeaderSize RefusalCause = "HEADER_TOO_LARGE"
	// CauseJSONP: the request asks for JSONP. Code 3.
	CauseJSONP RefusalCause = "JSONP"
	// CauseOrigin: pages of this origin may not connect. Code 4.
	CauseOrigin RefusalCause = "ORIGIN_NOT_ALLOWED"
	// CauseHandshake: Options.Handshake rejected the client. Code 4.
	CauseHandshake RefusalCause = "HANDSHAKE_REFUSED"
	// CauseUnavailable: the server is full or closing. Code 4, status 503.
	CauseUnavailable RefusalCause = "UNAVAILABLE"
	// CauseUnsupportedVersion: the protocol revision is neither 4 nor, with Options.AllowEIO3,
	// 3. Code 5.
	CauseUnsupportedVersion RefusalCause = "UNSUPPORTED_PROTOCOL_VERSION"
)

// A Refusal is an error of Options.Handshake whose text the client may see: it is the
// message of the 403 response. With any other error the message is "Forbidden".
type Refusal struct{ Message string }

func (r *Refusal) Error() string { return r.Message }

// A ConnectionError is a request that was rejected; see Server.OnConnectionError.
type ConnectionError struct {
	// Code and Message are those of the JSON body: 0 "Transport unknown", 1
	// "Session ID unknown", 2 "Bad handshake method", 3 "Bad request", 4
	// "Forbidden" (also for a server that is full or closing), 5 "Unsupported
	// protocol version". Some messages say more.
	Code    int
	Message string
	// Cause is the reason for programs: it distinguishes rejections with the same code.
	Cause RefusalCause
	// Status is that of the response.
	Status int
	// RemoteAddr is the address of the client, determined as Handshake.RemoteAddr is:
	// its "ip:port", or the address that a trusted proxy names. Counted for code 1, it
	// shows clients that guess session ids.
	RemoteAddr string
	// Detail is for a log: what was wrong with the request. It may hold the
	// client's text, at most 128 bytes of it, and never a session id.
	Detail string
	// Err is the error of Options.Handshake, Options.SessionBinding or
	// Options.GenerateID, or the reason why a WebSocket can't be taken over. Otherwise
	// nil.
	Err error
}

func (e *ConnectionError) Error() string {
	return fmt.Sprintf("engineio: request rejected: %s (code %d, %s)", e.Message, e.Code, e.Detail)
}

// Unwrap returns Err.
func (e *ConnectionError) Unwrap() error { return e.Err }
