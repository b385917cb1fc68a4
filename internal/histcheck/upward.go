// SPDX-License-Identifier: MIT

// This file examines what arrived at servers. It needs what client.go has found: which
// events each client sent in which epoch.

package histcheck

import "fmt"

// upward reads the logs of the servers again.
func (w *world) upward() {
	for _, proc := range w.h.procs(true) {
		log := w.h[proc]
		live := make(map[string]bool) // epochs
		firsts := make(map[string]int)
		for i := range log {
			e := &log[i]
			switch e.Kind {
			case Conn:
				live[e.Epoch] = true
			case Disc:
				delete(live, e.Epoch)
			case Recv:
				w.handled(log, i, live[e.Epoch], firsts)
			case Ack:
				w.outcome(log, i)
			case Err:
				if m := w.streams[e.Stream].get(e.N); m != nil && m.event.Ack {
					w.outcome(log, i)
				}
			}
		}
	}
	w.upwardEnd()
}

// handled examines an event that arrived at a server.
func (w *world) handled(log []Event, i int, live bool, firsts map[string]int) {
	e := &log[i]
	w.report.Counts["received by servers"]++
	m := w.streams[e.Stream].get(e.N)
	if m == nil || isServer(m.event.Proc) {
		w.violation(log, i, Unexpected, "I1", "it was never sent", nil)
		return
	}
	if m.event.Hash != e.Hash {
		w.violation(log, i, Unexpected, "I1", "it was sent with other contents", m)
		return
	}
	m.handled++
	if !live {
		w.violation(log, i, Stale, "I7", "the socket is not connected", m)
		return
	}
	ep := w.epoch(e.Epoch)
	if ep.taken != 0 && e.T > ep.taken {
		// A handler that had begun when the server was frozen goes on: it may not even have
		// recorded its event. Those of one client run one at a time.
		if ep.ran {
			w.violation(log, i, Stale, "I13", "another server had taken the session", m)
		}
		ep.ran = true
		return
	}
	if m.event.Retries > 0 {
		w.retried(log, i, m, firsts)
		return
	}
	if ep.session != e.Session {
		w.violation(log, i, Wrong, "I7", "the connection has session "+ep.session, m)
	}
	q := ep.up[e.Stream]
	at, found := q.index(e.N)
	if !found {
		switch {
		case clientOf(m.epoch) != clientOf(e.Epoch):
			w.violation(log, i, Wrong, "I2", "another client sent it", m)
		case m.handled > 1:
			w.violation(log, i, Duplicate, "I3", "it had arrived in an earlier connection", m)
		default:
			w.violation(log, i, Reordered, "I2", fmt.Sprintf("it was sent in epoch %q", m.epoch), m)
		}
		return
	}
	p := ep.upAt[e.Stream]
	if p == nil {
		p = &position{}
		ep.upAt[e.Stream] = p
	}
	w.took(log, i, q, p, at)
}

// retried examines an event that its client may send several times.
func (w *world) retried(log []Event, i int, m *emission, firsts map[string]int) {
	e := &log[i]
	allowed := m.event.Retries + 1
	rule := "I9"
	if m.event.Once {
		allowed, rule = 1, "I10"
	}
	if m.handled > allowed {
		w.violation(log, i, Duplicate, rule, fmt.Sprintf("handled %d times", m.handled), m)
	}
	if m.handled == 1 {
		if e.N < firsts[e.Stream] {
			w.violation(log, i, Reordered, rule, fmt.Sprintf("number %d was handled before", firsts[e.Stream]), m)
		}
		firsts[e.Stream] = max(firsts[e.Stream], e.N)
	}
}

// upwardEnd examines what is missing of the epochs in which clients have seen the end.
func (w *world) upwardEnd() {
	for name, ep := range w.epochs {
		if !ep.ended {
			continue
		}
		for stream, q := range ep.up {
			next := 0
			if p := ep.upAt[stream]; p != nil {
				next = p.next
			}
			for _, m := range q.events[next:] {
				if m.skippable(name) {
					continue
				}
				w.violation([]Event{*m.event}, 0, Lost, "I4", "it has not arrived in "+name, nil)
			}
		}
	}
}
