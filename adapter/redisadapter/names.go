// SPDX-License-Identifier: MIT

// This file holds the names that Node.js gives to channels.

package redisadapter

import "socketio/adapter/cluster"

// defaultPrefix is the beginning of the names of channels.
const defaultPrefix = "socket.io"

// A Mode says how the servers of a cluster use Redis. It must be the same for all servers
// and emitters of a cluster.
type Mode uint8

const (
	// ModeClassic is createAdapter of @socket.io/redis-adapter: PUBLISH and SUBSCRIBE.
	ModeClassic Mode = iota
	// ModeSharded is createShardedAdapter with the subscriptionMode "dynamic": SPUBLISH
	// and SSUBSCRIBE, with a channel for each room but those of single sockets.
	ModeSharded
	// ModeShardedPrivate is the same with "dynamic-private": those of single sockets too.
	ModeShardedPrivate
	// ModeShardedStatic is the same with "static": one channel for each namespace.
	ModeShardedStatic
)

// sharded reports whether the channels are those of a shard.
func (m Mode) sharded() bool { return m != ModeClassic }

// rooms says which broadcasts are published to the channel of a room.
func (m Mode) rooms() cluster.RoomMode {
	switch m {
	case ModeSharded:
		return cluster.RoomsSeparate
	case ModeShardedStatic:
		return cluster.RoomsTogether
	}
	return cluster.RoomsAndSockets
}

// channel returns the name of a channel of a namespace.
func (m Mode) channel(prefix string, c cluster.Channel) string {
	if !m.sharded() {
		switch c.Class {
		case cluster.ClassRequests:
			prefix += "-request"
		case cluster.ClassNode, cluster.ClassAnswers:
			prefix += "-response"
		}
	}
	if c.Class == cluster.ClassNodes {
		return prefix + "-nodes#" // Node.js does not know it
	}
	name := prefix + "#" + c.Namespace + "#"
	if c.Class == cluster.ClassRoom || c.Class == cluster.ClassNode {
		name += c.Name + "#"
	}
	return name
}
