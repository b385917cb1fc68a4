// SPDX-License-Identifier: MIT

// This file holds a member of Memory, and the room of its own id.

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

// leaveOwn takes the member out of the room of its own id. It returns false if it was not
// in it.
func (e *member) leaveOwn() bool {
	was := e.own
	e.own = false
	return was
}
