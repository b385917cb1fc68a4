// SPDX-License-Identifier: MIT

// Package natsadapter connects servers by NATS: one server, a NATS cluster, leaf nodes, or
// a supercluster. Servers in Node.js can't take part, since npm has no adapter for NATS.
//
//	c := natsadapter.Core("nats://10.0.0.1:4222,nats://10.0.0.2:4222", nil)
//	io := socketio.NewServer(&socketio.Options{Cluster: c})
//
// Core publishes each broadcast to a subject: that of its room, or that of its namespace.
// NATS knows which servers have subscribed to it, and sends it to no others.
//
// # Order
//
// A server has one connection, for all that it sends and receives, and handles what
// arrives in the order of arrival. NATS keeps the order of the messages of one connection
// on each way, for all subjects of an account. So the events of one server arrive in the
// order in which they were sent, except around the moment at which a server changes from
// one NATS server to another.
//
// # Names
//
// The names of namespaces and rooms can be any texts. In subjects, what is no letter, digit,
// hyphen or underscore is written as "=" and two hexadecimal digits. A name that is longer
// than 120 characters then is replaced by its SHA-256, and the messages carry the whole name,
// which the receiver compares.
//
// # Connections
//
// nats.go makes the connection again when it breaks, with growing pauses of up to a second,
// and finds the other servers of a NATS cluster. When a server announces its end (lame
// duck), the connection goes to another one. Messages wait in a queue of bounded size, so that
// Emit does not wait for the network. Nothing that was handed to the connection is sent
// again, and nothing is sent without it. If more messages arrive than this
// server handles, some are lost: it makes a new connection, and says so.
//
// # Reading order
//
// names.go (the names of subjects), options.go, state.go (whether the bus works), link.go (the
// connection), outbox.go (messages to be sent), losses.go (those that were lost), peers.go
// (when all NATS servers know a subscription), subscriber.go (subscriptions), bus.go; with a log: stream.go (the stream of
// JetStream), flight.go (entries on their way), append.go (entries that are sent), reader.go
// (entries that come), bucket.go (the bucket of sessions), expiry.go (sessions that are over),
// sessions.go, jet.go (the bus with a log); natsadapter.go (the constructors).
package natsadapter
