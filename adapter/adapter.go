// SPDX-License-Identifier: MIT

// Package adapter is the contract between a server and what joins it to others. A Cluster
// is one object per server: it begins and ends with the server, knows its node id, and
// makes an Adapter for each namespace. An Adapter is Rooms, the members of this node, and
// a Bus, the way to the others. Alone, the default, has Memory for each namespace and no
// others. A cluster embeds or holds a Memory for the members of its own node. Local is the
// server's side of a namespace, Call collects answers. A Bus may be a Log too: then each
// event is delivered when, and in the order in which, the log has given it a position.
//
// Reading order: adapter.go (the contract), cluster.go (one per server), log.go (positions),
// local.go (what the server offers), call.go (questions to several), memory.go, deliver.go.
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
	// Meta travels with the packet.
	Meta
	// Flags say how it is sent.
	Flags
	// Call, if not nil, awaits the members' acknowledgements.
	Call *Call
	// AckID is the acknowledgement id in Message, if Call is not nil.
	AckID int64
}

// Meta is what is known of an event beside its contents. It travels between nodes.
type Meta struct {
	// Origin is the id of the node that the event was emitted on.
	Origin string
	// Position is what a Log has given the event, "" if there is none.
	Position string
	// Trace is a W3C traceparent, "" if there is none.
	Trace string
	// Version is that of the form in which the event travels; see Version.
	Version int
}

// Version is the version of Meta and Payload that this package knows. A node ignores
// events of a later one.
const Version = 1

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

// Rooms are the members of a namespace on this node, and the rooms that they are in. All
// methods may be called from any goroutine and none waits. Each member is also in a room
// named by its id, from Add until it leaves that room.
type Rooms interface {
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
	// Member returns the member with an id, whatever rooms it has left.
	Member(id string) (m Member, ok bool)
}

// An Adapter is a namespace on one node: its rooms, and the way to other nodes.
type Adapter interface {
	Rooms
	Bus
}

// A Bus sends to the members of a namespace, on this node and on others. All methods may be
// called from any goroutine and, except where a context is taken, none waits for a client
// or another node. A Target without Local means the members of all nodes.
//
// An error says that other nodes could not be reached. What concerns this node has been
// done all the same.
type Bus interface {
	// Close ends the namespace on this node. Members may still leave afterwards, and
	// broadcasts reach this node only. It may be called more than once.
	Close() error

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

// A RoomWatcher is notified of rooms that are created and deleted on this node, in the
// order in which it happens: a Bus subscribes to those that have members here. The methods
// are called with a lock held: they must return at once and not call the Adapter.
type RoomWatcher interface {
	// RoomCreated: the first member is about to join. own is true for the room that is
	// named by the id of that member: it is joined by each socket, and rarely used.
	RoomCreated(room string, own bool)
	// RoomJoined: m is in the room.
	RoomJoined(room string, m Member)
	// RoomLeft: m is no longer in the room.
	RoomLeft(room string, m Member)
	// RoomDeleted: the last member has left.
	RoomDeleted(room string)
}

// An Observable adapter notifies watchers of its rooms. Memory is one, and so is what
// embeds it. There may be several watchers; each is notified of what happens after Observe.
type Observable interface {
	Observe(w RoomWatcher)
}
