// SPDX-License-Identifier: MIT

// This file holds the members of Memory, and the room of a member's own id: how the member
// is put into it, how it leaves it, and whom a broadcast to that name reaches.

package adapter

// A member is the state of a Member in Memory. Add puts it into the room of its own id, for
// which own stands: most members are in no other room, and a list for each would dominate
// memory use.
type member struct {
	self  [1]Member // the members of the room of its own id, for a reader
	own   bool
	place int32            // in Memory.all
	rooms map[string]int32 // the other rooms, and its place in each; nil until the first Join
}

// ID implements idtable.Object.
func (e *member) ID() string { return e.self[0].ID() }

// joinOwnLocked puts the member into the room of its own id. Add calls it, and Join for a
// member that has left that room.
func (e *member) joinOwnLocked(a *Memory) {
	if !e.own {
		a.joiningLocked(e.ID(), true)
		e.own = true
		a.joinedLocked(e.ID(), e)
	}
}

// leaveOwnLocked takes the member out of the room of its own id.
func (e *member) leaveOwnLocked(a *Memory) {
	if e.own {
		e.own = false
		a.leftLocked(e.ID(), e)
	}
}

// ownerLocked returns the member whose id is name, if it is in the room of that name.
func (a *Memory) ownerLocked(name string) *member {
	if e := a.members.Get(name); e != nil && e.own {
		return e
	}
	return nil
}

// eachLocked calls fn for the members of a room. A name may be both a room and the
// id of a member.
func (a *Memory) eachLocked(name string, fn func(*member)) {
	if r := a.rooms[name]; r != nil {
		for _, e := range r.entries {
			fn(e)
		}
	}
	if e := a.ownerLocked(name); e != nil {
		fn(e)
	}
}

// existsLocked reports whether a room has a member.
func (a *Memory) existsLocked(name string) bool {
	return a.rooms[name] != nil || a.ownerLocked(name) != nil
}
