// SPDX-License-Identifier: MIT

// Package socketio is a Socket.IO server: real-time, two-way events between a Go program
// and every Socket.IO client, in browsers, on phones and elsewhere. A Server is an
// http.Handler; it also serves the browser client.
//
//	io := socketio.NewServer(nil)
//
//	io.On("chat message", func(s *socketio.Socket, text string) {
//		io.Emit("chat message", text) // everyone
//	})
//	io.On("typing", func(s *socketio.Socket, name string) {
//		s.Broadcast().Emit("typing", name) // everyone but s
//	})
//
//	http.Handle("/socket.io/", io)
//	log.Fatal(http.ListenAndServe(":3000", nil))
//
// # In short
//
// A [Socket] is one client in one [Namespace]; most programs need only the namespace "/",
// whose methods [Server] has too. [Server.On] registers handlers for the events of
// clients when the program starts: functions with a parameter for each argument, whose
// results are the acknowledgement. [Server.OnConnection] is called for each new socket
// and may register handlers of that socket with [Socket.On].
//
// [Socket.Emit] sends to one client, [Server.Emit] to all, [Server.To] to those in rooms.
// A room is a name that sockets join with [Socket.Join]; it exists while a socket is in
// it. [Socket.EmitWithAck] waits for the client's acknowledgement. The methods before
// Emit, such as [Server.To] or [Broadcast.Except], return a [Broadcast], a value that may
// be kept.
//
// Three places decide which clients may connect: [Options.CORS] by the origin of the
// page, [Options.Handshake] by a cookie or header, and a middleware ([Server.Use]) by a
// token. Errors that handlers return are passed to [Server.OnError]; the client sees an
// error only if it is a [PublicError]. Every queue is bounded: see [Options], and for all
// bounds docs/limits.md. Calls that wait take a context.
//
// If nothing arrives, [Options.Logger] at level Debug shows why, and
// [Options.Engine.LogPackets], or SOCKETIO_DEBUG=* in the environment, shows each packet;
// docs/troubleshooting.md is sorted by symptom. Packages: siotest for tests,
// parser/msgpack for another format, engineio for connections.
//
// # Reading order
//
// new.go, services.go, server.go, options.go, recovery.go, errors.go; namespace.go,
// namespaces.go, namespace_parent.go, registered.go, on.go, middleware.go; socket.go,
// socket_lifecycle.go, session.go, socketids.go, socketdata.go, toldrooms.go,
// socket_rooms.go, connview.go. The way in: conn.go, conn_slots.go, conn_connect.go,
// search.go, legacy.go, reading.go, inbox.go, handler.go, handlertypes.go,
// args.go, parallel.go, reply.go, acknowledge.go, report.go, repeats.go, deduplicate.go.
// The way out: emit.go, unicast.go, publish.go, encode.go, broadcast.go, ack.go, ask.go,
// broadcast_ack.go, socket_catchall.go. Recovery: presented.go, publish_position.go,
// recovery_append.go, recovery_log.go, recovery_join.go, recovery_sessions.go,
// recovery_shared.go. Other servers: adapter_local.go, fanout.go, burst.go, rebalance.go, remotesocket.go, datakey.go, server_events.go. Besides: observer.go,
// observer_notify.go, packetlog.go, clientfiles.go.
//
// # Concurrency
//
// Handlers of one socket run one at a time, in the order in which events arrived;
// handlers of different sockets run at the same time. With [Parallel], calls begin in
// order, and the next event does not wait for them. Every method may be called from any
// goroutine, also by handlers. Events that one goroutine emits to one socket arrive in
// that order, direct emits and broadcasts mixed.
//
// The connection handler is the first to run for a socket: no event is handled before it
// returns. When the client disconnects, Context ends and broadcasts stop at once; events
// that have arrived are still handled; then OnDisconnecting runs with the rooms intact,
// and OnDisconnect last. After Socket.Disconnect, waiting events are dropped.
//
// An acknowledgement does not wait behind events. A slow handler delays the events of its
// own socket; when MaxInboxPackets or MaxInboxBytes are waiting, its connection, with all
// its namespaces, is not read until the handler catches up. While an acknowledgement is
// awaited on that connection, reading continues up to four times the bound; there
// EmitWithAck fails with ErrInboxFull. A connection not read for 5 minutes closes.
//
// Lock order: the order of a namespace with recovery, Socket.mu, then Namespace.mu or the
// adapter's or conn.mu, then those of inboxes, acknowledgement tables and package engineio.
// No lock is held while code of the application runs, except that of a TrafficObserver.
package socketio
