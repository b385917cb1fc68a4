// SPDX-License-Identifier: MIT

// This file holds the package comment.

// Package siotest tests applications of package socketio: a server in memory, clients for
// it, a network that fails on demand, and transcripts of connections. No port is opened
// and nothing sleeps. Requests pass through all layers: net/http, the handshake hook,
// middleware, polling, WebSocket.
//
//	func TestChat(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			io := socketio.NewServer(nil)
//			io.On("chat message", func(s *socketio.Socket, text string) {
//				io.Emit("chat message", text)
//			})
//			srv := siotest.NewServer(t, io) // or any http.Handler of yours
//			alice, bob := srv.Connect(), srv.Connect()
//			alice.Emit("chat message", "hi")
//			bob.Want("chat message", "hi")
//			alice.Want("chat message", "hi")
//			bob.WantNothing()
//		})
//	}
//
// # In a bubble
//
// Inside a testing/synctest bubble time is virtual: a ping due in 25 s arrives at once,
// and WantNothing is exact, because it waits until all goroutines are blocked. Create the
// application inside the bubble too: a server created outside can't answer requests in
// it. Outside a bubble everything works in real time, and WantNothing waits for a moment.
//
// Server.Close of the application is called when the test ends if it is the handler
// itself. For a handler that wraps the server, set ServerOptions.Close. A bubble ends
// only after its servers.
//
// # Overview
//
//	Server    NewServer, NewServerWith      a handler, served until the test ends
//	          Connect, ConnectWith          a client that has joined a namespace
//	          TryConnect, WantRefused       a client that may be, or is, rejected
//	          Open, OpenWith                a connection that has joined nothing
//	          HTTPClient, Dial              for the application's other routes
//	Client    Emit, Send                    an event
//	          EmitWithAck, Ask              an event and its acknowledgement
//	          On                            answers events of one name
//	          Want, WantEvent, Await, Next  received events
//	          WantNothing, Drain            no event, or all events
//	          Disconnect, WantDisconnect    the end, from either side
//	Event     Decode, Ack, WantsAck         a received event
//	Reply     Want, WantError, Args, Wait   an acknowledgement
//	          WantNothing
//	Conn      Join, TryJoin                 more namespaces over one connection
//	          Say, TrySay, Hear, HearNothing  Engine.IO packets as they are
//	          Upgrade, Kill, Mute, WantClosed its life
//	          WantTranscript, Transcript    all that was said
//	Link      Drop, Stall, Delay, Split     a network that fails
//	          Cut, CutAfter, CutAt, Heal
//	Logger                                  the server's log in that of the test
//
// # Failing
//
// Methods that start with Want, and other methods that can't continue, end the test with
// a message that describes the expected and the actual result. Like t.Fatal, they must be
// called on the goroutine of the test. Methods that start with Try return an error
// instead and may be called anywhere. When a test has failed, each connection's
// transcript is in its log.
//
// # Reading order
//
// options.go and env.go (the test around a server), server.go, client.go, args.go,
// event.go and reply.go, queue.go (unread events), conn.go, transport.go and http.go
// (transports), link.go (faults), transcript.go, logger.go.
//
// # Concurrency
//
// All methods may be called from any goroutine, with the exception above. A Conn has two
// goroutines, a reader and a writer, and two more for each network connection; all end
// with the test. No lock is held while waiting.
package siotest
