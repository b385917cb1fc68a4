// SPDX-License-Identifier: MIT

// Package pgadapter connects servers by PostgreSQL 13 or later, in one of two ways:
//
//	config, err := pgx.ParseConfig("postgres://chat@127.0.0.1/chat")
//	io := socketio.NewServer(&socketio.Options{Cluster: pgadapter.Outbox(config, nil)})
//
// Notify is createAdapter of the npm package @socket.io/postgres-adapter: servers in Node.js
// can be part of the cluster. Outbox is for servers in Go alone: events are rows of a table,
// so that clients that come back are recovered on each server. An Emitter sends events from
// a process that is not a server, also in a transaction.
//
// # Connections
//
// A server has one connection that listens and one that sends, and up to Options.MaxConns
// for sessions, missed events and cleaning. They are made again when they break. LISTEN needs
// a session of its own: a pooler such as PgBouncer must be in session mode.
//
// What waits is sent in one transaction, and costs one round trip. With Notify, messages
// whose transaction was under way when the connection broke may be lost. With Outbox, entries
// are looked up then, and those that are not there are sent again, each once.
//
// # Tables
//
// Messages that do not fit into a notification, which has less than 8000 bytes, are rows of
// Options.Table for a short time. The log of Outbox is partitioned by time. Old partitions
// are dropped whole; all other cleaning is bounded. Schema returns the SQL.
//
// # Order
//
// The events of one server arrive in the order in which they were sent. With Outbox, all
// servers see all events in one order, that of the log. Requests and answers, which are
// notifications, are not ordered with them.
//
// # Reading order
//
// options.go, names.go (names of channels and tables), codec.go (the encoding of Notify),
// pause.go, state.go (whether Postgres works), link.go (a connection), schema.go (the
// tables), attachments.go (how a message becomes a notification), queue.go (messages to be
// sent), sender.go (the connection that sends), table.go (which channels are wanted),
// listener.go (the connection that receives), sweeper.go (removes what is old), bus.go;
// for Outbox writer.go (numbers and fences), reader.go (reads the log), sessions.go,
// log.go (the bus with a log); pgadapter.go (the constructors); emitter.go stands alone.
package pgadapter
