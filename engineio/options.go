// SPDX-License-Identifier: MIT

// This file holds the options of a Server and their defaults.

package engineio

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"socketio/internal/durations"
	"socketio/internal/telemetry"
)

// Options configure a Server. The zero value, and nil, mean the defaults.
// NewServer copies what it needs. It panics on a time below one millisecond, which is
// a number without its unit: 25*time.Second, not 25000.
type Options struct {
	// PingInterval is how long after a pong the server pings again. If zero, 25 s.
	PingInterval time.Duration
	// PingTimeout is how long the server waits for a pong, counted from the
	// ping; then the connection closes with ReasonPingTimeout. If zero, 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long a WebSocket that probes a polling session may
	// take to complete the upgrade; then it is closed and polling goes on. A
	// WebTransport has as long to say which session it is for. If zero, 10 s.
	UpgradeTimeout time.Duration
	// WriteTimeout is how long a peer may take no byte at all while something
	// waits for it; then the connection closes with ErrSlowConsumer. If zero, 10 s.
	WriteTimeout time.Duration
	// BodyTimeout is how long the body of a POST may take to arrive; then the
	// answer is 408 and the session closes. If zero, 20 s.
	BodyTimeout time.Duration
	// MessageTimeout is how long one message may take to arrive over WebSocket or
	// WebTransport, from its first byte; then the connection closes with code 1008. The
	// time in which a connection is not read does not count. If zero, 30 s.
	MessageTimeout time.Duration
	// PauseTimeout is how long a connection may stay unread because its
	// handlers do not keep up; then it closes with ErrPaused. If zero, 5 min.
	PauseTimeout time.Duration

	// MaxPayload bounds one incoming WebSocket message and one POST body, in
	// bytes. A larger message closes with WebSocket code 1009; a larger body is
	// answered 413 and the session closes. If zero, 1,000,000.
	MaxPayload int
	// MaxHeaderBytes bounds the header of a request: its target, Host, and the name and
	// value of each header with 32 bytes more, as HTTP/2 counts. What opens a session is
	// kept with it; what polls is held while it waits. More is answered 431. Cookies
	// count. The bound of http.Server, 1 MB by default, holds before. If zero, 32 KiB.
	MaxHeaderBytes int
	// MaxQueueBytes and MaxQueueMessages bound what waits to be sent to one
	// connection. Over them a message fares as its Overflow policy says. By default it
	// is taken all the same, and the connection closes with ErrSlowConsumer once its
	// queue has been over a bound for 10 s without a break, or reaches 16 times a
	// bound. An empty queue takes one message of any size, and a message that the peer
	// is taking does not count. One answer of a poll carries at most MaxQueueBytes, or
	// one message. If zero, 4 MiB and 16,384.
	MaxQueueBytes    int
	MaxQueueMessages int
	// MaxQueuedBytes bounds what waits to be sent to all connections together, answers
	// of polls that are being written included; above it those with the longest queues
	// are closed with ErrSlowConsumer. Queues under 4 KiB do not count. If zero, a
	// quarter of the memory of the process when the Server is made: GOMEMLIMIT if it is
	// set, else the lowest of what its control groups (version 1 and 2) and the machine
	// have, else, on systems without /proc, 4 GiB. If negative, there is no bound.
	MaxQueuedBytes int64
	// MaxConnections bounds the open sessions, and those that have ended while work of
	// their Handler goes on; see Conn.Outlive. Further handshakes are answered 503 with
	// Retry-After. If zero, there is no bound on open sessions.
	MaxConnections int
	// MaxPending bounds the sessions for which Conn.Established has not been
	// called; one more closes the oldest. If zero, a fifth of MaxConnections, at
	// least 10,000, but at most four fifths of MaxConnections; none without it.
	MaxPending int

	// ShutdownRate is how many connections Shutdown closes per second, spread evenly;
	// faster if its context has less time. If zero, 1000.
	ShutdownRate int

	// Transports are the enabled ones, of "polling", "websocket" and
	// "webtransport". If empty, polling and websocket. WebTransport also needs a
	// server of HTTP/3 that calls ServeStream; see package
	// socketio/engineio/webtransport.
	Transports []string
	// DisableUpgrades refuses upgrades from polling (400, code 3; a stream is
	// closed) and offers none in the handshake.
	DisableUpgrades bool

	// PerMessageDeflate compresses WebSocket messages. If nil, they are not.
	PerMessageDeflate *PerMessageDeflate

	// HTTPCompression compresses the responses of polling. If nil, they are not.
	HTTPCompression *HTTPCompression

	// AllowEIO3 lets clients of Engine.IO 3 in, which are those of Socket.IO 1
	// and 2. If false, they are refused (400, code 5). JSONP is refused either
	// way.
	AllowEIO3 bool

	// CORS lets pages of other origins in. If nil, only pages of the server's
	// own origin, and clients that are no browsers, are let in.
	CORS *CORS
	// TrustedProxies are the peers whose Forwarded headers count:
	// X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host. The entry UnixSocket
	// means peers on a unix socket. If empty, none.
	TrustedProxies []netip.Prefix

	// Handshake runs for each new session before it exists. Its error refuses
	// the request with 403; a *Refusal chooses the message. The values of its
	// context are those of Conn.Context; its deadline and cancellation do not
	// count. The request must not be kept.
	Handshake func(*http.Request) (context.Context, error)

	// SessionBinding runs for each request that names an open session: polls, POSTs,
	// upgrades to WebSocket and WebTransport. Its error refuses the request, for
	// example because it comes with another cookie, client certificate or network
	// than the handshake. ctx has the values of Conn.Context, so what Handshake put
	// there; it does not end. The client is told "Session ID unknown" (400, code 1; a
	// stream is closed), as for an id that is none: who stole or guessed the id does
	// not learn that it is one, and a client whose cookie has changed opens a new
	// session. The error goes to those who watch only, as ConnectionError.Err. The
	// session does not notice and goes on. It runs in the request's goroutine, for
	// several requests of a session at once. A panic is logged and refuses. On an
	// open WebSocket there are no requests, so nothing is asked. If nil, who knows
	// the id is the client.
	SessionBinding func(ctx context.Context, r *SessionRequest) error

	// GenerateID makes the id of a new session, for example to mark the server it
	// lives on. The id is a secret: who knows or guesses it can speak for the
	// client, so it needs 120 random bits of its own, and must not stand in a log.
	// It has 1 to 128 letters, digits, '-', '_', '.' and '~'. Anything else, an
	// error, and an id that is in use refuse the session (400, code 3). The request
	// must not be kept. If nil, 120 random bits.
	GenerateID func(*http.Request) (string, error)

	// InitialPacket is the first message to each client. It travels with the
	// handshake: in the same response on polling, right behind it on WebSocket.
	// If nil, there is none.
	InitialPacket *Message

	// Cookie is set when a session opens over polling. If nil, there is none.
	Cookie *Cookie
	// InitialHeaders may add headers to the response that opens a session: that of
	// the polling handshake, or the 101 of a WebSocket. It runs once per session.
	// Headers may do so for every response that is no refusal: to handshakes,
	// polls and POSTs, and the 101. They run after CORS and Cookie have set theirs,
	// InitialHeaders first, and may be called by many goroutines at once. A name
	// that is no token is left out and a line break in a value becomes a space. A
	// panic is logged and the response goes out. The request must not be kept or
	// changed.
	InitialHeaders func(http.Header, *http.Request)
	Headers        func(http.Header, *http.Request)

	// Driver says who waits for the network. The behaviour is the same; the
	// memory of an idle connection is not. If empty, DriverAuto.
	Driver Driver

	// Observers watch the server. Each implements one or more of ConnObserver,
	// RefusalObserver, TrafficObserver and DropObserver, which is looked at once, by
	// NewServer. A panic of one is logged the first time and harms nothing.
	Observers []any

	// LogPackets says of which clients each packet is logged, a line with its
	// direction, type and text, to look at what goes wrong: "*" for all, or a list of
	// addresses, networks and parameters of the query, such as
	// "192.0.2.7, 2001:db8::/32, user=7". A Logger that keeps nothing of level Info is
	// passed over, and they go to the standard error. Text is cut at 128 bytes and
	// escaped; session ids are left out. If empty, the environment variable
	// SOCKETIO_DEBUG says it; if that is empty too, nothing is logged. Conn.LogPackets
	// does it for one connection.
	LogPackets string

	// Logger gets what an operator should know: faults of the application as errors,
	// what a client was refused for as Debug. If nil, warnings and errors go to
	// slog.Default; for silence use slog.New(slog.DiscardHandler). The keys are in
	// docs/observability.md; session ids, cookies, Authorization headers and auth
	// payloads are never logged.
	Logger *slog.Logger
}

// config is Options with the defaults filled in.
type config struct {
	Options
	polling, websocket, webtransport bool
	trustsUnix                       bool // TrustedProxies has UnixSocket
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
	c.CORS.check()
	c.trustsUnix = slices.Contains(c.TrustedProxies, UnixSocket)
	c.TrustedProxies = canonicalPrefixes(c.TrustedProxies)
	return c
}

// checkSigns panics on a negative time or bound, and on a time without its unit.
func (o *Options) checkSigns() {
	for _, option := range []struct {
		name  string
		value int64
	}{
		{"PingInterval", int64(o.PingInterval)},
		{"PingTimeout", int64(o.PingTimeout)},
		{"UpgradeTimeout", int64(o.UpgradeTimeout)},
		{"WriteTimeout", int64(o.WriteTimeout)},
		{"BodyTimeout", int64(o.BodyTimeout)},
		{"MessageTimeout", int64(o.MessageTimeout)},
		{"PauseTimeout", int64(o.PauseTimeout)},
		{"MaxPayload", int64(o.MaxPayload)},
		{"MaxHeaderBytes", int64(o.MaxHeaderBytes)},
		{"MaxQueueBytes", int64(o.MaxQueueBytes)},
		{"MaxQueueMessages", int64(o.MaxQueueMessages)},
		{"MaxConnections", int64(o.MaxConnections)},
		{"MaxPending", int64(o.MaxPending)},
		{"ShutdownRate", int64(o.ShutdownRate)},
	} {
		if option.value < 0 {
			panic("engineio: Options." + option.name + " must not be negative")
		}
	}
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
