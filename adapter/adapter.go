// SPDX-License-Identifier: MIT

// Package adapter defines the contract between a server and the cluster it belongs to.
// There is one Cluster per server. It is opened and closed with the server, knows the
// server's node id, and makes an Adapter for each namespace. An Adapter consists of
// Rooms, the members of this node, and a Bus, the connection to other nodes. Alone, the
// default, is a single node with a Memory for each namespace. The Adapters of a cluster
// embed or hold a Memory for the members of their own node. Local is the server's side of
// a namespace. Call collects answers. A Store keeps events and sessions for recovery: with
// it, events are delivered after its Log has given them a position, in the order of the
// positions.
//
// Reading order: adapter.go (the contract), cluster.go (one per server), local.go (the
// server's side), call.go (broadcasts with acknowledgements), memory.go, ownroom.go,
// deliver.go, batch.go (several packets in one write), names.go, recovery.go (the contract
// of stores), sharedlog.go (a log that servers share), memorystore.go, shared.go (stores
// that several servers share).
package adapter

import (
	"context"
)

// A Member is a connected socket as an Adapter sees it. The server implements it. Members
// are compared with ==. All methods may be called from any goroutine. None waits for the
// client.
type Member interface {
	// ID is the public socket id. It does not change.
	ID() string
	// Deliver hands a packet to the member's outbound queue. A member that is
	// disconnecting drops the packet. If the packet has a Call, Deliver announces the
	// member to it before the packet can be answered.
	Deliver(p *Packet)
	// Join checks the rooms and calls Adapter.Join.
	Join(rooms ...string) error
	// Leave calls Adapter.Leave.
	Leave(room string)
	// Disconnect makes the member leave the namespace; with close it also closes
	// the client's connection.
	Disconnect(close bool)
}

// A Packet is one broadcast. An Adapter must not change it, and passes the same Packet to
// all members. Local.Payload returns its contents for other nodes.
type Packet struct {
	// Message is the packet encoded by the server, once for all members.
	Message any
	// Event and Args are the emitted event, for other nodes; see Local.Payload. Args may
	// change after the call that received the packet returns.
	Event string
	Args  []any
	// Meta travels with the packet.
	Meta
	// Flags control how the packet is sent.
	Flags
	// Call, if not nil, awaits the members' acknowledgements.
	Call *Call
	// AckID is the acknowledgement id in Message, if Call is not nil.
	AckID int64
	// Batch, if not nil, allows members to leave the packet in their queues until
	// Batch.Flush.
	Batch *Batch
}

// Meta describes an event. It is sent between nodes with the event.
type Meta struct {
	// Origin is the id of the node that emitted the event.
	Origin string
	// Position is the text of the position that a Log has given the event, or "".
	Position string
	// Version is the version of the encoding between nodes; see the constant Version.
	Version int
}

// Version is the version of Meta and Payload that this package implements. A node ignores
// events of later versions.
const Version = 1

// Flags control how a packet is sent.
type Flags struct {
	// Volatile drops the packet for a member that can't receive it now.
	Volatile bool
	// Uncompressed disables compression of the packet.
	Uncompressed bool
	// Overflow is the policy for members whose queue is full.
	Overflow OverflowPolicy
	// Conflate is a key, or "". An earlier packet with the same key that is still queued
	// is dropped.
	Conflate string
}

// An OverflowPolicy determines what happens to a packet when a member's queue is full.
// OverflowUnset selects the policy of the server. The others are those of
// socketio.Overflow, whose values are smaller by one.
type OverflowPolicy uint8

const (
	OverflowUnset OverflowPolicy = iota // the policy of the receiving server
	OverflowClose
	OverflowFail
	OverflowDropNewest
	OverflowDropOldest
)

// A Target selects members: those in any of Rooms, or all members of the namespace if
// Rooms is nil, except those in any room of Except and the member whose id is Sender. If
// Rooms is empty but not nil, no member is selected.
type Target struct {
	Rooms  []string
	Except []string
	Sender string
	// Local selects members of this node only.
	Local bool
}

// Rooms holds the members of a namespace on this node and their rooms. All methods may be
// called from any goroutine. None blocks. Each member is also in a room named by its id,
// from Add until it leaves that room.
type Rooms interface {
	// Add adds m as a member of the room named by its id and of rooms.
	Add(m Member, rooms []string)
	// Remove removes m from the namespace and from all rooms.
	Remove(m Member)
	// Join adds m to rooms. It does nothing if m is not a member.
	Join(m Member, rooms []string)
	// Leave removes m from a room.
	Leave(m Member, room string)
	// Rooms returns the rooms of m, including its id, in no particular order. The caller
	// owns the result.
	Rooms(m Member) []string
	// Members returns the members selected by t on this node. The caller must not change
	// the result.
	Members(t Target) []Member
	// Member returns the member with the given id, even if it has left the room of its
	// id.
	Member(id string) (m Member, ok bool)
}

// An Adapter is a namespace on one node: its rooms and its connection to other nodes.
type Adapter interface {
	Rooms
	Bus
}

// A Bus sends to the members of a namespace, on this node and on others. All methods may
// be called from any goroutine. Only methods that take a context wait for a client or
// another node. A Target without Local selects members of all nodes.
//
// An error means that other nodes could not be reached. The operation has been performed
// on this node even then.
type Bus interface {
	// Close ends the namespace on this node. Afterwards members may still leave, and
	// broadcasts reach members of this node only. It may be called more than once.
	Close() error

	// Broadcast delivers p once to each member selected by t at one instant during the
	// call. It returns the number of members on this node, after p is in the queue of
	// each.
	Broadcast(p *Packet, t Target) (int, error)
	// BroadcastWithAck is Broadcast of a packet whose Call is not nil. Before it returns,
	// it announces to the Call the other nodes that will report, if any. They report
	// until ctx ends. ctx always has a deadline.
	BroadcastWithAck(ctx context.Context, p *Packet, t Target) error

	// FetchSockets returns the sockets selected by t on all nodes. If some nodes do not
	// answer before ctx ends, it returns the sockets of the others and a *PartialError
	// with the names of those nodes. ctx always has a deadline.
	FetchSockets(ctx context.Context, t Target) ([]Found, error)
	// SocketsJoin adds the sockets selected by t to rooms. When it returns, the sockets
	// of this node have joined, except those whose Join failed. It returns the first such
	// error.
	SocketsJoin(t Target, rooms []string) error
	// SocketsLeave removes the sockets selected by t from rooms.
	SocketsLeave(t Target, rooms []string) error
	// DisconnectSockets disconnects the sockets selected by t; see Member.Disconnect.
	// Other nodes deliver earlier broadcasts first.
	DisconnectSockets(t Target, close bool) error

	// ServerSideEmit sends an event to the other nodes, which call
	// Local.HandleServerSideEmit.
	ServerSideEmit(e Payload) error
	// ServerSideEmitWithAck is like ServerSideEmit but asks each node to answer. Before
	// it returns, it announces to c the nodes that will answer. They may do so until ctx
	// ends. ctx always has a deadline.
	ServerSideEmitWithAck(ctx context.Context, e Payload, c *Call) error

	// ServerCount returns the number of nodes, including this one.
	ServerCount(ctx context.Context) (int, error)
}

// A Sharer is a Bus that can send to other nodes only. A server that keeps events for
// recovery needs it: it delivers them to the members of this node itself.
type Sharer interface {
	// Share is Broadcast without the members of this node.
	Share(p *Packet, t Target) error
}

// A RoomWatcher is notified when rooms are created, joined, left and deleted on this
// node, in order. A Bus uses it to subscribe to rooms that have members here. The methods
// are called with a lock held: they must return at once and must not call the Adapter.
type RoomWatcher interface {
	// RoomCreated is called before the first member joins a room. own is true for the
	// room named by the id of that member. Each socket joins such a room, and few of them
	// are used.
	RoomCreated(room string, own bool)
	// RoomJoined is called after m has joined a room.
	RoomJoined(room string, m Member)
	// RoomLeft is called after m has left a room.
	RoomLeft(room string, m Member)
	// RoomDeleted is called after the last member has left a room.
	RoomDeleted(room string)
}

// An Observable adapter notifies watchers of changes to its rooms after Observe was
// called. There may be several watchers. Memory is Observable.
type Observable interface {
	Observe(w RoomWatcher)
}
