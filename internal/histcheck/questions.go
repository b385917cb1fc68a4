// SPDX-License-Identifier: MIT

// This file examines what servers are told when they ask all servers for their sockets: I18
// and I19.

package histcheck

import (
	"fmt"
	"slices"
)

// askLimit is how long an answer may take, in microseconds: the time that the server has
// set, and what a busy machine takes.
const askLimit = 30_000_000

// ask reads a question, or its answer.
func (w *world) ask(log []Event, i int) {
	e := &log[i]
	key := fmt.Sprint(e.Proc, "/", e.N)
	if e.Kind == Ask {
		w.report.Counts["questions"]++
		w.nodes.asked[key] = e
		return
	}
	asked := w.nodes.asked[key]
	delete(w.nodes.asked, key)
	if asked == nil {
		w.violation(log, i, Unexpected, "I19", "nobody has asked", nil)
		return
	}
	w.nodes.answered = append(w.nodes.answered, question{asked, log, i})
}

// questions examines all answers.
func (w *world) questions() {
	for _, e := range w.nodes.asked {
		if !w.killed[e.Proc] {
			w.violation([]Event{*e}, 0, Hung, "I19", "there is no answer", nil)
		}
	}
	for _, q := range w.nodes.answered {
		w.slow(q)
		if q.log[q.i].Reason == "" {
			w.report.Counts["answered completely"]++
			w.complete(q)
		}
		w.existing(q)
	}
}

// slow examines how long an answer has taken.
func (w *world) slow(q question) {
	e := &q.log[q.i]
	took := e.T - q.asked.T
	for _, f := range w.nodes.byName[e.Proc].frozen {
		took -= max(0, min(f.to, e.T)-max(f.from, q.asked.T))
	}
	if took > askLimit {
		w.violation(q.log, q.i, Hung, "I19", fmt.Sprintf("the answer took %d s", took/1_000_000), nil)
	}
}

// complete examines which sockets are missing in an answer without an error.
func (w *world) complete(q question) {
	e := &q.log[q.i]
	from, to := q.asked.T, e.T
	if anyNear(w.nodes.broker, from, to) || anyNear(w.nodes.byName[e.Proc].trouble, from, to) {
		return
	}
	for id, s := range w.sessions {
		if slices.Contains(e.Sessions, id) || s.spans == nil {
			continue
		}
		for _, v := range s.visits {
			// A socket is no longer found some time before its end is recorded.
			if v.at <= from && v.until-lag >= to && !anyNear(w.nodes.byName[v.server].trouble, from, to) {
				w.violation(q.log, q.i, State, "I18", id+" is missing, which is on "+v.server, nil)
			}
		}
	}
}

// existing examines whether the sockets of an answer exist.
func (w *world) existing(q question) {
	e := &q.log[q.i]
	seen := make(map[string]bool)
	for _, id := range e.Sessions {
		if seen[id] {
			w.violation(q.log, q.i, DoubleID, "I18", id+" is there twice", nil)
		}
		seen[id] = true
		if w.unseenSession(id) {
			continue
		}
		s := w.sessions[id]
		if s != nil && w.comes(s.client, e.T) {
			continue
		}
		if s == nil || !slices.ContainsFunc(s.visits, func(v *visit) bool { return v.from <= e.T && v.until >= q.asked.T }) {
			w.violation(q.log, q.i, State, "I18", id+" is not connected", nil)
		}
	}
}

// comes reports whether a client had been admitted by a time in a connection that no server has
// recorded: it may have ended before the handler ran, with the socket of its session.
func (w *world) comes(client string, t int64) bool {
	for name, ep := range w.epochs {
		if ep.allowedAt > 0 && ep.allowedAt <= t && ep.session == "" && clientOf(name) == client {
			return true
		}
	}
	return false
}
