// SPDX-License-Identifier: MIT

// This file holds the options of a Server and their defaults.

package socketio

import (
	"cmp"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/durations"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// CORS lets pages of other origins connect. See engineio.CORS.
type CORS = engineio.CORS

// Options configure a Server. The zero value, and nil, mean the defaults, and so does
// each zero field. NewServer copies the options. It panics on a duration below one
// millisecond, which is a number without its unit: 25*time.Second, not 25000.
//
// The fields that most programs need are here. Bounds of sockets are in Limits, and
// everything else about connections is in Engine. A field that Options and Engine both
// have may be set in either; NewServer panics if it is set in both.
type Options struct {
	// PingInterval is the time from a pong to the next ping, and PingTimeout the time
	// a client has to answer it; then its connection closes. Defaults 25 s and 20 s.
	PingInterval time.Duration
	PingTimeout  time.Duration
	// MaxPayload bounds one incoming message or request body, in bytes. A larger one
	// closes the connection: code 1009 on WebSocket, status 413 on polling. It is
	// maxHttpBufferSize of npm socket.io. Default 1,000,000.
	MaxPayload int
	// MaxConnections bounds the clients; more are answered 503. A client that has
	// disconnected counts until the handlers, middlewares and functions of OfMatch that
	// were called for it have returned. Default unlimited, but clients are answered 503
	// while 50,000 that have disconnected still run handlers, or hold as many bytes as
	// Engine.QueueBudget.
	MaxConnections int
	// Overflow is what happens to an event when a client's send queue is full, unless
	// Broadcast.Overflow says otherwise; Engine.MaxQueueBytes and MaxQueueMessages
	// bound the queue. Other packets always close the connection. Default
	// OverflowClose.
	Overflow Overflow

	// Transports are the enabled transports, of "polling", "websocket" and
	// "webtransport". WebTransport also needs an HTTP/3 server; see package
	// socketio/engineio/webtransport. Default polling and websocket.
	Transports []string
	// AllowEIO3 accepts clients of Socket.IO 1 and 2, which speak Engine.IO 3. They
	// join "/" without asking, and the ids of their sockets are derived from the
	// Engine.IO session id; see Socket.ID.
	AllowEIO3 bool
	// CORS lets pages of other origins connect. If nil, only same-origin pages and
	// non-browser clients may connect.
	CORS *CORS
	// TrustedProxies are the peers whose X-Forwarded-For, X-Forwarded-Proto and
	// X-Forwarded-Host headers are used. The entry engineio.UnixSocket means peers on
	// a Unix socket. Default none.
	TrustedProxies []netip.Prefix
	// Handshake runs for each new connection, in its HTTP request, before a session
	// exists. An error rejects the request with status 403; a *ConnectError also
	// supplies the text. The values of its context are those of Socket.Context, so
	// values stored by an HTTP middleware are there. The request must not be kept.
	Handshake func(*http.Request) (context.Context, error)

	// ClientFiles are the files to serve in place of the embedded browser client, under
	// their own names. Only files at the root are served, not those in folders. A file
	// with the name of another and the suffix .br or .gz is its compressed form, and must
	// have the same content. NewServer reads all files once, and panics if it can't, if
	// there are none, more than 256, or more than 32 MiB. A request whose path ends in
	// the name of a file gets that file, so no file may have the name with which the path
	// of the server ends. NoClientFiles{} serves none and answers 404. If nil, the
	// embedded client is served.
	ClientFiles fs.FS

	// Recovery lets clients that lose their connection continue where they were, with
	// the same socket id, rooms and data, and without a lost event. If nil, each
	// connection begins with a new socket. With a Cluster that has no log it needs
	// Recovery.LocalOnly.
	Recovery *Recovery

	// Cluster joins the server to others. It belongs to one server, which closes it. The
	// default is none: adapter.Alone.
	Cluster adapter.Cluster

	// Codec is the packet format; all clients must use the same. JSON is the default
	// format with another JSON library, and package parser/msgpack has another format.
	// If nil, the default format with encoding/json.
	Codec parser.Codec

	// Observers watch the server, for metrics, traces or an admin page. Each implements
	// one or more of the interfaces of observer.go: ConnObserver, UpgradeObserver,
	// RefusalObserver, TrafficObserver, DropObserver, SocketObserver, RecoveryObserver,
	// RoomObserver, ClusterObserver, NamespaceObserver, EventObserver, RetryObserver,
	// SendObserver, ErrorObserver, TraceObserver, AckObserver, PressureObserver.
	// NewServer panics on a value that implements none. They are called from many
	// goroutines at once, in the order given. A panic in one is logged the first time
	// and has no other effect.
	Observers []any

	// Logger receives faults of the application as errors, problems for an operator as
	// warnings, and the reasons of rejections at level Debug. The keys are in
	// docs/observability.md; session ids, cookies, Authorization headers and auth
	// payloads are never logged. If nil, warnings and errors go to slog.Default; to
	// silence the server use slog.New(slog.DiscardHandler).
	Logger *slog.Logger

	// Limits are the bounds of sockets, namespaces and handlers.
	Limits SocketLimits
	// Engine are the other options of connections: queues, time limits, the upgrade,
	// cookies and headers, compression, session ids, the packet log.
	Engine engineio.Options
}

// SocketLimits are the bounds of sockets, namespaces and handlers; see
// Options.Limits. A zero field means its default.
type SocketLimits struct {
	// ConnectTimeout is how long a client may be connected without having joined a
	// namespace; then its connection closes. Default 45 s.
	ConnectTimeout time.Duration
	// MiddlewareTimeout is how long the middlewares of a namespace, and the function
	// of OfMatch, may take to decide on a client; then the client gets a connect_error
	// "timeout". The middleware keeps running; Socket.Context has ended. Default 30 s.
	MiddlewareTimeout time.Duration
	// AttachmentTimeout is how long the binary attachments of an event may take to
	// arrive; then the connection closes. Default 30 s.
	AttachmentTimeout time.Duration

	// MaxAttachments bounds the binary attachments of one event; a client that sends
	// more is disconnected. Default 10, at most 99.
	MaxAttachments int
	// MaxInboxBytes and MaxInboxPackets bound the packets that wait for the handlers of
	// one connection, those of all its namespaces together. At the bound the connection
	// is not read until the handlers catch up, nor while handlers of 16 sockets that have
	// left it still run. Engine.PauseTimeout bounds that time. Defaults 2 MiB and 1024.
	MaxInboxBytes   int
	MaxInboxPackets int
	// MaxNamespaces bounds the namespaces that one client joins over one connection;
	// more get a connect_error. Default 128.
	MaxNamespaces int
	// MaxAuthBytes bounds the auth that a client sends when it joins a namespace, in
	// bytes on the wire: it is kept for the life of the socket. MaxConnAuthBytes bounds
	// that of all namespaces of one connection together. More get a connect_error that
	// names the bound. Defaults 64 KiB, and four times MaxAuthBytes.
	MaxAuthBytes     int
	MaxConnAuthBytes int
	// MaxDynamicNamespaces bounds the namespaces that parents have created for clients; a
	// client that asks for one more gets a connect_error. Once half of them exist, the
	// server creates at most 32 of them for one connection, which may still join existing
	// ones. Default 10,000.
	MaxDynamicNamespaces int
	// KeepEmptyNamespaces keeps the namespaces that parents have created when their last
	// socket leaves, if a socket has joined. At MaxDynamicNamespaces the one that has
	// been empty longest is removed to make room.
	KeepEmptyNamespaces bool
	// MaxRooms bounds the rooms of one socket; Join returns ErrTooManyRooms. Default
	// 10,000.
	MaxRooms int
	// ReserveSocketIDs makes Join and SocketsJoin reject with ErrSocketRoom a room
	// named by the id of another socket on this server, from its CONNECT to its end:
	// members of such a room receive what is sent only to that socket. By default
	// they can be joined, as with npm socket.io.
	ReserveSocketIDs bool
	// MaxPendingAcks bounds the acknowledgements awaited from one socket; EmitWithAck
	// returns ErrTooManyPendingAcks. Default 65,536.
	MaxPendingAcks int
}

// NoClientFiles, as Options.ClientFiles, serves no browser client: its paths are
// answered 404. It is a file system without files.
type NoClientFiles struct{}

// Open returns fs.ErrNotExist.
func (NoClientFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// JSON returns the default packet format with other JSON functions than those of
// encoding/json, for Options.Codec. They are called for values that are not strings,
// numbers, booleans, raw JSON or bytes, from many goroutines at once, and must follow the
// rules of encoding/json: tags, marshalers, byte slices as base64. A nil function means
// that of encoding/json.
func JSON(marshal func(any) ([]byte, error), unmarshal func([]byte, any) error) parser.Codec {
	return &binding.Codec{Marshal: marshal, Unmarshal: unmarshal}
}

// config is Options with the defaults filled in; its limits are those of the embedded
// SocketLimits.
type config struct {
	Options
	SocketLimits
}

func withDefaults(o *Options) config {
	var c config
	if o != nil {
		c.Options = *o
	}
	c.SocketLimits = c.Limits
	c.merge()
	setDefault(&c.ConnectTimeout, 45*time.Second)
	setDefault(&c.AttachmentTimeout, 30*time.Second)
	setDefault(&c.MaxPayload, 1_000_000)
	setDefault(&c.MaxAttachments, 10)
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
	if c.Cluster == nil {
		c.Cluster = adapter.Alone()
	}
	c.Recovery = withRecovery(c.Recovery, c.Cluster)
	c.Logger = telemetry.Logger(c.Logger)
	return c
}

// merge gives the fields that Options and Engine both have the same value in both. It
// panics on one that is set in both, since one of the two would have no effect.
func (o *Options) merge() {
	daily, engine := reflect.ValueOf(o).Elem(), reflect.ValueOf(&o.Engine).Elem()
	for i := range daily.NumField() {
		name := daily.Type().Field(i).Name
		d, e := daily.Field(i), engine.FieldByName(name)
		switch {
		case !e.IsValid():
		case e.IsZero():
			e.Set(d)
		case d.IsZero():
			d.Set(e)
		default:
			panic("socketio: Options." + name + " and Options.Engine." + name + " are both set; set one of them")
		}
	}
}

// check panics on options that can't work. Those of Engine are checked by engineio.
func (c *config) check() {
	all := map[string]any{"socketio: Options": &c.Options, "socketio: Options.Limits": &c.SocketLimits}
	if c.Recovery != nil {
		all["socketio: Options.Recovery"] = c.Recovery
	}
	for prefix, options := range all {
		durations.CheckSigns(prefix, options)
		durations.CheckOptions(prefix, options, time.Millisecond)
	}
	if c.Overflow > OverflowDropOldest {
		panic("socketio: Options.Overflow must be one of the Overflow constants")
	}
	if c.Recovery != nil && c.Cluster != nil {
		switch r := c.Recovery; {
		case !r.LocalOnly && r.Store == nil && storeOf(c.Cluster) != nil:
		case !r.LocalOnly:
			panic("socketio: Options.Recovery and Options.Cluster are both set, and no Store is shared by servers; Recovery.LocalOnly recovers clients that come back to the same server")
		case r.Store != nil && r.Store.Durable():
			panic("socketio: Options.Recovery.LocalOnly is set with a durable Store, which would delay the events of other servers; use one in memory")
		}
	}
	if c.MaxAttachments > 99 {
		panic("socketio: Options.Limits.MaxAttachments must not be more than 99")
	}
}

func setDefault[T ~int | ~int64](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// engine are the options for the engine: those of Engine, which merge has completed.
func (c *config) engine() *engineio.Options {
	e := c.Engine
	e.MaxPayload, e.Logger = c.MaxPayload, c.Logger
	e.Observers = slices.DeleteFunc(slices.Clone(c.Observers), func(v any) bool { return !observesConns(v) })
	if f := c.Handshake; f != nil {
		e.Handshake = func(r *http.Request) (context.Context, error) {
			ctx, err := f(r)
			if pub, ok := asConnectError(err); ok {
				err = &engineio.Refusal{Message: pub.Message}
			}
			return ctx, err
		}
	}
	return &e
}

// observesConns reports whether v is an observer for package engineio.
func observesConns(v any) bool {
	switch v.(type) {
	case engineio.ConnObserver, engineio.UpgradeObserver, engineio.RefusalObserver, engineio.TrafficObserver, engineio.DropObserver:
		return true
	}
	return false
}

// batching reports whether the send queues have room for what a Batch leaves in them.
func (c *config) batching() bool {
	const times = 4
	packets, bytes := cmp.Or(c.Engine.MaxQueueMessages, 16384), cmp.Or(c.Engine.MaxQueueBytes, 4<<20)
	return packets >= times*adapter.MaxBatch && bytes >= times*adapter.MaxBatchBytes
}
