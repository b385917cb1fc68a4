// SPDX-License-Identifier: MIT

// This file holds the emitter.

package redisadapter

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
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
// its servers, in Go and in Node.js.
type Emitter = cluster.Emitter

// An EmitterBroadcast selects sockets; see cluster.EmitterBroadcast.
type EmitterBroadcast = cluster.EmitterBroadcast

// An emitter publishes.
type emitter struct {
	client rueidis.Client
	mode   Mode
	opts   EmitterOptions
}

// NewEmitter returns an Emitter for the namespace "/". The client stays the caller's. If o
// is nil, the defaults are used.
//
//	e := redisadapter.NewEmitter(client, redisadapter.ModeClassic, nil)
//	err := e.To("orders").Emit("paid", order)
//
// Each call waits until Redis has the message, which says nothing about the servers: with
// none, the message is lost. With ModeStreams the stream keeps it, and clients that come
// back receive it. Calls of one goroutine arrive in order, those with ModeSharded on a
// Redis Cluster in order for each room. The methods of the Emitter may be called from any
// goroutine.
func NewEmitter(client rueidis.Client, mode Mode, o *EmitterOptions) *Emitter {
	e := &emitter{client: client, mode: mode}
	if o != nil {
		e.opts = *o
	}
	if e.opts.Prefix == "" {
		e.opts.Prefix = defaultPrefix
	}
	streams := (&StreamsOptions{Stream: e.opts.Stream, Streams: e.opts.Streams, MaxLen: e.opts.MaxLen}).withDefaults()
	e.opts.Stream, e.opts.Streams, e.opts.MaxLen = streams.Stream, streams.Streams, streams.MaxLen
	if e.opts.Timeout <= 0 {
		e.opts.Timeout = 5 * time.Second
	}
	if e.opts.MaxMessage <= 0 {
		e.opts.MaxMessage = 16 << 20
	}
	return cluster.NewEmitter(e.send)
}

// send encodes a message and publishes it. In the classic format only broadcasts and
// events for servers name a sender.
func (e *emitter) send(m *nodewire.Message) (err error) {
	c := cluster.Channel{Class: cluster.ClassRequests, Namespace: m.Namespace}
	if m.Kind == nodewire.KindBroadcast {
		c = e.mode.rooms().Route(m.Namespace, m.Target.Rooms)
	}
	var data []byte
	switch {
	case e.mode == ModeStreams:
		data, err = streamsCodec{}.Append(nil, cluster.Channel{Class: cluster.ClassLog, Namespace: m.Namespace}, m)
	case e.mode.sharded():
		data, err = nodewire.AppendEnvelope(nil, m, false)
	default:
		if m.Kind != nodewire.KindBroadcast && m.Kind != nodewire.KindServerSideEmit {
			m.From = ""
		}
		data, err = nodewire.AppendClassic(nil, m)
	}
	if err != nil {
		return err
	}
	return e.publish(c, data)
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
