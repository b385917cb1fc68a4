// SPDX-License-Identifier: MIT

// The package comment.

// Package histcheck examines what a server and its clients have recorded of a run: which
// events were sent, which arrived, and whether connections came and went as they should.
//
// Each process writes its own log, one JSON object per line, in the order in which things
// happened in it. The clocks of processes are not compared: what one has sent and another
// received is matched by stream and number. Servers with one name that ran one after the
// other, as after a kill, are "server#1", "server#2" and so on.
//
// A stream is what one sender emits in one order: a lane of a server, which may go to one
// socket, to rooms or to all but some, or the events of one client. A session is the id of
// a socket. A client that is recovered keeps its id, so the id names the whole chain of
// its connections. An epoch is one connection: the name of a client and a count.
//
// The rules are those of a single server, I1 to I14:
//
//	I1  what arrives was sent, byte for byte
//	I2  numbers of a stream increase
//	I3  nothing arrives twice
//	I4  what arrives is the beginning of what was sent, without a gap
//	I5  an acknowledgement ends once, and says the truth
//	I6  an event that a handler emits before it answers arrives before the answer
//	I7  connections and disconnections alternate, with reasons that agree
//	I9  with retries, everything is handled at least once, or the caller has an error
//	I10 without duplicates, where the server removes them
//	I11 a recovered session continues: I2 to I4 hold across it, and its rooms are the same
//	I12 a session that is not recovered is new: another id, no rooms, no old events
//	I13 no two live connections have one session
//	I14 a client that was not admitted gets nothing
//
// I8, how fast things arrive, is for benchmarks; a run in which something never arrives
// has no end, and is not valid.
//
// The rules I1 to I14 are those of a single server. If a Plan says so, several servers run
// at once, on one machine, and their clocks are compared. What one of them emits reaches
// the others later, and what was done to them is recorded: kills, freezes, outages. Then
// these rules are added:
//
//	I15 the events of one server arrive in order, within a domain of order, without a gap
//	I16 events are lost only near an outage, a freeze or the death of a server; with a log
//	    in common, only those that its server could not add to the log
//	I17 nothing arrives twice, also if a session goes on on another server
//	I18 a complete answer to who is connected names all sockets, and no others
//	I19 a question has an answer in time, also if servers are dead
//
// Reading order: event.go (what is recorded), report.go (what is found), world.go (what
// the logs say together), unseen.go (what they leave out), server.go (sessions and their
// expected events, from the logs of servers), client.go (what arrived at clients),
// upward.go (what arrived at servers), acks.go, check.go; for several servers span.go (who
// was in which room when), nodes.go, arrived.go, questions.go.
package histcheck
