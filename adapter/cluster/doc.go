// SPDX-License-Identifier: MIT

// Package cluster connects servers by a bus that carries messages: a broker such as
// Redis, or for tests a network in memory. It holds what all buses have in common, and
// is the adapter.Cluster of a server:
//
//	opts.Cluster = cluster.New(bus, nil)
//
// A Bus publishes to channels and subscribes to them; it knows neither namespaces nor
// sockets. A Codec encodes messages; the default is the envelope of package nodewire.
//
// # Membership
//
// Each node sends a heartbeat to all others, with the names of its namespaces. A node
// that has not been heard for Options.Lease has left: it is no longer asked, and
// requests that await its answers end. A node that has not sent a heartbeat for that long
// was frozen, or the bus was down: it takes a new epoch and announces itself again before
// it handles a message. A node that creates a namespace asks the others for theirs;
// requests wait for the answers for a short time.
//
// # Requests
//
// FetchSockets, broadcasts with acknowledgements and server events with acknowledgements
// ask all nodes that have the namespace. They end with their context at the latest, and
// name the nodes that have not answered.
//
// # Rooms
//
// A broadcast to exactly one room is published to a channel of that room, unless
// Options.Rooms is RoomsTogether. All others go to every node of the namespace. Rooms are
// subscribed in batches when they get their first member on this node, and unsubscribed
// a second after they have lost the last.
//
// # The bus fails
//
// Broadcasts always reach the members of this node. If the bus is known to be down, or
// does not deliver this node's own heartbeats, the cluster is degraded: Health, the log
// and Ready say so, emits return the error of the bus, requests return at once with what
// this node knows, and joins do not wait. Nothing is stored for later.
//
// # Buses with logs
//
// A LogBus has a log for each namespace. Broadcasts and operations on sockets that ask for
// no answers are appended to it, and reach the nodes in one order, also a node that had
// lost its connection. Requests, answers and events for servers are published; they say up
// to where their sender had read the log, and others handle them when they have read as
// much. A request waits until the entries of its own node have come back, so that it does
// not overtake them.
//
// # Messages that come again
//
// Nodes number their messages, so that a bus that delivers one twice, for example when it
// makes a new connection, does no harm. Servers in Node.js and emitters do not.
//
// # Sessions
//
// With a LogBus, all nodes see the sessions of clients. Each belongs to a node. A node to
// which a client comes back asks the owner to end the old socket, if it lives, and takes
// the session then. If the owner does not answer, it waits until that is dead: until its
// lease has lapsed. A node whose own lease may have lapsed because it was frozen handles
// nothing of its clients until it knows which sessions were taken, and has ended their
// sockets. While the bus is down, nodes serve their clients alone.
//
// # Foreign messages
//
// Messages that are malformed, too large, or of unknown kinds are dropped and counted;
// the log names them, at most once a minute for each reason.
//
// # Reading order
//
// bus.go (the contract of a bus), logbus.go (that of a bus with a log), queue.go (what a bus has to send), codec.go (encodings), options.go, stats.go (counters,
// reports of dropped messages), seal.go (sealed messages), repeats.go (messages that come
// again), health.go (whether the bus works), announce.go (what nodes say about
// themselves), members.go (the table of nodes), interest.go (subscriptions to rooms), pending.go (requests that await
// answers), services.go (what all namespaces of a node share), space.go (a namespace), eventlog.go (the log of a namespace), sharedread.go (reading it for several clients), held.go (messages that have overtaken it),
// operations.go (operations on many sockets), peers.go (servers in Node.js), ask.go
// (requests to other nodes), events.go (events for servers), handover.go (sockets whose
// clients have come to another node), gate.go (for how long clients may be served), answer.go
// (requests of other nodes), logread.go (what the node reads from logs), cluster.go (the node), beat.go (heartbeats and the lease),
// owned.go (sessions that were taken), ended.go, store.go (the shared store), ready.go,
// emitter.go (processes without a server).
package cluster
