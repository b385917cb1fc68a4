// SPDX-License-Identifier: MIT

// This file reads the logs of servers: which sessions there are, in which rooms they are,
// and which events each is to get.

package histcheck

import (
	"fmt"
	"slices"
	"strings"
)

// servers reads the logs of the servers, one after the other.
func (w *world) servers() {
	for _, proc := range w.h.procs(true) {
		log := w.h[proc]
		stopped := false
		for i := range log {
			w.serverEvent(log, i)
			stopped = stopped || log[i].Kind == End
		}
		if !stopped && !w.killed[proc] {
			w.invalid(proc + " has not stopped")
		}
		w.serverEnd(log, w.killed[proc])
		if stopped {
			w.report.Counts["restarted"]++
		}
	}
	w.report.Counts["restarted"]-- // the last one
	if w.report.Counts["restarted"] <= 0 {
		delete(w.report.Counts, "restarted")
	}
}

// serverEnd ends what a server has left open.
func (w *world) serverEnd(log []Event, killed bool) {
	for _, s := range w.sessions {
		if s.live == "" {
			continue
		}
		if !killed && len(log) > 0 {
			w.violation(log, len(log)-1, State, "I7", fmt.Sprintf("%s was not disconnected", s.id), nil)
		}
		s.live = ""
	}
	if !killed || len(log) == 0 {
		return
	}
	// The last emit of each lane may not have come to its end.
	for _, lane := range w.lanes[log[0].Proc] {
		lane.emits[len(lane.emits)-1].failed = true
	}
}

func (w *world) serverEvent(log []Event, i int) {
	e := &log[i]
	switch e.Kind {
	case Auth:
		ep := w.epoch(e.Epoch)
		ep.allowed, ep.refused = e.Reason == "", e.Reason != ""
	case Conn:
		w.serverConn(log, i)
	case Disc:
		w.serverDisc(log, i)
	case Joining, Leaving:
		w.move(e)
	case Join:
		w.settle(e, inside)
	case Leave:
		w.settle(e, outside)
	case Emit:
		w.report.Counts["sent by servers"]++
		w.expect(w.add(log, i))
	case Err:
		if m := w.streams[e.Stream].get(e.N); e.Dir == Down && m != nil && !m.event.Ack {
			m.failed = true
		}
	}
}

func (w *world) serverConn(log []Event, i int) {
	e := &log[i]
	client := clientOf(e.Epoch)
	ep := w.epoch(e.Epoch)
	if ep.session != "" {
		w.violation(log, i, State, "I7", "the same connection connects twice", nil)
	}
	ep.session = e.Session
	if !ep.allowed {
		w.violation(log, i, Forbidden, "I14", "connected without having been let in", nil)
	}
	s := w.sessions[e.Session]
	if last := w.ofClient[client]; last != nil && last != s && !w.forked[last.client] {
		w.drop(last) // nobody comes back to it
	}
	switch {
	case s == nil && e.Recovered && w.unseenSession(e.Session):
	case s == nil && e.Recovered:
		w.violation(log, i, State, "I11", "recovered, but there is no such session", nil)
	case s != nil && s.live != "":
		w.violation(log, i, DoubleID, "I13", "connected while "+s.live+" is", nil)
	case s != nil && !e.Recovered:
		w.violation(log, i, DoubleID, "I12", "a new session has the id of an old one", nil)
	case s != nil && s.over:
		w.violation(log, i, State, "I12", "recovered after it had ended for good", nil)
	}
	if s == nil {
		s = &session{id: e.Session, rooms: make(map[string]member), queues: make(map[string]*queue)}
		w.sessions[e.Session] = s
	}
	w.enter(e.Session, s)
	s.client, s.live = client, e.Epoch
	w.ofClient[client] = s
	w.compare(log, i, s)
	if e.Recovered {
		w.report.Counts["recovered"]++
	}
	s.data = e.Data
}

// compare compares the state with which a session connects with what it should be.
func (w *world) compare(log []Event, i int, s *session) {
	e, rule := &log[i], "I12"
	if e.Recovered {
		rule = "I11"
		if s.data != "" && e.Data != s.data {
			w.violation(log, i, State, rule, fmt.Sprintf("data %q, not %q", e.Data, s.data), nil)
		}
	}
	for _, room := range e.Rooms {
		if s.rooms[room] == outside {
			w.violation(log, i, State, rule, "it is in room "+room, nil)
		}
		s.rooms[room] = inside
		w.enter(room, s)
	}
	for room, how := range s.rooms {
		if slices.Contains(e.Rooms, room) {
			continue
		}
		if how == inside {
			w.violation(log, i, State, rule, "it is not in room "+room, nil)
		}
		delete(s.rooms, room)
		delete(w.inRoom[room], s)
	}
}

func (w *world) serverDisc(log []Event, i int) {
	e := &log[i]
	s := w.sessions[e.Session]
	if s == nil || s.live != e.Epoch {
		w.violation(log, i, State, "I7", "disconnected without being connected", nil)
		return
	}
	s.live = ""
	if len(e.Rooms) > 0 {
		w.violation(log, i, State, "I7", "it is still in rooms", nil)
	}
	w.epoch(e.Epoch).serverReason = e.Reason
	if strings.Contains(e.Reason, "namespace disconnect") {
		s.over = true
		w.drop(s)
	}
}

func (w *world) enter(room string, s *session) {
	if w.inRoom[room] == nil {
		w.inRoom[room] = make(map[*session]bool)
	}
	w.inRoom[room][s] = true
}

// drop takes a session out of all rooms.
func (w *world) drop(s *session) {
	for room := range s.rooms {
		delete(w.inRoom[room], s)
	}
	delete(w.inRoom[s.id], s)
}

// move begins a join or a leave. Emits that have not returned may or may not see it.
func (w *world) move(e *Event) {
	s := w.sessions[e.Session]
	if s == nil {
		return
	}
	was := s.rooms[e.Room]
	s.rooms[e.Room] = moving
	w.enter(e.Room, s)
	for _, lane := range w.lanes[e.Proc] {
		last := lane.emits[len(lane.emits)-1]
		if !slices.Contains(last.event.To, e.Room) {
			continue
		}
		if was == outside {
			w.append(s, last, true)
		}
		if q := s.queues[last.event.Stream]; q != nil {
			if at, found := q.index(last.event.N); found {
				q.events[at].maybe = true
			}
		}
	}
}

func (w *world) settle(e *Event, how member) {
	s := w.sessions[e.Session]
	if s == nil {
		return
	}
	if how == inside {
		s.rooms[e.Room] = inside
		return
	}
	delete(s.rooms, e.Room)
	delete(w.inRoom[e.Room], s)
}

// expect adds an emission to the queues of its receivers.
func (w *world) expect(m *emission) {
	for i, room := range m.event.To {
		for s := range w.inRoom[room] {
			if w.member(s, m.event.Except) == inside || before(w, s, m.event.To[:i]) {
				continue
			}
			maybe := w.member(s, m.event.To) == moving || w.member(s, m.event.Except) == moving
			w.append(s, m, maybe)
		}
	}
}

// before reports whether the session is in one of the rooms.
func before(w *world, s *session, rooms []string) bool { return w.member(s, rooms) != outside }

// member returns how the session is in the rooms together.
func (w *world) member(s *session, rooms []string) (how member) {
	for _, room := range rooms {
		if room == s.id {
			return inside
		}
		how = max(how, s.rooms[room])
	}
	return how
}

// append adds an emission to the queue of a session, once.
func (w *world) append(s *session, m *emission, maybe bool) {
	q := s.queues[m.event.Stream]
	if q == nil {
		q = &queue{}
		s.queues[m.event.Stream] = q
	}
	if n := len(q.events); n > 0 && q.events[n-1].n >= m.event.N {
		return
	}
	q.events = append(q.events, expected{emission: m, n: m.event.N, maybe: maybe, live: s.live})
}
