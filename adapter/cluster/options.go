// SPDX-License-Identifier: MIT

// This file holds the options and errors.

package cluster

import (
	"errors"
	"time"
)

// A RoomMode says which broadcasts a node receives: all, or only those to its rooms. All
// nodes of a cluster must publish in the same way.
type RoomMode uint8

const (
	// RoomsSeparate gives each room a channel, which only nodes with members receive,
	// except rooms whose names look like ids of sockets; see nodewire.LooksPrivate. It is
	// the mode "dynamic" of Node.js.
	RoomsSeparate RoomMode = iota
	// RoomsAndSockets gives each room a channel, also the rooms of single sockets: the
	// mode "dynamic-private" of Node.js.
	RoomsAndSockets
	// RoomsTogether sends all broadcasts to all nodes: the mode "static" of Node.js.
	RoomsTogether
	// RoomsByPattern publishes as RoomsAndSockets does, but receives the broadcasts to all
	// rooms by one subscription to ClassAnyRoom.
	RoomsByPattern
)

// Route returns the channel to which a broadcast to rooms is published.
func (m RoomMode) Route(namespace string, rooms []string) Channel {
	if len(rooms) == 1 && m.separate(rooms[0]) {
		return Channel{Class: ClassRoom, Namespace: namespace, Name: rooms[0]}
	}
	return Channel{Class: ClassEvents, Namespace: namespace}
}

// An Ordering is the domain within which a Bus keeps the order of the messages of one
// node.
type Ordering uint8

const (
	// OrderedByNode: all messages of a node in a namespace are received in order.
	OrderedByNode Ordering = iota
	// OrderedByChannel: only messages of a node to one channel are received in order, for
	// which ClassEvents and ClassRequests of a namespace are one. Broadcasts to one room may
	// overtake those to others, and be overtaken by operations on sockets.
	OrderedByChannel
)

// Options configure a Cluster. The zero value is ready for use. Durations and sizes of 0
// have the defaults.
type Options struct {
	// Name is the beginning of the node's name for people: in logs, in
	// adapter.PartialError, in RemoteSocket.Node. By default the name is random.
	Name string
	// Codec encodes messages. All nodes must have the same. Defaults to Envelope.
	Codec Codec
	// Rooms says which broadcasts this node receives. With a LogBus it is RoomsTogether.
	Rooms RoomMode
	// Ordering is a property of the Bus.
	Ordering Ordering
	// NodeHeartbeats is a property of the Bus: servers in Node.js that share it announce
	// themselves by heartbeats in each namespace, and expect them of others. With a Secret
	// it means nothing.
	NodeHeartbeats bool

	// Secret, if set, proves that a node belongs to the cluster: heartbeats have an HMAC
	// with it, and those without are dropped. The clocks of the nodes may differ by one
	// minute. All other messages are not protected; see Sealed. Servers in Node.js do not
	// have heartbeats. It must have 16 bytes at least.
	Secret []byte
	// Sealed adds an HMAC with the Secret to each message, and drops those without. It
	// excludes servers in Node.js and emitters, and breaks those that are subscribed to the
	// same channels: give the cluster a prefix of its own. Messages are not encrypted.
	Sealed bool
	// Announcer, if not nil, adds data to the heartbeats.
	Announcer Announcer

	// Heartbeat is the time between two heartbeats. Defaults to 5 s.
	Heartbeat time.Duration
	// Lease is how long a node counts as alive after it was last heard. Defaults to 10 s.
	// It must be the same on all nodes, and at least twice the Heartbeat.
	Lease time.Duration
	// EchoTimeout is how long the node's own heartbeat may take to come back before the
	// cluster counts as degraded, and the bus makes a new connection. It may take four times
	// as long while other messages arrive, and as long again after the process was frozen.
	// Defaults to 3 s.
	EchoTimeout time.Duration
	// JoinTimeout is how long a join waits until other nodes publish to this one.
	// Defaults to 1 s.
	JoinTimeout time.Duration
	// Linger is how long a room without members stays subscribed. Defaults to 1 s.
	Linger time.Duration
	// Introduction is how long a request waits after the creation of its namespace until
	// the other nodes are known. Defaults to 200 ms.
	Introduction time.Duration

	// MaxMessage is the maximum size of a message in bytes. Larger ones are neither sent
	// nor read. Defaults to 16 MiB.
	MaxMessage int
	// MaxAnswering is the maximum number of requests of other nodes that are being
	// answered, in all namespaces. Those above are answered at once, as if no socket
	// matched. Defaults to 1024.
	MaxAnswering int
	// MaxServerEvents is the maximum number of events for servers that wait for their
	// handlers, for each namespace. Those above are dropped. Defaults to 1024.
	MaxServerEvents int
}

// withDefaults returns a copy of o, which may be nil, with the defaults.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Codec == nil {
		c.Codec = Envelope{}
	}
	for d, standard := range map[*time.Duration]time.Duration{
		&c.Heartbeat: 5 * time.Second, &c.Lease: 10 * time.Second, &c.EchoTimeout: 3 * time.Second,
		&c.JoinTimeout: time.Second, &c.Linger: time.Second, &c.Introduction: 200 * time.Millisecond,
	} {
		if *d <= 0 {
			*d = standard
		}
	}
	for n, standard := range map[*int]int{&c.MaxMessage: 16 << 20, &c.MaxAnswering: 1024, &c.MaxServerEvents: 1024} {
		if *n <= 0 {
			*n = standard
		}
	}
	const shortest = 16
	switch {
	case c.Secret != nil && len(c.Secret) < shortest:
		panic("cluster: Options.Secret has less than 16 bytes: it can be guessed")
	case c.Sealed && c.Secret == nil:
		panic("cluster: Options.Sealed is set without Options.Secret")
	}
	if c.Lease < 2*c.Heartbeat {
		panic("cluster: Options.Lease is less than two heartbeats: a single lost heartbeat would remove a node")
	}
	return c
}

// Errors of a node.
var (
	// ErrTooLarge is returned for a message of more than Options.MaxMessage bytes. Other
	// nodes do not receive it.
	ErrTooLarge = errors.New("cluster: the message is larger than MaxMessage")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("cluster: closed")
	// errNotSubscribed is wrapped by the cause of a degraded cluster that is not subscribed
	// to all its channels.
	errNotSubscribed = errors.New("cluster: the channels of a namespace can't be subscribed")
	// errDeaf is the cause of a degraded cluster whose bus does not deliver.
	errDeaf = errors.New("cluster: the bus does not deliver this node's own heartbeats")
)
