// SPDX-License-Identifier: MIT

// Package adapter keeps which socket is in which room and delivers broadcasts.
// The server makes one Adapter per namespace. Memory, the default, knows the
// sockets of one process.
//
// Reading order: adapter.go (the contract), memory.go.
package adapter

// A Member is a connected socket as an Adapter sees it. The server implements
// it. Members are compared with ==.
type Member interface {
	// ID is the public socket id. It does not change.
	ID() string
	// Deliver hands a packet to the member's outbound queue. It does not block
	// and may be called from any goroutine. A member that is going away drops
	// the packet.
	Deliver(p *Packet)
}

// A Packet is one broadcast.
type Packet struct {
	// Message is the packet encoded by the server, once for all members. An
	// Adapter hands it on as it is.
	Message any
	// Volatile drops the packet for a member that can't take it now.
	Volatile bool
}

// A Target says whom a broadcast reaches: the members of any of Rooms, or of the
// whole namespace if Rooms is nil, without those in any of Except and without
// the member whose id is Sender. Rooms that is empty but not nil reaches nobody.
type Target struct {
	Rooms  []string
	Except []string
	Sender string
}

// An Adapter keeps rooms and delivers to them. All methods may be called from
// any goroutine and none waits for a client. Each member is also in a room named
// by its id, from Add until it leaves that room.
type Adapter interface {
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

	// Broadcast delivers p to each member of t once. The members are those of
	// one instant inside the call. It returns when all have p in their queue,
	// and how many there were.
	Broadcast(p *Packet, t Target) int
	// Members returns the members of t. The caller must not change the result.
	Members(t Target) []Member
}
