// SPDX-License-Identifier: MIT

// Package nodewire reads and writes the messages that the adapters and emitters of the
// npm packages exchange, so that servers in Go and in Node.js can share a cluster.
//
// A Message holds the contents. There are two formats. The envelope, of AppendEnvelope
// and DecodeEnvelope, is that of the ClusterAdapter of socket.io-adapter: sharded Redis,
// Redis streams, Postgres and others use it. The classic format, of AppendClassic and the
// DecodeClassic functions, is that of createAdapter of @socket.io/redis-adapter and of
// @socket.io/redis-emitter. Both write JSON, or MessagePack if there are attachments or
// Node.js expects it.
//
// # Values
//
// Values of events are JSON text with placeholders for byte slices, as in
// adapter.Payload. In the other direction, MessagePack values become what JSON.stringify
// makes of them: a Date is a text, NaN and the infinities are null, an undefined member
// of an object is left out. Integers keep their 64 bits, although JavaScript counts to
// 2^53 only.
//
// Absent members are never written as null, nor are empty lists or objects, since both
// have other meanings in Node.js, or make it fail.
//
// # Foreign messages
//
// A decoder returns an error for each message that it can't use, and never panics. Its
// memory is bounded by a small multiple of the size of the message. Unknown members are
// ignored.
//
// # Reading order
//
// message.go (the contents of a message), envelope.go, stream.go (of a stream), classic.go, fields.go (the parts
// that both formats write), read.go (the parts that both formats read), socket.go
// (descriptions of sockets), value.go (values between MessagePack and JSON), msgpack.go
// (a position in MessagePack), text.go (walking through JSON text), event.go
// (events of processes without a server), session.go (sessions of clients that may come
// back).
//
// All functions are safe for concurrent use.
package nodewire
