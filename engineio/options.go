// SPDX-License-Identifier: MIT

// This file holds the options of a Server and their defaults.

package engineio

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"socketio/internal/durations"
	"socketio/internal/telemetry"
)

// Options configure a Server. The zero value, and nil, mean the defaults, and so does
// each zero field. NewServer copies the options. It panics on a duration below one
// millisecond, which is a number without its unit: 25*time.Second, not 25000.
type Options struct {
	// PingInterval is the time from a pong to the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is the time from a ping to the pong; then the connection closes with
	// ReasonPingTimeout. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long a WebSocket that probes a polling session may
	// take to complete the upgrade; then it is closed and polling continues. A
	// WebTransport has as long to name its session. Default 10 s.
	UpgradeTimeout time.Duration
	// WriteTimeout is how long a peer may accept no byte at all while output waits for
	// it; then the connection closes with ErrSlowConsumer. Default 10 s.
	WriteTimeout time.Duration
	// BodyTimeout is how long the body of a POST may take to arrive; then the request is
	// answered 408 and the session closes. The same happens to a body that brings less
	// than 1 KiB a second after its first 5 s. Default 20 s.
	BodyTimeout time.Duration
	// MessageTimeout is how long one message may take to arrive over WebSocket or
	// WebTransport, from its first byte; then the connection closes with code 1008. The
	// time in which a connection is not read does not count. Default 30 s.
	MessageTimeout time.Duration
	// PauseTimeout is how long a connection may stay unread because its handlers do not
	// keep up; then it closes with ErrPaused. Default 5 min.
	PauseTimeout time.Duration

	// MaxPayload bounds one incoming message and one POST body, in bytes. A larger
	// message closes the connection with WebSocket code 1009; a larger body is answered
	// 413 and the session closes. Default 1,000,000.
	MaxPayload int
	// MaxHeaderBytes bounds the header of a request, in bytes: its target, Host, and the
	// name and value of each header with 32 bytes more, as HTTP/2 counts. Cookies count.
	// A session keeps the header that opened it, and a poll holds its own while it waits.
	// More is answered 431. The bound of http.Server, 1 MB by default, applies before.
	// Default 32 KiB.
	MaxHeaderBytes int
	// MaxQueueBytes and MaxQueueMessages bound the send queue of one connection. When
	// the queue is full, the Overflow policy of a message applies. By default the message
	// is queued all the same, and the connection closes with ErrSlowConsumer, and a
	// warning in the log, once its queue has been over a bound for 10 s without a break,
	// or reaches 16 times a bound. An empty queue takes one message of any size, and a
	// message that is being written does not count. The response to one poll carries at
	// most MaxQueueBytes, or one message. Defaults 4 MiB and 16,384.
	MaxQueueBytes    int
	MaxQueueMessages int
	// QueueBudget bounds the send queues of all connections together, in bytes, responses
	// to polls that are being written included. Above it those with the longest queues are
	// closed with ErrSlowConsumer, with a warning each. Queues under 4 KiB do not count.
	// Default a quarter of the memory of the process when the Server is made: GOMEMLIMIT
	// if it is set, else the lowest of what its control groups (version 1 and 2) and the
	// machine have, else, on systems without /proc, 4 GiB. Negative for no bound.
	QueueBudget int64
	// MaxConnections bounds the open sessions, and those that have ended while work of
	// their Handler continues; see Conn.Outlive. Further handshakes are answered 503 with
	// Retry-After. Default unlimited.
	MaxConnections int
	// MaxPending bounds the sessions for which Conn.Established has not been called; one
	// more closes the oldest. With Socket.IO these are the clients that have not joined a
	// namespace. Default a fifth of MaxConnections, at least 10,000, but at most four
	// fifths of MaxConnections; unlimited without MaxConnections.
	MaxPending int

	// ShutdownRate is how many connections Shutdown closes per second, spread evenly;
	// faster if its context has less time. Default 1000.
	ShutdownRate int

	// Transports are the enabled transports, of "polling", "websocket" and
	// "webtransport". WebTransport also needs an HTTP/3 server that calls ServeStream;
	// see package socketio/engineio/webtransport. Default polling and websocket.
	Transports []string
	// DisableUpgrades rejects upgrades from polling (400, code 3; a stream is
	// closed) and offers none in the handshake.
	DisableUpgrades bool

	// PerMessageDeflate compresses WebSocket messages for clients that offer it. If nil,
	// messages are not compressed.
	PerMessageDeflate *PerMessageDeflate

	// HTTPCompression compresses the responses of polling. If nil, they are not
	// compressed.
	HTTPCompression *HTTPCompression

	// AllowEIO3 accepts clients of Engine.IO 3, which are those of Socket.IO 1 and 2. If
	// false, they are rejected (400, code 5). JSONP is rejected either way.
	AllowEIO3 bool

	// CORS lets pages of other origins connect. If nil, only same-origin pages and
	// non-browser clients may connect.
	CORS *CORS
	// TrustedProxies are the peers whose X-Forwarded-For, X-Forwarded-Proto and
	// X-Forwarded-Host headers are used. The entry UnixSocket means peers on a Unix
	// socket. Default none.
	TrustedProxies []netip.Prefix

	// Handshake runs for each new session before it exists. An error rejects the request
	// with status 403; a *Refusal chooses the message. The values of its context are those
	// of Conn.Context; its deadline and cancellation are ignored. The request must not be
	// kept.
	Handshake func(*http.Request) (context.Context, error)

	// SessionBinding runs for each request that names an open session: polls, POSTs,
	// upgrades to WebSocket and WebTransport. An error rejects the request, for example
	// because it comes with another cookie, client certificate or network than the
	// handshake. ctx has the values of Conn.Context, so those that Handshake stored
	// there; it does not end. The client is answered "Session ID unknown" (400, code 1; a
	// stream is closed), as for an id that does not exist: a thief of the id does not
	// learn that it is valid, and a client whose cookie has changed opens a new session.
	// The error is visible only to observers, as ConnectionError.Err. The session is
	// unaffected. SessionBinding runs in the request's goroutine, for several requests of
	// a session at once. A panic is logged and rejects. An open WebSocket makes no
	// requests. If nil, possession of the session id is sufficient.
	SessionBinding func(ctx context.Context, r *SessionRequest) error

	// GenerateID makes the id of a new session. The id is a secret: anyone who knows or
	// guesses it can act as the client, so it needs 120 random bits of its own, and must
	// not appear in a log; TaggedIDs makes such ids with the tag of a server. It has 1 to
	// 128 letters, digits, '-', '_', '.' and '~'. Anything else, an error, and an id that
	// is in use reject the session (400, code 3). The request must not be kept. It is not
	// the id of a Socket.IO socket. If nil, 120 random bits.
	GenerateID func(*http.Request) (string, error)

	// ForeignSession runs for each poll, POST and WebSocket upgrade that names a session
	// which does not exist on this server: for polls and POSTs after the origin rule, for
	// upgrades without it, because only the server that has the session knows which
	// Origins it accepts. Where CORS.AllowCredentials is not set, the Cookie header of a
	// page of another origin is hidden here too. The function may answer the
	// request itself, for example by forwarding it to the server that SessionTag names,
	// and then returns true. With false, for which it must not have written anything, the
	// request is answered "Session ID unknown" (400, code 1). The header of w has what CORS
	// has set. It may be called by many goroutines at once. A panic is logged and aborts
	// the response. sid is untrusted, and the id of a session elsewhere is a secret. If
	// nil, such requests are rejected.
	ForeignSession func(w http.ResponseWriter, r *http.Request, sid string) (served bool)

	// Forward passes requests for the sessions of other servers on to those servers, so
	// that a load balancer need not send all requests of a client to one server. It makes
	// the ids of sessions too, so it can't be combined with GenerateID and ForeignSession.
	// A Forwarder belongs to one Server, which closes it. Package forward has one. If nil,
	// all requests of a client must reach the server that has its session.
	Forward Forwarder

	// InitialPacket is the first message to each client. It travels with the
	// handshake: in the same response on polling, right behind it on WebSocket. Clients
	// of Socket.IO take it as a Socket.IO packet, so it must be one that they expect
	// then. If nil, no packet is sent.
	InitialPacket *Message

	// Cookie is set when a session opens over polling, for a proxy that sends requests
	// with the same cookie to the same server. Its value is random. If nil, no cookie is set.
	Cookie *Cookie
	// InitialHeaders may add headers to the response that opens a session: that of
	// the polling handshake, or the 101 of a WebSocket. It runs once per session.
	// Headers may do so for every response that is not an error: to handshakes,
	// polls and POSTs, and the 101. They run after CORS and Cookie have set theirs,
	// InitialHeaders first, and may be called by many goroutines at once. A name
	// that is not a token is left out and a line break in a value becomes a space. A
	// panic is logged and the response is sent. The request must not be kept or
	// changed.
	InitialHeaders func(http.Header, *http.Request)
	Headers        func(http.Header, *http.Request)

	// Driver determines how WebSocket connections wait for the network. The behaviour is
	// the same; the memory of an idle connection is not. Default DriverAuto.
	Driver Driver

	// Observers watch the server. Each implements one or more of ConnObserver,
	// UpgradeObserver, RefusalObserver, TrafficObserver and DropObserver; NewServer panics
	// on a value that implements none. A panic in one is logged the first time and has no other effect.
	Observers []any

	// LogPackets selects the clients whose packets are logged, a line for each packet
	// with its direction, type and text: "*" for all, or a list of addresses, networks
	// and parameters of the query, such as "192.0.2.7, 2001:db8::/32, user=7". A Logger
	// that drops level Info is bypassed, and the lines go to standard error. Text is cut
	// at 128 bytes and escaped. Session ids and auth payloads are left out; the arguments
	// of events are not. If empty, the environment variable SOCKETIO_DEBUG has the same
	// meaning; if that is empty too, nothing is logged. Conn.LogPackets does it for one
	// connection. See docs/troubleshooting.md.
	LogPackets string

	// Logger receives faults of the application as errors, what an operator should see
	// as warnings, and why requests were rejected at level Debug. The keys are in
	// docs/observability.md; session ids, cookies, Authorization headers and auth
	// payloads are never logged. If nil, warnings and errors go to slog.Default; for
	// silence use slog.New(slog.DiscardHandler).
	Logger *slog.Logger
}

// config is Options with the defaults filled in.
type config struct {
	Options
	polling, websocket, webtransport bool
}

func newConfig(o *Options) config {
	var c config
	if o != nil {
		c.Options = *o
	}
	c.checkSigns()
	setDefault(&c.PingInterval, 25*time.Second)
	setDefault(&c.PingTimeout, 20*time.Second)
	setDefault(&c.UpgradeTimeout, 10*time.Second)
	setDefault(&c.WriteTimeout, 10*time.Second)
	setDefault(&c.BodyTimeout, 20*time.Second)
	setDefault(&c.MessageTimeout, 30*time.Second)
	setDefault(&c.PauseTimeout, 5*time.Minute)
	setDefault(&c.MaxPayload, 1_000_000)
	setDefault(&c.MaxHeaderBytes, 32<<10)
	setDefault(&c.MaxQueueBytes, 4<<20)
	setDefault(&c.MaxQueueMessages, 16384)
	setDefault(&c.ShutdownRate, 1000)
	if c.MaxPending == 0 && c.MaxConnections > 0 {
		c.MaxPending = max(1, min(max(c.MaxConnections/5, 10_000), c.MaxConnections*4/5))
	}
	c.Logger = telemetry.Logger(c.Logger)
	if len(c.Transports) == 0 {
		c.polling, c.websocket = true, true
	}
	for _, t := range c.Transports {
		switch t {
		case Polling:
			c.polling = true
		case WebSocket:
			c.websocket = true
		case WebTransport:
			c.webtransport = true
		default:
			panic("engineio: Options.Transports: unknown transport " + t + "; use \"polling\", \"websocket\" or \"webtransport\"")
		}
	}
	switch c.Driver {
	case DriverAuto, DriverPoll, DriverGoroutine:
	default:
		panic("engineio: Options.Driver: unknown driver " + string(c.Driver) + "; use DriverAuto, DriverPoll or DriverGoroutine")
	}
	if c.Forward != nil && (c.GenerateID != nil || c.ForeignSession != nil) {
		panic("engineio: Options.Forward makes the ids of sessions and gets the requests of foreign ones; set neither GenerateID nor ForeignSession beside it")
	}
	c.CORS.check()
	return c
}

// checkSigns panics on a negative time or bound, and on a time without its unit.
func (o *Options) checkSigns() {
	durations.CheckSigns("engineio: Options", o)
	durations.CheckOptions("engineio: Options", o, time.Millisecond)
}

// upgrades are the transports that a polling session is offered.
func (c *config) upgrades() []string {
	var names []string
	if c.websocket && !c.DisableUpgrades {
		names = append(names, WebSocket)
	}
	if c.webtransport && !c.DisableUpgrades {
		names = append(names, WebTransport)
	}
	return names
}

func setDefault[T ~int | ~int64](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// limits are the bounds and times of a Conn.
func (c *config) limits() limits {
	return limits{
		pingInterval: c.PingInterval, pingTimeout: c.PingTimeout,
		upgradeTimeout: c.UpgradeTimeout, writeTimeout: c.WriteTimeout,
		messageTimeout: c.MessageTimeout, pauseTimeout: c.PauseTimeout,
		maxPayload: c.MaxPayload, maxQueueBytes: c.MaxQueueBytes, maxQueueMessages: c.MaxQueueMessages,
	}
}
