// SPDX-License-Identifier: MIT

// This file holds the emitter.

package pgadapter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
	"socketio/parser"
)

// EmitterOptions configure an Emitter. The zero value is ready for use.
type EmitterOptions struct {
	// Prefix, Table and TablePrefix are those of the servers; see Options.
	Prefix, Table, TablePrefix string
	// Timeout limits how long a call waits for Postgres. Defaults to 5 s.
	Timeout time.Duration
	// MaxMessage is the maximum size of a message in bytes. Defaults to 16 MiB, as for
	// servers.
	MaxMessage int
}

// An Executor sends statements: a *pgxpool.Pool, a *pgx.Conn, or a pgx.Tx.
type Executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// An Emitter sends events to the clients of a cluster from a process that is not one of
// its servers, such as a worker. An Emitter receives nothing: it can't ask for
// acknowledgements or find sockets.
//
//	e := pgadapter.NewEmitter(pool, nil)
//	err := e.To("orders").Emit("paid", order)
//
// Each call waits until Postgres has the message, which says nothing about the servers. In
// a transaction, the event is sent when the transaction ends, and not at all if it is rolled
// back. Calls of one goroutine arrive in order. All methods may be called from any
// goroutine if the Executor allows it.
type Emitter struct{ selection }

// An EmitterBroadcast selects sockets and how events are sent to them. It is a value: each
// method returns a modified copy.
type EmitterBroadcast struct{ selection }

// A selection is what Emitter and EmitterBroadcast have in common.
type selection struct {
	core   *emitter
	nsp    string
	target adapter.Target
	flags  adapter.Flags
}

// An emitter publishes.
type emitter struct {
	db     Executor
	opts   EmitterOptions
	name   naming
	format format
	schema *schema // of the log; nil for Notify
	wake   string  // the channel of wake-ups
	count  atomic.Uint64
}

// NewEmitter returns an Emitter for the namespace "/" of servers with Notify, and of servers
// in Node.js with @socket.io/postgres-adapter. db stays the caller's. If o is nil, the
// defaults are used.
func NewEmitter(db Executor, o *EmitterOptions) *Emitter {
	opts, core := newEmitter(db, o)
	core.name, core.format.node = asNode(opts.Prefix), true
	return &Emitter{selection{core: core, nsp: "/"}}
}

// NewOutboxEmitter is NewEmitter for servers with Outbox. A transaction that has emitted
// keeps all servers from sending until it ends: it should emit last.
func NewOutboxEmitter(db Executor, o *EmitterOptions) *Emitter {
	opts, core := newEmitter(db, o)
	core.name, core.schema, core.wake = hashed(opts.Prefix), newSchema(&opts, true), wakeChannel(opts.Prefix)
	return &Emitter{selection{core: core, nsp: "/"}}
}

func newEmitter(db Executor, o *EmitterOptions) (Options, *emitter) {
	core := &emitter{db: db}
	if o != nil {
		core.opts = *o
	}
	if core.opts.Timeout <= 0 {
		core.opts.Timeout = 5 * time.Second
	}
	if core.opts.MaxMessage <= 0 {
		core.opts.MaxMessage = 16 << 20
	}
	opts := (&Options{Prefix: core.opts.Prefix, Table: core.opts.Table, TablePrefix: core.opts.TablePrefix}).withDefaults()
	core.format = format{self: nodewire.FromEmitter, table: opts.Table}
	return opts, core
}

// Of returns an Emitter for another namespace. "" is "/", and a missing leading slash is
// added.
func (e *Emitter) Of(namespace string) *Emitter {
	if !strings.HasPrefix(namespace, "/") {
		namespace = "/" + namespace
	}
	return &Emitter{selection{core: e.core, nsp: namespace}}
}

// ServerSideEmit sends an event to the servers, which receive it by OnServerSideEmit in
// the namespace of the same name. Otherwise it is like Emit, with the reserved names
// connect, connection and new_namespace.
func (e *Emitter) ServerSideEmit(event string, args ...any) error {
	switch event {
	case "connect", "connection", "new_namespace":
		return reserved(event)
	}
	p, err := nodewire.EncodeEvent(event, args...)
	if err != nil {
		return err
	}
	return e.publish(&nodewire.Message{Kind: nodewire.KindServerSideEmit, Event: p})
}

// To adds rooms; see socketio.Broadcast. Without To, all sockets of the namespace are
// selected. To() without arguments selects no sockets unless other rooms are added.
func (s selection) To(rooms ...string) EmitterBroadcast {
	s.target.Rooms = append(slices.Grow(slices.Clip(s.target.Rooms), len(rooms)), rooms...)
	if s.target.Rooms == nil {
		s.target.Rooms = []string{}
	}
	return EmitterBroadcast{s}
}

// In is the same as To.
func (s selection) In(rooms ...string) EmitterBroadcast { return s.To(rooms...) }

// Except excludes the sockets in rooms, even those selected by To.
func (s selection) Except(rooms ...string) EmitterBroadcast {
	s.target.Except = append(slices.Clip(s.target.Except), rooms...)
	return EmitterBroadcast{s}
}

// Volatile drops the event for a client that can't receive it immediately.
func (s selection) Volatile() EmitterBroadcast {
	s.flags.Volatile = true
	return EmitterBroadcast{s}
}

// Compress sets whether the event may be compressed. The default is true.
func (s selection) Compress(compress bool) EmitterBroadcast {
	s.flags.Uncompressed = !compress
	return EmitterBroadcast{s}
}

// Emit sends an event to the selected sockets. Arguments are encoded as by
// socketio.Broadcast.Emit. It returns socketio.ErrReservedEvent for a name that clients
// use themselves, an error from encoding an argument, cluster.ErrTooLarge, or the error of
// Postgres: then no server has received the event, or it is not known.
func (s selection) Emit(event string, args ...any) error {
	if parser.IsReserved(event) {
		return reserved(event)
	}
	p, err := nodewire.EncodeEvent(event, args...)
	if err != nil || s.nobody() {
		return err
	}
	return s.publish(&nodewire.Message{Kind: nodewire.KindBroadcast, Event: p, Flags: s.flags})
}

// Send emits the event "message".
func (s selection) Send(args ...any) error { return s.Emit("message", args...) }

// SocketsJoin adds the selected sockets to rooms. They join soon after it returns. It
// returns socketio.ErrRoomName for a name of more than 512 bytes, or the error of
// Postgres.
func (s selection) SocketsJoin(rooms ...string) error {
	for _, room := range rooms {
		if len(room) > adapter.MaxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", adapter.ErrRoomName, len(room), adapter.MaxRoomName)
		}
	}
	return s.change(nodewire.KindSocketsJoin, rooms)
}

// SocketsLeave removes the selected sockets from rooms. They leave soon after it returns.
// It returns the error of Postgres.
func (s selection) SocketsLeave(rooms ...string) error {
	return s.change(nodewire.KindSocketsLeave, rooms)
}

func (s selection) change(kind nodewire.Kind, rooms []string) error {
	if len(rooms) == 0 {
		return nil
	}
	return s.publish(&nodewire.Message{Kind: kind, Rooms: rooms})
}

// DisconnectSockets disconnects the selected sockets from the namespace. It returns the
// error of Postgres.
func (s selection) DisconnectSockets() error {
	return s.publish(&nodewire.Message{Kind: nodewire.KindDisconnect})
}

// CloseConns closes the connections of the selected sockets, with all their namespaces. It
// returns the error of Postgres.
func (s selection) CloseConns() error {
	return s.publish(&nodewire.Message{Kind: nodewire.KindDisconnect, Close: true})
}

// nobody reports whether no sockets are selected.
func (s selection) nobody() bool { return s.target.Rooms != nil && len(s.target.Rooms) == 0 }

func reserved(event string) error {
	return fmt.Errorf("%w %q: choose another", adapter.ErrReservedEvent, event)
}

// publish sends a message and waits for the answer of Postgres.
func (s selection) publish(m *nodewire.Message) error {
	if s.nobody() {
		return nil
	}
	m.From, m.Namespace, m.Target = nodewire.FromEmitter, s.nsp, s.target
	e := s.core
	data, err := nodewire.AppendEnvelope(nil, m, false)
	if err == nil && len(data) > maxPayload-maxCount {
		data, err = nodewire.AppendEnvelope(nil, m, true) // attachments are MessagePack
	}
	if err != nil {
		return err
	}
	if len(data) > e.opts.MaxMessage {
		return cluster.ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.opts.Timeout)
	defer cancel()
	if e.schema != nil && m.Kind != nodewire.KindServerSideEmit {
		_, err = e.db.Exec(ctx, e.schema.appendSQL(), e.schema.lock("log"), s.nsp, nodewire.FromEmitter, data, e.wake)
		return err
	}
	return e.notify(ctx, e.name(cluster.Channel{Class: cluster.ClassRequests, Namespace: s.nsp}), data)
}

// maxCount is the length of the number of a notification.
const maxCount = 32

// notify sends a notification. Postgres keeps one of two that are equal in a transaction,
// so each has a number, which servers ignore.
func (e *emitter) notify(ctx context.Context, channel string, data []byte) error {
	if err := checkChannel(channel); err != nil {
		return err
	}
	if data[0] == '{' {
		data = fmt.Appendf(data[:len(data)-1], `,"count":%d}`, e.count.Add(1))
	}
	text, ok := e.format.payload(data)
	if !ok {
		_, err := e.db.Exec(ctx, e.format.insertSQL(), data, channel, e.format.header())
		return err
	}
	_, err := e.db.Exec(ctx, "SELECT pg_notify($1, $2)", channel, text)
	return err
}
