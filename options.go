// SPDX-License-Identifier: MIT

// This file holds the options of a Server and their defaults.

package socketio

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/durations"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// CORS lets pages of other origins connect. See engineio.CORS.
type CORS = engineio.CORS

// Options configure a Server. The zero value, and nil, mean the defaults. A zero
// field means its default. NewServer copies what it needs. It panics on a time below
// one millisecond, which is a number without its unit: 25*time.Second, not 25000.
type Options struct {
	// PingInterval and PingTimeout are the heartbeat: a ping goes out
	// PingInterval after the last pong, and the client is gone if no pong comes
	// within PingTimeout. Defaults 25 s and 20 s.
	PingInterval time.Duration
	PingTimeout  time.Duration
	// UpgradeTimeout is how long an upgrade to WebSocket may take; then polling
	// goes on. Default 10 s.
	UpgradeTimeout time.Duration
	// ConnectTimeout is how long a client may be connected without having
	// joined a namespace; then its connection closes. Default 45 s.
	ConnectTimeout time.Duration
	// MiddlewareTimeout is how long the middlewares of a namespace, and the function
	// of OfMatch, may take to decide on a client; then it gets a connect_error
	// "timeout". The middleware goes on alone; Socket.Context has ended. Default 30 s.
	MiddlewareTimeout time.Duration
	// AttachmentTimeout is how long the binary attachments of an event may take
	// to arrive; then the connection closes. Default 30 s.
	AttachmentTimeout time.Duration
	// MessageTimeout is how long one message may take to arrive over WebSocket, from
	// its first byte; then the connection closes. Default 30 s.
	MessageTimeout time.Duration
	// WriteTimeout is how long a client may take no byte while something waits
	// for it; then its connection closes. Default 10 s.
	WriteTimeout time.Duration
	// BodyTimeout is how long the body of a POST of polling may take to arrive; then
	// the answer is 408 and the session closes. So it is for a body that brings less
	// than 1 KiB a second after its first 5 s. Default 20 s.
	BodyTimeout time.Duration
	// PauseTimeout is how long a client may stay unread because its handlers do not
	// keep up; see MaxInboxPackets. Then its connection closes. Default 5 min.
	PauseTimeout time.Duration

	// MaxHTTPBufferSize bounds one incoming message or request body, in bytes.
	// More closes the connection: code 1009 on WebSocket, status 413 on polling.
	// Default 1,000,000.
	MaxHTTPBufferSize int
	// MaxHeaderBytes bounds the header of a request, cookies included: the connection
	// keeps that of the one that opened it. More is answered 431. It counts the target,
	// Host, and the name and value of each header with 32 bytes more. Default 32 KiB.
	MaxHeaderBytes int
	// MaxAttachments bounds the binary attachments of one incoming event; more
	// closes the connection. Default 10, at most 99.
	MaxAttachments int
	// MaxQueueBytes and MaxQueuePackets bound what waits to be sent to one
	// client. Over them Overflow holds. By default an event is taken all the same, and
	// the connection closes with ErrSlowConsumer, and a warning in the log, once more
	// than the bound has waited for 10 s without a break, or 16 times the bound waits. An
	// empty queue takes one packet of any size, and a packet that the client is taking
	// does not count. Defaults 4 MiB and 16,384.
	MaxQueueBytes   int
	MaxQueuePackets int
	// Overflow is what becomes of an event for a client whose queue is full, unless
	// Broadcast.Overflow says otherwise. Default OverflowClose. Other packets always
	// close.
	Overflow Overflow
	// MaxQueuedBytes bounds what waits to be sent to all clients together; above it
	// those with the longest queues are disconnected, with a warning each. Default a
	// quarter of the process's memory: GOMEMLIMIT if it is set, else what its control
	// groups and the machine have; see engineio.Options. Negative for none.
	MaxQueuedBytes int64
	// ShutdownRate is how many connections Shutdown closes per second; faster if its
	// context has less time. Default 1000.
	ShutdownRate int
	// MaxInboxBytes and MaxInboxPackets bound what waits for the handlers of one
	// connection, those of all its namespaces together. At the bound the connection is
	// not read until they catch up; nor is it while handlers of 16 sockets run that have
	// left it.
	// Defaults 2 MiB and 1024.
	MaxInboxBytes   int
	MaxInboxPackets int
	// MaxConnections bounds the clients; more are answered 503. A client that has gone
	// counts until its handlers, its middlewares and the functions of OfMatch that were
	// called for it have returned. Default: none; then more are answered 503 while 50,000
	// that have gone keep handlers running, or keep as much as MaxQueuedBytes.
	MaxConnections int
	// MaxPending bounds the clients that have not joined a namespace yet; one more
	// closes the oldest. Default a fifth of MaxConnections, at least 10,000, but at most
	// four fifths of MaxConnections; none without MaxConnections.
	MaxPending int
	// MaxNamespaces bounds the namespaces one client joins over one connection;
	// more get a connect_error. Default 128.
	MaxNamespaces int
	// MaxAuthBytes bounds the auth that a client sends when it joins a namespace, as it is
	// on the wire: it is kept for the life of the socket. MaxConnAuthBytes bounds that of
	// all namespaces of one connection together. More get a connect_error that names the
	// bound. Defaults 64 KiB, and four times MaxAuthBytes.
	MaxAuthBytes     int
	MaxConnAuthBytes int
	// MaxDynamicNamespaces bounds the namespaces that parents have made for clients;
	// a client that asks for one more gets a connect_error. One connection makes at most
	// 32 of those that exist; it joins others without that bound. Default 10,000.
	MaxDynamicNamespaces int
	// KeepEmptyNamespaces keeps the namespaces that parents have made when their last
	// socket leaves, if some socket has joined. At MaxDynamicNamespaces the one that has
	// been empty for longest makes room for another.
	KeepEmptyNamespaces bool
	// MaxRooms bounds the rooms of one socket; Join returns ErrTooManyRooms.
	// Default 10,000.
	MaxRooms int
	// ReserveSocketIDs has Join and SocketsJoin refuse rooms that are named by the id
	// of another socket on this server, from its CONNECT to its end: ErrSocketRoom. Who is in such a
	// room hears what is sent to that socket alone. By default they can be joined, as
	// with npm socket.io.
	ReserveSocketIDs bool
	// MaxPendingAcks bounds the acknowledgements awaited from one socket;
	// EmitWithAck returns ErrTooManyPendingAcks. Default 65,536.
	MaxPendingAcks int

	// Transports are the enabled transports, of "polling", "websocket" and
	// "webtransport". Default the first two. WebTransport also needs a server of
	// HTTP/3; see package socketio/engineio/webtransport.
	Transports []string
	// DisableUpgrades keeps clients that began on polling there.
	DisableUpgrades bool
	// AllowEIO3 lets clients of Socket.IO 1 and 2 in, over Engine.IO 3. They
	// join "/" without asking, and the ids of their sockets are made of the
	// Engine.IO session id; see Socket.ID.
	AllowEIO3 bool
	// CORS lets pages of other origins connect. If nil, only the server's own
	// origin, and clients that are no browsers.
	CORS *CORS
	// TrustedProxies are the peers whose X-Forwarded-For, -Proto and -Host
	// headers count. The entry engineio.UnixSocket means peers on a unix socket.
	// Default none.
	TrustedProxies []netip.Prefix

	// Handshake runs for each new connection, in its HTTP request, before a
	// session exists. Its error refuses with 403; a *ConnectError chooses the
	// text. The values of its context are those of Socket.Context, so what an
	// HTTP middleware stored is there. The request must not be kept.
	Handshake func(*http.Request) (context.Context, error)

	// SessionBinding runs for each request that names an open connection: polls, POSTs,
	// upgrades. Its error refuses the request as if the id were unknown, and harms the
	// connection in nothing; see engineio.Options.SessionBinding. ctx has the values that
	// Handshake gave. If nil, who knows the session id is the client.
	SessionBinding func(ctx context.Context, r *engineio.SessionRequest) error

	// GenerateID makes the Engine.IO session id, which is a secret; see
	// engineio.Options.GenerateID. If nil, 120 random bits. It is not Socket.ID.
	GenerateID func(*http.Request) (string, error)
	// InitialPacket is an Engine.IO message that travels with the handshake; see
	// engineio.Options.InitialPacket. Clients take it as a Socket.IO packet, so it
	// must be one that they expect then.
	InitialPacket *engineio.Message
	// Cookie is set when a connection opens over polling, for a proxy that keeps
	// together what has the same cookie. Its value is random. If nil, there is none.
	Cookie *engineio.Cookie
	// InitialHeaders and Headers may add headers to the response that opens a
	// connection, and to every response that is no refusal; see engineio.Options.
	InitialHeaders func(http.Header, *http.Request)
	Headers        func(http.Header, *http.Request)

	// HTTPCompression compresses the responses of polling; see
	// engineio.HTTPCompression. If nil, they are not.
	HTTPCompression *engineio.HTTPCompression
	// PerMessageDeflate compresses WebSocket messages for clients that offer it;
	// see engineio.PerMessageDeflate. If nil, they are not.
	PerMessageDeflate *engineio.PerMessageDeflate

	// Driver says who waits for the network. Default engineio.DriverAuto: event
	// loops on Linux, elsewhere and for TLS a goroutine per connection.
	Driver engineio.Driver

	// ClientFiles are the files to serve in place of the embedded browser client,
	// under their own names: those at its root, not in folders. A file beside another
	// that has its name and .br or .gz is its compressed form, and must be of the same
	// content. NewServer reads them all, once, and panics if it can't, if there are
	// none, more than 256, or more than 32 MiB. A request whose path ends in the name
	// of a file gets that file, so none may be named as the path the server is at.
	ClientFiles fs.FS
	// DisableClient answers 404 where the browser client is served otherwise.
	DisableClient bool

	// Adapter makes the adapter of each namespace. Default adapter.NewMemory. It must
	// not ask the server for that namespace.
	Adapter func(namespace string) adapter.Adapter

	// MarshalJSON and UnmarshalJSON replace encoding/json for values that are
	// not strings, numbers, booleans, raw JSON or bytes. They must keep its
	// rules (tags, marshalers, byte slices as base64).
	MarshalJSON   func(any) ([]byte, error)
	UnmarshalJSON func([]byte, any) error

	// Codec is the packet format; all clients must use the same. If nil, the
	// default format, with MarshalJSON and UnmarshalJSON. Package
	// parser/msgpack has another.
	Codec parser.Codec

	// Observers watch the server, for metrics, traces, an admin page. Each implements
	// one or more of the interfaces of observer.go: ConnObserver, RefusalObserver,
	// TrafficObserver, DropObserver, SocketObserver, RoomObserver, NamespaceObserver,
	// EventObserver, ErrorObserver, TraceObserver, AckObserver, PressureObserver. That
	// is looked at once; NewServer panics on a value that implements none. They are called from many
	// goroutines at once, in the order given. A panic of one is logged the first time
	// and harms nothing.
	Observers []any

	// LogPackets says of which clients each packet is logged, to look at what goes wrong:
	// "*" for all, or a list of addresses, networks and parameters of the query, such as
	// "192.0.2.7, 2001:db8::/32, user=7". If empty, the environment variable
	// SOCKETIO_DEBUG says it. See engineio.Options.LogPackets, Conn.LogPackets for one
	// client, and docs/troubleshooting.md. Auth payloads are left out; what events carry
	// is not.
	LogPackets string

	// Logger gets what an operator should know: faults of the application as errors,
	// what a client was refused for as Debug. If nil, warnings and errors go to
	// slog.Default; for silence use slog.New(slog.DiscardHandler). The keys are in
	// docs/observability.md; session ids, cookies, Authorization headers and auth
	// payloads are never logged.
	Logger *slog.Logger
}

func withDefaults(o *Options) Options {
	var c Options
	if o != nil {
		c = *o
	}
	setDefault(&c.ConnectTimeout, 45*time.Second)
	setDefault(&c.AttachmentTimeout, 30*time.Second)
	setDefault(&c.MaxHTTPBufferSize, 1_000_000)
	setDefault(&c.MaxAttachments, 10)
	setDefault(&c.MaxQueueBytes, 4<<20)
	setDefault(&c.MaxQueuePackets, 16_384)
	setDefault(&c.MaxInboxBytes, 2<<20)
	setDefault(&c.MaxInboxPackets, 1024)
	setDefault(&c.MaxNamespaces, 128)
	setDefault(&c.MaxAuthBytes, 64<<10)
	setDefault(&c.MaxConnAuthBytes, 4*c.MaxAuthBytes)
	setDefault(&c.MaxDynamicNamespaces, 10_000)
	setDefault(&c.MiddlewareTimeout, 30*time.Second)
	setDefault(&c.MaxRooms, 10_000)
	setDefault(&c.MaxPendingAcks, 65_536)
	c.check()
	if c.Adapter == nil {
		c.Adapter = func(string) adapter.Adapter { return adapter.NewMemory() }
	}
	c.Logger = telemetry.Logger(c.Logger)
	return c
}

// check panics on options that can't work.
func (o *Options) check() {
	for name, v := range map[string]int64{
		"PingInterval":      int64(o.PingInterval),
		"PingTimeout":       int64(o.PingTimeout),
		"UpgradeTimeout":    int64(o.UpgradeTimeout),
		"ConnectTimeout":    int64(o.ConnectTimeout),
		"AttachmentTimeout": int64(o.AttachmentTimeout),
		"WriteTimeout":      int64(o.WriteTimeout),
		"BodyTimeout":       int64(o.BodyTimeout),
		"PauseTimeout":      int64(o.PauseTimeout),
		"MaxHTTPBufferSize": int64(o.MaxHTTPBufferSize),
		"MaxHeaderBytes":    int64(o.MaxHeaderBytes),
		"MaxAttachments":    int64(o.MaxAttachments),
		"MaxQueueBytes":     int64(o.MaxQueueBytes),
		"MaxQueuePackets":   int64(o.MaxQueuePackets),
		"MaxInboxBytes":     int64(o.MaxInboxBytes),
		"MaxInboxPackets":   int64(o.MaxInboxPackets),
		"MaxConnections":    int64(o.MaxConnections),
		"MaxPending":        int64(o.MaxPending),
		"MessageTimeout":    int64(o.MessageTimeout),
		"MaxNamespaces":     int64(o.MaxNamespaces),
		"MaxAuthBytes":      int64(o.MaxAuthBytes),
		"MaxConnAuthBytes":  int64(o.MaxConnAuthBytes),
		"MaxRooms":          int64(o.MaxRooms),
		"MiddlewareTimeout": int64(o.MiddlewareTimeout),

		"MaxDynamicNamespaces": int64(o.MaxDynamicNamespaces),
		"MaxPendingAcks":       int64(o.MaxPendingAcks),
		"ShutdownRate":         int64(o.ShutdownRate),
	} {
		if v < 0 {
			panic("socketio: Options." + name + " must not be negative")
		}
	}
	durations.CheckOptions("socketio: Options", o, time.Millisecond)
	if o.Overflow > OverflowDropOldest {
		panic("socketio: Options.Overflow is none of the Overflow constants")
	}
	if o.MaxAttachments > 99 {
		panic("socketio: Options.MaxAttachments must not be more than 99")
	}
}

func setDefault[T ~int | ~int64](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func (o *Options) engine() *engineio.Options {
	e := &engineio.Options{
		PingInterval:     o.PingInterval,
		PingTimeout:      o.PingTimeout,
		UpgradeTimeout:   o.UpgradeTimeout,
		MessageTimeout:   o.MessageTimeout,
		WriteTimeout:     o.WriteTimeout,
		BodyTimeout:      o.BodyTimeout,
		PauseTimeout:     o.PauseTimeout,
		MaxPayload:       o.MaxHTTPBufferSize,
		MaxHeaderBytes:   o.MaxHeaderBytes,
		MaxQueueBytes:    o.MaxQueueBytes,
		MaxQueueMessages: o.MaxQueuePackets,
		MaxQueuedBytes:   o.MaxQueuedBytes,
		ShutdownRate:     o.ShutdownRate,
		MaxConnections:   o.MaxConnections,
		MaxPending:       o.MaxPending,
		Transports:       o.Transports,
		DisableUpgrades:  o.DisableUpgrades,
		AllowEIO3:        o.AllowEIO3,
		CORS:             o.CORS,
		TrustedProxies:   o.TrustedProxies,
		Driver:           o.Driver,

		SessionBinding: o.SessionBinding,
		GenerateID:     o.GenerateID,
		InitialPacket:  o.InitialPacket,
		Cookie:         o.Cookie,
		InitialHeaders: o.InitialHeaders,
		Headers:        o.Headers,

		HTTPCompression:   o.HTTPCompression,
		PerMessageDeflate: o.PerMessageDeflate,
		LogPackets:        o.LogPackets,
		Logger:            o.Logger,
		Observers:         slices.DeleteFunc(slices.Clone(o.Observers), func(v any) bool { return !observesConns(v) }),
	}
	if f := o.Handshake; f != nil {
		e.Handshake = func(r *http.Request) (context.Context, error) {
			ctx, err := f(r)
			if pub, ok := asConnectError(err); ok {
				err = &engineio.Refusal{Message: pub.Message}
			}
			return ctx, err
		}
	}
	return e
}
