// SPDX-License-Identifier: MIT

// This file reads the logs of several servers that run at once. They run on one machine,
// so the times in their logs can be compared.

package histcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// newNodes returns nil if one server runs after the other.
func newNodes(h History) *nodes {
	for _, log := range h {
		for _, e := range log {
			if e.Kind == Plan && e.Order != "" {
				return &nodes{
					order: e.Order, logged: e.Logged,
					byName: make(map[string]*node), series: make(map[string]*series), asked: make(map[string]*Event),
				}
			}
		}
	}
	return nil
}

// A line is an event in its log.
type line struct {
	log []Event
	i   int
	t   int64
}

// lines returns the lines of all servers, and what was done to them, in order of time.
func (w *world) lines() []line {
	var all []line
	for _, proc := range w.h.procs(true) {
		log := w.h[proc]
		n := &node{killed: w.killed[proc]}
		w.nodes.byName[proc] = n
		for i := range log {
			n.ended = max(n.ended, log[i].T)
			all = append(all, line{log, i, n.ended})
		}
	}
	for _, proc := range w.h.procs(false) {
		log := w.h[proc]
		for i, e := range log {
			switch e.Kind {
			case Kill: // the process may have written something meanwhile
				if n := w.nodes.byName[e.Target]; n != nil {
					n.ended = max(n.ended, e.T) + 1
					all = append(all, line{log, i, n.ended})
				}
			case Freeze, Thaw, Outage, Over:
				all = append(all, line{log, i, e.T})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b line) int { return cmp.Compare(a.t, b.t) })
	return all
}

// several reads the logs of all servers.
func (w *world) several() {
	for _, l := range w.lines() {
		if e := &l.log[l.i]; isServer(e.Proc) {
			w.nodeEvent(l.log, l.i)
		} else {
			w.done(e, l.t)
		}
	}
	for _, proc := range w.h.procs(true) {
		log := w.h[proc]
		if len(log) == 0 || log[len(log)-1].Kind != End && !w.killed[proc] {
			w.invalid(proc + " has not stopped")
		}
		for _, s := range w.sessions {
			if s.live != "" && s.server == proc && !w.killed[proc] {
				w.violation(log, len(log)-1, State, "I7", fmt.Sprintf("%s was not disconnected", s.id), nil)
			}
		}
	}
	w.questions()
	w.reaches()
}

// done registers what was done to a server, or to what connects them.
func (w *world) done(e *Event, t int64) {
	n := w.nodes.byName[e.Target]
	switch e.Kind {
	case Outage:
		w.report.Counts["outages"]++
		w.nodes.broker = begin(w.nodes.broker, t)
	case Over:
		end(w.nodes.broker, t)
	case Freeze:
		w.report.Counts["frozen"]++
		if n != nil {
			n.frozen, n.trouble = begin(n.frozen, t), begin(n.trouble, t)
		}
	case Thaw:
		if n != nil {
			end(n.frozen, t)
			end(n.trouble, t)
		}
	case Kill:
		for _, s := range w.sessions {
			if s.live != "" && s.server == e.Target {
				w.gone(s, t)
			}
		}
		for _, lane := range w.lanes[e.Target] {
			lane.emits[len(lane.emits)-1].failed = true
		}
	}
}

// nodeEvent reads a line of a server.
func (w *world) nodeEvent(log []Event, i int) {
	e := &log[i]
	s := w.sessions[e.Session]
	switch e.Kind {
	case Conn:
		w.nodeConn(log, i)
	case Disc:
		w.nodeDisc(log, i)
	case Joining, Join, Leaving, Leave:
		if s != nil {
			w.nodeMove(s, e)
		}
	case Emit:
		w.report.Counts["sent by servers"]++
		w.inSeries(w.add(log, i))
	case Health:
		n := w.nodes.byName[e.Proc]
		if e.Reason != "" {
			n.trouble = begin(n.trouble, e.T-unnoticed)
		} else {
			end(n.trouble, e.T)
		}
	case Ask, Told:
		w.ask(log, i)
	default:
		w.serverEvent(log, i)
		if e.Kind == Auth {
			w.epoch(e.Epoch).allowedAt = e.T
		}
	}
}

// inSeries adds an emission to its series.
func (w *world) inSeries(m *emission) {
	e := m.event
	name := e.Stream
	if w.nodes.order == OrderRoom {
		name += "\x00"
		if len(e.To) == 1 {
			name += e.To[0]
		}
	}
	sr := w.nodes.series[name]
	if sr == nil {
		sr = new(series)
		w.nodes.series[name] = sr
	}
	m.series, m.place = sr, len(sr.emits)
	sr.emits = append(sr.emits, m)
	if s := w.sessions[e.To[0]]; e.Ack && s != nil {
		m.live = s.live
	}
}

func (w *world) nodeMove(s *session, e *Event) {
	switch e.Kind {
	case Joining:
		s.joining(e.Room, e.T)
	case Join:
		s.joined(e.Room, e.T)
		s.rooms[e.Room] = inside
	case Leaving:
		s.leaving(e.Room, e.T)
		if s.rooms[e.Room] != outside {
			s.rooms[e.Room] = moving
		}
	case Leave:
		s.left(e.Room, e.T)
		delete(s.rooms, e.Room)
	}
	if e.Kind == Joining && s.rooms[e.Room] == outside {
		s.rooms[e.Room] = moving
	}
	if e.Room == s.id {
		delete(s.rooms, s.id)
	}
}

func (w *world) nodeConn(log []Event, i int) {
	e := &log[i]
	ep := w.epoch(e.Epoch)
	if ep.session != "" {
		w.violation(log, i, State, "I7", "the same connection connects twice", nil)
	}
	ep.session = e.Session
	if !ep.allowed {
		w.violation(log, i, Forbidden, "I14", "connected without having been admitted", nil)
	}
	s := w.sessions[e.Session]
	if s != nil && s.live != "" && w.wasFrozen(s) {
		w.epoch(s.live).taken = e.T
		w.gone(s, e.T)
	}
	switch {
	case s == nil && e.Recovered && w.unseenSession(e.Session):
	case s == nil && e.Recovered:
		w.violation(log, i, State, "I11", "recovered, but there is no such session", nil)
	case s != nil && s.live != "":
		w.violation(log, i, DoubleID, "I13", "connected while "+s.live+" is on "+s.server, nil)
		w.gone(s, e.T)
	case s != nil && !e.Recovered:
		w.violation(log, i, DoubleID, "I12", "a new session has the id of an old one", nil)
	case s != nil && s.over:
		w.violation(log, i, State, "I12", "recovered after it had ended for good", nil)
	}
	if s == nil {
		s = &session{id: e.Session, rooms: make(map[string]member), spans: make(map[string][]*span)}
		w.sessions[e.Session] = s
		s.joining(s.id, ep.allowedAt)
	}
	w.restored(log, i, s)
	if e.Recovered {
		w.report.Counts["recovered"]++
		if s.server != "" && s.server != e.Proc {
			w.report.Counts["recovered elsewhere"]++
		}
	}
	s.client, s.live, s.server, s.data = clientOf(e.Epoch), e.Epoch, e.Proc, e.Data
	s.visits = append(s.visits, &visit{server: e.Proc, from: ep.allowedAt, at: e.T, until: never})
}

// wasFrozen reports whether the server of a session has been frozen since its client came.
// Another server may have taken the session then.
func (w *world) wasFrozen(s *session) bool {
	since := s.visits[len(s.visits)-1].from
	return slices.ContainsFunc(w.nodes.byName[s.server].frozen, func(f window) bool { return f.to >= since })
}

// restored compares the rooms and the data of a session that connects with what they should
// be. What was changed just before its server died or froze may not have been stored.
func (w *world) restored(log []Event, i int, s *session) {
	e, rule := &log[i], "I12"
	if e.Recovered {
		rule = "I11"
		if s.data != "" && e.Data != s.data && !w.unsaved(s, s.visits[len(s.visits)-1].at) {
			w.violation(log, i, State, rule, fmt.Sprintf("data %q, not %q", e.Data, s.data), nil)
		}
	}
	for _, room := range e.Rooms {
		last := s.lastSpan(room)
		if s.rooms[room] == outside && (last == nil || !w.unsaved(s, last.to)) {
			w.violation(log, i, State, rule, "it is in room "+room, nil)
		}
		from := e.T
		if last != nil {
			from = last.to // it was not left, as it turns out
		}
		s.joining(room, from)
		s.joined(room, e.T)
		s.rooms[room] = inside
	}
	for room, how := range s.rooms {
		if slices.Contains(e.Rooms, room) {
			continue
		}
		last := s.lastSpan(room)
		if how == inside && !w.unsaved(s, last.in) {
			w.violation(log, i, State, rule, "it is not in room "+room, nil)
		}
		last.out = min(last.out, last.in)
		s.left(room, e.T)
		delete(s.rooms, room)
	}
}

// unsaved reports whether a change of a session at a time may have been lost with its
// server.
func (w *world) unsaved(s *session, t int64) bool {
	n := w.nodes.byName[s.server]
	if n == nil || !w.nodes.logged {
		return false
	}
	return n.killed && t >= n.ended-lag || anyNear(n.frozen, t, t) || anyNear(w.nodes.broker, t, t) || anyNear(n.trouble, t, t)
}

func (w *world) nodeDisc(log []Event, i int) {
	e := &log[i]
	s := w.sessions[e.Session]
	ep := w.epoch(e.Epoch)
	if ep.taken != 0 {
		return
	}
	if s == nil || s.live != e.Epoch {
		w.violation(log, i, State, "I7", "disconnected without being connected", nil)
		return
	}
	if len(e.Rooms) > 0 {
		w.violation(log, i, State, "I7", "it is still in rooms", nil)
	}
	ep.serverReason = e.Reason
	w.gone(s, e.T)
	if strings.Contains(e.Reason, "namespace disconnect") {
		s.over = true
		for room := range s.spans {
			s.left(room, e.T)
		}
	}
}

// gone ends the connection of a session.
func (w *world) gone(s *session, t int64) {
	s.live = ""
	s.visits[len(s.visits)-1].until = t
}

// reaches finds out how much of each series has reached another server.
func (w *world) reaches() {
	for _, proc := range w.h.procs(false) {
		for _, e := range w.h[proc] {
			if e.Kind != Recv {
				continue
			}
			m, s := w.streams[e.Stream].get(e.N), w.sessions[e.Session]
			if m == nil || m.series == nil || s == nil || s.server == m.event.Proc {
				continue
			}
			w.report.Counts["received from elsewhere"]++
			m.series.reached = max(m.series.reached, m.place+1)
		}
	}
}

// lostOnTheWay reports whether an event may have been lost between the servers (I16).
func (w *world) lostOnTheWay(m *emission, s *session) bool {
	t := m.event.T
	from := w.nodes.byName[m.event.Proc]
	if from.killed && m.place >= m.series.reached && t >= from.ended-3*lag {
		return s.server != m.event.Proc || w.nodes.logged
	}
	if s.server == m.event.Proc && !w.nodes.logged {
		return false
	}
	if anyNear(from.trouble, t, t) || anyNear(w.nodes.broker, t, t) {
		return true
	}
	return !w.nodes.logged && anyNear(w.nodes.byName[s.server].trouble, t, t)
}
