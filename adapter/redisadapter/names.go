// SPDX-License-Identifier: MIT

// This file holds the names that Node.js gives to channels.

package redisadapter

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"socketio/adapter/cluster"
)

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
	// ModeStreams is createAdapter of @socket.io/redis-streams-adapter; see Streams.
	ModeStreams
)

// sharded reports whether the channels are those of a shard.
func (m Mode) sharded() bool { return m != ModeClassic && m != ModeStreams }

// rooms says which broadcasts are published to the channel of a room.
func (m Mode) rooms() cluster.RoomMode {
	switch m {
	case ModeSharded:
		return cluster.RoomsSeparate
	case ModeShardedStatic, ModeStreams:
		return cluster.RoomsTogether
	}
	return cluster.RoomsAndSockets
}

// channel returns the name of a channel of a namespace.
func (m Mode) channel(prefix string, c cluster.Channel) string {
	if m == ModeClassic {
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

// stream returns the name of the stream that has the log of a namespace, one of count. Like
// Node.js it has names with negative numbers, which servers in Node.js do not read.
func stream(name string, count int, namespace string) string {
	if count == 1 {
		return name
	}
	var hash int32
	for _, unit := range utf16.Encode([]rune(namespace)) {
		hash = 31*hash + int32(unit)
	}
	return fmt.Sprintf("%s-%d", name, hash%int32(count))
}

// beside returns the name of a key in the same slot of a Redis Cluster as another key. ok
// is false without one.
func beside(key, suffix string) (name string, ok bool) {
	i := strings.IndexByte(key, '{')
	if i < 0 {
		return "{" + key + "}" + suffix, key != "" && !strings.Contains(key, "}")
	}
	return key + suffix, strings.IndexByte(key[i+1:], '}') > 0
}
