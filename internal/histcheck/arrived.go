// SPDX-License-Identifier: MIT

// This file examines what arrived at the clients of several servers.

package histcheck

import "fmt"

// recvFromNodes examines the place of an event in its series: I15 and I17.
func (r *reader) recvFromNodes(i int, a *actor, m *emission) {
	e, s := &r.log[i], a.session
	a.seen[e.Stream] = e.N
	if len(s.visits) == 0 || r.unseenSession(s.id) {
		return // no server has recorded the session: that was reported, or it was killed before
	}
	if !s.mayGet(m, e.T) {
		r.violation(r.log, i, Wrong, "I12", "it was not for this session", m)
		return
	}
	p := r.positionIn(a, m.series)
	if !p.began {
		p.next = min(p.next, m.place) // perhaps it was emitted before the session began
	}
	if m.place < p.next {
		if p.holes[m.place] {
			delete(p.holes, m.place)
			r.violation(r.log, i, Reordered, "I15", "later ones had arrived", m)
		} else {
			r.violation(r.log, i, Duplicate, "I17", "it had arrived", m)
		}
		return
	}
	for k := p.next; k < m.place; k++ {
		missed := m.series.emits[k]
		if !s.mayGet(missed, e.T) {
			continue
		}
		if p.holes == nil {
			p.holes = make(map[int]bool)
		}
		p.holes[k] = true
		if r.mustHave(a, missed, e.T) {
			r.violation(r.log, i, Hole, "I15", fmt.Sprintf("number %d of %s is missing before it", missed.event.N, missed.event.Stream), missed)
		}
	}
	p.next, p.began = m.place+1, true
}

// positionIn returns the position of a client in a series. It begins with the session.
func (r *reader) positionIn(a *actor, sr *series) *position {
	p := a.of[sr]
	if p == nil {
		p = &position{next: sr.after(a.session.visits[0].from)}
		a.of[sr] = p
	}
	return p
}

// mustHave reports whether an event must have arrived at a client by a time.
func (r *reader) mustHave(a *actor, m *emission, by int64) bool {
	e := m.event
	if e.Volatile || m.failed || e.Ack && m.live != a.epoch {
		return false
	}
	return a.session.mustGet(m, by) && !r.lostOnTheWay(m, a.session)
}

// endOfNodes examines what is missing when everything should have arrived.
func (r *reader) endOfNodes(i int, a *actor) {
	if len(a.session.visits) == 0 || r.unseenSession(a.session.id) {
		return
	}
	for _, sr := range r.nodes.series {
		for _, m := range sr.emits[r.positionIn(a, sr).next:] {
			if r.mustHave(a, m, r.log[i].T) {
				r.violation(r.log, i, Lost, "I16", fmt.Sprintf("number %d of %s has not arrived", m.event.N, m.event.Stream), m)
			}
		}
	}
}
