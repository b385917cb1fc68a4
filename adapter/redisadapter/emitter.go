// SPDX-License-Identifier: MIT

// This file holds the emitter.

package redisadapter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
	"socketio/parser"
)

// EmitterOptions configure an Emitter. The zero value is ready for use.
type EmitterOptions struct {
	// Prefix begins the names of channels: the option key or channelPrefix of Node.js.
	// Defaults to "socket.io".
	Prefix string
	// Timeout limits how long a call waits for Redis. Defaults to 5 s.
	Timeout time.Duration
	// MaxMessage is the maximum size of a message in bytes. Defaults to 16 MiB, as for
	// servers.
	MaxMessage int

	// These are of ModeStreams, and as in StreamsOptions.

	Stream  string
	Streams int
	MaxLen  int
}

// An Emitter sends events to the clients of a cluster from a process that is not one of
// its servers, such as a worker. The servers may be in Go and in Node.js. An Emitter
// receives nothing: it can't ask for acknowledgements or find sockets.
//
//	e := redisadapter.NewEmitter(client, redisadapter.ModeClassic, nil)
//	err := e.To("orders").Emit("paid", order)
//
// Each call waits until Redis has the message, which says nothing about the servers: with
// none, the message is lost. With ModeStreams the stream keeps it, and clients that come
// back receive it. Calls of one goroutine arrive in order, those with ModeSharded
// on a Redis Cluster in order for each room. All methods may be called from any goroutine.
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
	client rueidis.Client
	mode   Mode
	opts   EmitterOptions
}

// NewEmitter returns an Emitter for the namespace "/". The client stays the caller's. If o
// is nil, the defaults are used.
func NewEmitter(client rueidis.Client, mode Mode, o *EmitterOptions) *Emitter {
	core := &emitter{client: client, mode: mode}
	if o != nil {
		core.opts = *o
	}
	if core.opts.Prefix == "" {
		core.opts.Prefix = defaultPrefix
	}
	streams := (&StreamsOptions{Stream: core.opts.Stream, Streams: core.opts.Streams, MaxLen: core.opts.MaxLen}).withDefaults()
	core.opts.Stream, core.opts.Streams, core.opts.MaxLen = streams.Stream, streams.Streams, streams.MaxLen
	if core.opts.Timeout <= 0 {
		core.opts.Timeout = 5 * time.Second
	}
	if core.opts.MaxMessage <= 0 {
		core.opts.MaxMessage = 16 << 20
	}
	return &Emitter{selection{core: core, nsp: "/"}}
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
	return e.request(&nodewire.Message{Kind: nodewire.KindServerSideEmit, Event: p})
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
// the client: then no server has received the event, or it is not known.
func (s selection) Emit(event string, args ...any) error {
	if parser.IsReserved(event) {
		return reserved(event)
	}
	p, err := nodewire.EncodeEvent(event, args...)
	if err != nil || s.nobody() {
		return err
	}
	return s.publish(s.core.mode.rooms().Route(s.nsp, s.target.Rooms),
		&nodewire.Message{Kind: nodewire.KindBroadcast, From: nodewire.FromEmitter, Event: p, Flags: s.flags})
}

// Send emits the event "message".
func (s selection) Send(args ...any) error { return s.Emit("message", args...) }

// SocketsJoin adds the selected sockets to rooms. They join soon after it returns. It
// returns socketio.ErrRoomName for a name of more than 512 bytes, or the error of the
// client.
func (s selection) SocketsJoin(rooms ...string) error {
	for _, room := range rooms {
		if len(room) > adapter.MaxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", adapter.ErrRoomName, len(room), adapter.MaxRoomName)
		}
	}
	return s.change(nodewire.KindSocketsJoin, rooms)
}

// SocketsLeave removes the selected sockets from rooms. They leave soon after it returns.
// It returns the error of the client.
func (s selection) SocketsLeave(rooms ...string) error {
	return s.change(nodewire.KindSocketsLeave, rooms)
}

func (s selection) change(kind nodewire.Kind, rooms []string) error {
	if len(rooms) == 0 {
		return nil
	}
	return s.request(&nodewire.Message{Kind: kind, Rooms: rooms})
}

// DisconnectSockets disconnects the selected sockets from the namespace. It returns the
// error of the client.
func (s selection) DisconnectSockets() error {
	return s.request(&nodewire.Message{Kind: nodewire.KindDisconnect})
}

// CloseConns closes the connections of the selected sockets, with all their namespaces. It
// returns the error of the client.
func (s selection) CloseConns() error {
	return s.request(&nodewire.Message{Kind: nodewire.KindDisconnect, Close: true})
}

// nobody reports whether no sockets are selected.
func (s selection) nobody() bool { return s.target.Rooms != nil && len(s.target.Rooms) == 0 }

// request publishes a message that is not a broadcast. In the classic format only events
// for servers name a sender.
func (s selection) request(m *nodewire.Message) error {
	if s.nobody() {
		return nil
	}
	if s.core.mode != ModeClassic || m.Kind == nodewire.KindServerSideEmit {
		m.From = nodewire.FromEmitter
	}
	return s.publish(cluster.Channel{Class: cluster.ClassRequests, Namespace: s.nsp}, m)
}

func (s selection) publish(c cluster.Channel, m *nodewire.Message) (err error) {
	m.Namespace, m.Target = s.nsp, s.target
	var data []byte
	switch {
	case s.core.mode == ModeStreams:
		data, err = streamsCodec{}.Append(nil, cluster.Channel{Class: cluster.ClassLog, Namespace: s.nsp}, m)
	case s.core.mode.sharded():
		data, err = nodewire.AppendEnvelope(nil, m, false)
	default:
		data, err = nodewire.AppendClassic(nil, m)
	}
	if err != nil {
		return err
	}
	return s.core.publish(c, data)
}

func reserved(event string) error {
	return fmt.Errorf("%w %q: choose another", adapter.ErrReservedEvent, event)
}

// publish sends a message and waits for the answer of Redis.
func (e *emitter) publish(c cluster.Channel, data []byte) error {
	if len(data) > e.opts.MaxMessage {
		return cluster.ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(context.Background(), e.opts.Timeout)
	defer cancel()
	b, channel, message := e.client.B(), e.mode.channel(e.opts.Prefix, c), rueidis.BinaryString(data)
	switch {
	case e.mode == ModeStreams:
		x := addition{namespace: c.Namespace, data: data}
		return e.client.Do(ctx, x.command(b, stream(e.opts.Stream, e.opts.Streams, c.Namespace), "", e.opts.MaxLen, false)).Error()
	case e.mode.sharded():
		return e.client.Do(ctx, b.Spublish().Channel(channel).Message(message).Build()).Error()
	}
	return e.client.Do(ctx, b.Publish().Channel(channel).Message(message).Build()).Error()
}
