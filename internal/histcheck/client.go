// SPDX-License-Identifier: MIT

// This file reads the logs of clients: what arrived, and what they sent in which epoch.

package histcheck

import (
	"fmt"
	"strings"
)

// An actor is a client with its state.
type actor struct {
	name     string
	epoch    string // the present or latest one
	session  *session
	online   bool
	at       map[string]*position // by stream, in the session
	buffered []*emission          // not sent yet
	awaited  []*emission          // sent in epoch, with acknowledgements
	seen     map[string]int       // the latest number of each stream
	ended    bool

	of map[*series]*position // with several servers, in the session
}

// A reader reads the log of one process of clients.
type reader struct {
	*world
	log    []Event
	actors map[string]*actor
}

func (w *world) clients() {
	for _, proc := range w.h.procs(false) {
		r := &reader{world: w, log: w.h[proc], actors: make(map[string]*actor)}
		for i := range r.log {
			r.event(i)
		}
		for name, a := range r.actors {
			if !a.ended {
				w.invalid("client " + name + " has not come to the end")
			}
		}
	}
}

// actor returns the client of an event.
func (r *reader) actor(e *Event) *actor {
	name := clientOf(e.Epoch)
	a := r.actors[name]
	if a == nil {
		a = &actor{name: name, at: make(map[string]*position), seen: make(map[string]int)}
		r.actors[name] = a
	}
	return a
}

func (r *reader) event(i int) {
	e := &r.log[i]
	switch e.Kind {
	case Conn:
		r.conn(i, r.actor(e))
	case Disc:
		r.disc(i, r.actor(e))
	case Recv:
		r.recv(i, r.actor(e))
	case Emit:
		r.emit(i, r.actor(e))
	case Ack:
		r.answered(i, r.actor(e))
	case Err:
		r.outcome(r.log, i)
	case Refused:
		if e.N > 0 {
			r.violation(r.log, i, Forbidden, "I14", "events had arrived", nil)
		}
	case Fork:
		r.fork(r.actor(e), e.Target)
	case Upgrade:
		r.report.Counts["upgrades tried"]++
		if e.Reason == "" {
			r.report.Counts["upgraded"]++
		}
	case Stuck:
		r.report.Counts["stuck"]++
	case Plan:
		r.plan(e)
	case End:
		r.end(i, r.actor(e))
	}
}

func (r *reader) plan(e *Event) {
	for name, n := range e.Ops {
		r.world.planned[name] += n
	}
}

func (r *reader) conn(i int, a *actor) {
	e := &r.log[i]
	ep := r.world.epoch(e.Epoch)
	ep.known = true
	r.report.Counts["connected"]++
	s := r.sessions[e.Session]
	if id, unseen := r.unrecorded[e.Epoch]; unseen {
		ep.session = id
		if s == nil {
			s = &session{id: id, queues: make(map[string]*queue)}
			r.sessions[id] = s
		}
	}
	switch {
	case s == nil || ep.session != e.Session:
		r.violation(r.log, i, Wrong, "I7", "the server has no such connection", nil)
		s = &session{id: e.Session, queues: make(map[string]*queue)}
	case !ep.allowed:
		r.violation(r.log, i, Forbidden, "I14", "connected without having been admitted", nil)
	}
	if a.online {
		r.violation(r.log, i, State, "I7", "connected twice", nil)
	}
	r.wanted(e)
	switch {
	case e.Recovered && a.session == s:
	case e.Recovered:
		r.violation(r.log, i, State, "I11", "recovered in another session", nil)
		fallthrough
	default:
		if a.session == s {
			r.violation(r.log, i, DoubleID, "I12", "a new session has the id of the old one", nil)
		}
		a.at, a.of = make(map[string]*position), make(map[*series]*position)
	}
	for _, m := range a.awaited {
		if m.outcomes == 0 {
			r.violation(r.log, i, AckWrong, "I5", "an acknowledgement of the connection before has not ended", m)
		}
	}
	a.awaited = nil
	a.session, a.epoch, a.online = s, e.Epoch, true
	for _, m := range a.buffered {
		r.sendIn(a, ep, m)
	}
	a.buffered = nil
}

// wanted counts clients that should be recovered.
func (r *reader) wanted(e *Event) {
	if !e.Wanted {
		return
	}
	r.report.Counts["wanted"]++
	if e.Recovered {
		r.report.Counts["wanted and recovered"]++
		return
	}
	r.report.Reasons[e.Reason]++
}

func (r *reader) disc(i int, a *actor) {
	e := &r.log[i]
	if !a.online || e.Epoch != a.epoch {
		r.violation(r.log, i, State, "I7", "disconnected without being connected", nil)
	}
	a.online = false
	ep := r.world.epoch(e.Epoch)
	ep.clientReason = e.Reason
	theirs, ours := strings.Contains(ep.serverReason, "client namespace"), strings.HasPrefix(e.Reason, "io client")
	byServer, told := strings.HasPrefix(ep.serverReason, "server "), strings.HasPrefix(e.Reason, "io server")
	if ep.serverReason != "" && (theirs && !ours || told && !byServer) {
		r.violation(r.log, i, State, "I7", fmt.Sprintf("the server says %q", ep.serverReason), nil)
	}
}

func (r *reader) fork(a *actor, name string) {
	c := &actor{name: name, session: a.session, at: make(map[string]*position), seen: make(map[string]int)}
	for stream, p := range a.at {
		c.at[stream] = p.clone()
	}
	c.of = make(map[*series]*position, len(a.of))
	for sr, p := range a.of {
		c.of[sr] = p.clone()
	}
	r.actors[name] = c
}

// recv examines an event that arrived at a client.
func (r *reader) recv(i int, a *actor) {
	e := &r.log[i]
	r.report.Counts["received by clients"]++
	m := r.streams[e.Stream].get(e.N)
	if m == nil || m.event.Kind != Emit || !isServer(m.event.Proc) {
		r.violation(r.log, i, Unexpected, "I1", "it was never sent", nil)
		return
	}
	if m.event.Hash != e.Hash {
		r.violation(r.log, i, Unexpected, "I1", "it was sent with other contents", m)
		return
	}
	m.handled++
	if !a.online || a.epoch != e.Epoch {
		r.violation(r.log, i, Stale, "I7", "the client is not connected", m)
		return
	}
	if r.nodes != nil {
		r.recvFromNodes(i, a, m)
		return
	}
	q := a.session.queues[e.Stream]
	at, found := q.index(e.N)
	if !found {
		if !r.unseenSession(a.session.id) { // else it may have been, before a server knew of it
			r.violation(r.log, i, Wrong, "I12", "it was not for this session", m)
		}
		return
	}
	p := a.at[e.Stream]
	if p == nil {
		p = &position{}
		a.at[e.Stream] = p
	}
	a.seen[e.Stream] = e.N
	r.took(r.log, i, q, p, at)
}

// took reports what is wrong with the place of an event in a stream.
func (w *world) took(log []Event, i int, q *queue, p *position, at int) {
	missing, again, late := p.take(q, at, log[i].Epoch)
	for _, k := range missing {
		m := q.events[k].emission
		w.violation(log, i, Hole, "I4", fmt.Sprintf("number %d of %s is missing before it", q.events[k].n, m.event.Stream), m)
	}
	switch {
	case again:
		w.violation(log, i, Duplicate, "I3", "it had arrived", q.events[at].emission)
	case late:
		w.violation(log, i, Reordered, "I2", "later ones had arrived", q.events[at].emission)
	}
}

// emit registers what a client sends, in the epoch in which it will leave.
func (r *reader) emit(i int, a *actor) {
	e := &r.log[i]
	r.report.Counts["sent by clients"]++
	m := r.add(r.log, i)
	switch {
	case e.Buffered || !a.online && !e.Volatile:
		a.buffered = append(a.buffered, m)
	case a.online:
		r.sendIn(a, r.world.epoch(a.epoch), m)
	}
}

func (r *reader) sendIn(a *actor, ep *epoch, m *emission) {
	m.epoch = a.epoch
	if m.event.Retries > 0 {
		return
	}
	if m.event.Ack {
		a.awaited = append(a.awaited, m)
	}
	q := ep.up[m.event.Stream]
	if q == nil {
		q = &queue{}
		ep.up[m.event.Stream] = q
	}
	q.events = append(q.events, expected{emission: m, n: m.event.N, live: m.epoch})
}

// answered examines an acknowledgement that arrived at a client.
func (r *reader) answered(i int, a *actor) {
	e := &r.log[i]
	if !a.online {
		r.violation(r.log, i, Stale, "I5", "the client is not connected", nil)
	}
	if e.Beside != "" && a.seen[e.Beside] != e.After {
		r.violation(r.log, i, Reordered, "I6", fmt.Sprintf("%s is at %d when the answer comes", e.Beside, a.seen[e.Beside]), r.streams[e.Beside].get(e.After))
	}
	r.outcome(r.log, i)
}

// end examines what is missing when everything should have arrived.
func (r *reader) end(i int, a *actor) {
	a.ended = true
	if e := r.log[i]; e.Reason != "" {
		return // it has left before the end
	}
	if !a.online {
		r.violation(r.log, i, State, "I7", "the run ends without a connection", nil)
		return
	}
	r.world.epoch(a.epoch).ended = true
	if r.nodes != nil {
		r.endOfNodes(i, a)
		return
	}
	for stream, q := range a.session.queues {
		p := a.at[stream]
		if p == nil {
			p = &position{}
		}
		for _, m := range q.events[min(p.next, len(q.events)):] {
			if !m.skippable(a.epoch) {
				r.violation(r.log, i, Lost, "I4", fmt.Sprintf("number %d of %s has not arrived", m.n, stream), m.emission)
			}
		}
	}
}
