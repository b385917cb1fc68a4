// SPDX-License-Identifier: MIT

// This file holds which events a client has missed, and why a client is not recovered.

package recovery

import (
	"slices"

	"socketio/adapter"
)

// A Reason says why a client that wants to continue a session is not recovered. "" means
// that it is.
type Reason string

const (
	Unknown     Reason = "unknown_session" // there is no such session, or it was ended on purpose
	OtherNode   Reason = "other_node"      // another server keeps the session
	Expired     Reason = "expired"         // the client came back too late
	BadOffset   Reason = "bad_offset"      // its position is not one of the namespace
	LogTrimmed  Reason = "log_trimmed"     // the log dropped events that it has missed
	TooMany     Reason = "too_much_missed" // what it has missed exceeds a bound
	InUse       Reason = "in_use"          // another client continues the session at this moment
	Identity    Reason = "identity"        // it is not the user of the session
	StoreFailed Reason = "store_failed"    // the store could not keep or return what is needed
	BusLost     Reason = "bus_lost"        // events were delivered while the log of the cluster was not reached
)

// Positions are those of a log.
type Positions interface {
	// Epoch identifies the log.
	Epoch() string
	// Number returns the number of a position. ok is false for a text that can't be one.
	Number(position string) (number uint64, ok bool)
}

// Find returns the number after which a client has missed the events meant for it. offset
// is the position that it presents, or "". A session of a server in Node.js has no Epoch
// and no numbers.
func Find(s *adapter.Session, offset string, p Positions, o *Order) (after uint64, reason Reason) {
	switch {
	case s.Epoch == "" && offset == "":
		return 0, BadOffset
	case s.Epoch != "" && s.Epoch != p.Epoch():
		return 0, LogTrimmed // the log is another one
	}
	number := s.Start
	if offset != "" && offset != s.Stale {
		n, ok := p.Number(offset)
		if !ok || n > o.Last() {
			return 0, BadOffset
		}
		number = max(n, s.Start)
	}
	if s.Lost > number {
		return 0, BusLost
	}
	if o.LostAfter(number) {
		return 0, StoreFailed
	}
	if number >= s.Last {
		number = max(number, s.Checked)
	}
	if number < s.Floor {
		return 0, TooMany
	}
	return number, ""
}

// A Filter knows which events were meant for the client of a session.
type Filter struct {
	id    string
	rooms map[string][]adapter.Membership
}

// NewFilter returns the Filter of a session.
func NewFilter(s *adapter.Session) *Filter {
	f := &Filter{id: s.ID, rooms: make(map[string][]adapter.Membership)}
	for _, m := range s.Rooms {
		f.rooms[m.Room] = append(f.rooms[m.Room], m)
	}
	return f
}

// Missed reports whether an event was meant for the client.
func (f *Filter) Missed(e *adapter.KeptEvent) bool {
	switch {
	case e.Flags.Volatile:
		return false
	case e.Socket != "":
		return e.Socket == f.id
	case e.Target.Sender == f.id:
		return false
	}
	in := func(room string) bool { return f.in(room, e.Number) }
	if slices.ContainsFunc(e.Target.Except, in) {
		return false
	}
	return e.Target.Rooms == nil || slices.ContainsFunc(e.Target.Rooms, in)
}

// in reports whether the client was in a room at an event.
func (f *Filter) in(room string, number uint64) bool {
	return slices.ContainsFunc(f.rooms[room], func(m adapter.Membership) bool {
		return m.From < number && (m.To == 0 || number <= m.To)
	})
}
