// SPDX-License-Identifier: MIT

// Package redisadapter connects servers by Redis 7 or Valkey: one server, a Redis Cluster,
// or one that Sentinels watch. Servers in Node.js can be part of the cluster:
//
//	redis := rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}}
//	io := socketio.NewServer(&socketio.Options{Cluster: redisadapter.Classic(redis, nil)})
//
// Classic is createAdapter of the npm package @socket.io/redis-adapter, Sharded is its
// createShardedAdapter, Streams that of @socket.io/redis-streams-adapter, with clients that are
// recovered on any server. An Emitter sends events from a process that is not a server.
//
// # Order
//
// With Classic, and with one Redis server, the events of one server arrive in the order in
// which they were sent. With Sharded on a Redis Cluster that holds for those to one room,
// and for those to no room or several; events to different rooms may overtake each other.
//
// With Streams all servers have the events of all servers in one order.
//
// # Connections
//
// A server has two connections to each Redis server that it uses: one for messages that it
// sends, and one for subscriptions, of all namespaces. With Streams there are two more for
// each stream: one that adds entries, one that waits for them. All are made again when they
// break, with growing pauses of up to a second, and what was subscribed is subscribed
// again. When a slot of a Redis Cluster moves, so do its subscriptions. Messages wait in
// a queue of bounded size until Redis has answered those before them. When a connection
// breaks, those that it has not answered are not sent again: they may have arrived.
//
// # Reading order
//
// names.go (the names of channels), options.go, dials.go (connections that end with the
// bus), pause.go, slots.go (of a Redis Cluster), table.go (which subscriptions are wanted,
// and which Redis has), order.go (messages that wait while their slot moves), subscriber.go
// (a connection for subscriptions), outbox.go (messages to be sent), node.go (a Redis
// server), routes.go (which of them has which channel), finder.go (finds them), sender.go
// (sends messages), prober.go (checks that they arrive), count.go (the number of
// subscribers), bus.go, redisadapter.go (the constructors); emitter.go stands alone. Of Streams: entries.go (the fields of entries), links.go (the
// server that has a key), feed.go (gives entries to the node), appender.go (adds entries),
// reader.go (reads them as they are added), history.go (reads those of before), scripts.go,
// sessions.go, expiry.go (the end of sessions), streams.go.
package redisadapter
