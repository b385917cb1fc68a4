// SPDX-License-Identifier: MIT

// This file holds the package comment.

// Package siotest tests applications of package socketio: a server in memory,
// clients to talk to it, a network that fails on demand, and a record of what was
// said. No port is opened and nothing sleeps. The whole way of a request runs:
// net/http, the handshake hook, middleware, polling, WebSocket.
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
// Inside a testing/synctest bubble time is virtual: a ping that comes in 25 s comes
// at once, and WantNothing is exact, because it waits until nothing moves. Make the
// application inside the bubble too: a server made outside answers no request in it.
// Outside of one everything works the same in real time; then WantNothing waits for a
// moment.
//
// Server.Close of the application is called when the test ends if it is the handler
// itself. For a handler that only leads to it there is ServerOptions.Close. A bubble
// does not end before its servers have.
//
// # What there is
//
//	Server    NewServer, NewServerWith      a handler, served until the test ends
//	          Connect, ConnectWith          a client that has joined a namespace
//	          TryConnect, WantRefused       one that may be, or is, refused
//	          Open, OpenWith                a connection that has joined nothing
//	          HTTPClient, Dial              for the application's other routes
//	Client    Emit, Send                    an event
//	          EmitWithAck, Ask              an event and its acknowledgement
//	          On                            answers events of one name
//	          Want, WantEvent, Await, Next  what comes
//	          WantNothing, Drain            what does not, or does not matter
//	          Disconnect, WantDisconnect    the end, from either side
//	Event     Decode, Ack, WantsAck         what came
//	Reply     Want, WantError, Args, Wait   what an acknowledgement brought
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
// What starts with Want, and everything that can't go on, ends the test with a
// sentence that says what was expected and what came. It must be called on the
// goroutine of the test, as t.Fatal must. Methods that start with Try return an
// error instead and may be called anywhere. When a test has failed, each
// connection's transcript is in its log.
//
// # Reading order
//
// options.go and env.go (the test around a server), server.go, client.go, args.go,
// event.go and reply.go, queue.go (what waits to be looked at), conn.go, transport.go
// and http.go (how packets travel), link.go and relay.go (faults), transcript.go,
// logger.go.
//
// # Concurrency
//
// All methods may be called from any goroutine, with the exception above. A Conn has
// two goroutines, one that reads and one that writes, and two more for each network
// connection; all end with the test. Every lock is held for a moment only, never
// while something waits.
package siotest
