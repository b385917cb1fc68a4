// SPDX-License-Identifier: MIT

// Package adapter keeps which socket is in which room and delivers broadcasts.
// The server makes one Adapter per namespace. Memory, the default, knows the
// sockets of one process. An adapter for several processes, here called nodes,
// has a Memory for its own sockets and a way to reach the others; Local is what
// it finds on the server's side, Call how it reports what the others answer.
//
// Reading order: adapter.go (the contract), local.go (what the server offers),
// call.go (questions to many), memory.go, deliver.go.
package adapter

import (
	"context"
)

// A Member is a connected socket as an Adapter sees it. The server implements
// it. Members are compared with ==. All methods may be called from any goroutine
// and none waits for the client.
type Member interface {
	// ID is the public socket id. It does not change.
	ID() string
	// Deliver hands a packet to the member's outbound queue. A member that is
	// going away drops the packet. If the packet has a Call, Deliver tells it of
	// the member before the packet can be answered.
	Deliver(p *Packet)
	// Join puts the member into rooms: it checks them and calls Adapter.Join.
	Join(rooms ...string) error
	// Leave takes it out of a room: it calls Adapter.Leave.
	Leave(room string)
	// Disconnect makes the member leave the namespace; with close it also closes
	// the client's connection.
	Disconnect(close bool)
}

// A Packet is one broadcast. An Adapter must not change it, and hands it on to
// its members as it is. For other nodes, Local.Payload has its contents.
type Packet struct {
	// Message is the packet encoded by the server, once for all members.
	Message any
	// Event and Args are what was emitted, for other nodes; see Local.Payload. Args
	// may change after the call that the packet is an argument of.
	Event string
	Args  []any
	// Flags say how it is sent.
	Flags
	// Call, if not nil, awaits the members' acknowledgements.
	Call *Call
	// AckID is the acknowledgement id in Message, if Call is not nil.
	AckID int64
}

// Flags say how a packet is sent.
type Flags struct {
	// Volatile drops the packet for a member that can't take it now.
	Volatile bool
	// Uncompressed asks not to compress it, where transports compress.
	Uncompressed bool
	// Overflow says what happens to it when a member's queue is full.
	Overflow OverflowPolicy
	// Conflate is a key: an earlier packet with it that still waits is dropped. "" is
	// none.
	Conflate string
}

// An OverflowPolicy says what happens to a packet when a member's queue is full: that of
// the server, or one of the four that package socketio describes as an Overflow, whose
// numbers are less by one.
type OverflowPolicy uint8

const (
	OverflowUnset OverflowPolicy = iota // the policy of the receiving server
	OverflowClose
	OverflowFail
	OverflowDropNewest
	OverflowDropOldest
)

// A Target says whom something reaches: the members of any of Rooms, or of the
// whole namespace if Rooms is nil, without those in any of Except and without
// the member whose id is Sender. Rooms that is empty but not nil reaches nobody.
type Target struct {
	Rooms  []string
	Except []string
	Sender string
	// Local keeps to the members of this node.
	Local bool
}

// An Adapter keeps rooms and delivers to them. All methods may be called from
// any goroutine and, except where a context is taken, none waits for a client or
// another node. Each member is also in a room named by its id, from Add until it
// leaves that room. Members are always those of this node; a Target without
// Local means those of all nodes.
//
// An error tells that other nodes could not be reached. What concerns this node
// has been done all the same.
type Adapter interface {
	// Init is called once, before anything else. An Adapter that reaches other
	// nodes starts to. It must not wait for the network.
	Init(l Local) error
	// Close ends what Init began: goroutines have ended when it returns. Members
	// may still leave afterwards, and broadcasts reach this node alone. It may be
	// called more than once.
	Close() error

	// Add makes m a member, in the room of its id and in rooms.
	Add(m Member, rooms []string)
	// Remove ends the membership and leaves all rooms.
	Remove(m Member)
	// Join puts a member into rooms. For one that is not a member it does nothing.
	Join(m Member, rooms []string)
	// Leave takes a member out of a room.
	Leave(m Member, room string)
	// Rooms returns the rooms of a member, its own id among them, in no order.
	// The caller owns the result.
	Rooms(m Member) []string
	// Members returns the members of t on this node. The caller must not change
	// the result.
	Members(t Target) []Member

	// Broadcast delivers p to each member of t once. The members are those of
	// one instant inside the call. It returns when all of this node have p in
	// their queue, and how many there were.
	Broadcast(p *Packet, t Target) (int, error)
	// BroadcastWithAck is Broadcast of a packet whose Call is not nil. Before it
	// returns it tells the Call which other nodes will report, if any; they do so
	// until ctx ends, which always has a deadline.
	BroadcastWithAck(ctx context.Context, p *Packet, t Target) error

	// FetchSockets returns the sockets of t on all nodes. If some did not answer
	// before ctx ended, which always has a deadline, the error is a *PartialError
	// with their names, and the sockets of the others are there.
	FetchSockets(ctx context.Context, t Target) ([]Found, error)
	// SocketsJoin puts the sockets of t into rooms. The sockets of this node are
	// in when it returns, but for those whose own Join refused: the error is the
	// first of theirs.
	SocketsJoin(t Target, rooms []string) error
	// SocketsLeave takes the sockets of t out of rooms.
	SocketsLeave(t Target, rooms []string) error
	// DisconnectSockets disconnects the sockets of t; see Member.Disconnect.
	// Another node sees it after what was broadcast before.
	DisconnectSockets(t Target, close bool) error

	// ServerSideEmit sends an event to the other nodes, for
	// Local.HandleServerSideEmit.
	ServerSideEmit(e Payload) error
	// ServerSideEmitWithAck is ServerSideEmit that asks each of them to answer.
	// Before it returns it tells c which nodes will; they do so until ctx ends,
	// which always has a deadline.
	ServerSideEmitWithAck(ctx context.Context, e Payload, c *Call) error

	// ServerCount returns how many nodes there are, this one among them.
	ServerCount(ctx context.Context) (int, error)
}

// A RoomObserver is told of rooms as they come and go, in the order in which it
// happens. The room that is named by a member's id counts. The methods are called
// with a lock held: they must return at once and not call the Adapter.
type RoomObserver interface {
	// RoomCreated: the first member is about to join.
	RoomCreated(room string)
	// RoomJoined: m is in the room.
	RoomJoined(room string, m Member)
	// RoomLeft: m is no longer in the room.
	RoomLeft(room string, m Member)
	// RoomDeleted: the last member has left.
	RoomDeleted(room string)
}

// An Observable adapter tells of its rooms. Memory is one, and so is what embeds
// it. Observe is called once, before the first member.
type Observable interface {
	Observe(o RoomObserver)
}
