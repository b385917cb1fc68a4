// SPDX-License-Identifier: MIT

// This file examines acknowledgements: each ends once, and says what happened.

package histcheck

import "fmt"

// outcome registers that an acknowledgement has come, or will not come.
func (w *world) outcome(log []Event, i int) {
	e := &log[i]
	m := w.streams[e.Stream].get(e.N)
	switch {
	case m == nil || !m.event.Ack:
		w.violation(log, i, AckWrong, "I5", "nobody awaits it", nil)
		return
	case m.event.Proc != e.Proc:
		w.violation(log, i, Wrong, "I5", "another process awaits it", m)
		return
	}
	m.outcomes++
	if m.outcomes > 1 {
		w.violation(log, i, AckWrong, "I5", "it has ended before", m)
	}
	if e.Kind != Ack {
		w.report.Counts["not acknowledged"]++
		return
	}
	w.report.Counts["acknowledged"]++
	m.ok = true
	if want := Hash(e.Stream, e.N, "reply"); e.Hash != want {
		w.violation(log, i, AckWrong, "I5", "it is the answer to something else: not "+want, m)
	}
}

// acknowledgements compares, after all logs have been read, what acknowledgements said
// with what was handled.
func (w *world) acknowledgements() {
	for _, s := range w.streams {
		killed := s.server != "" && w.killed[s.server]
		for _, m := range s.emits {
			if m.event.Ack {
				w.acknowledgement(m, killed)
			}
		}
	}
}

func (w *world) acknowledgement(m *emission, killed bool) {
	log := []Event{*m.event}
	allowed := m.event.Retries + 1
	if m.event.Once {
		allowed = 1
	}
	switch {
	case m.outcomes == 0 && !killed:
		w.violation(log, 0, AckWrong, "I5", "its acknowledgement has not ended", nil)
	case m.ok && m.handled == 0:
		w.violation(log, 0, AckWrong, "I5", "it was acknowledged, but nobody handled it", nil)
	case m.ok && m.event.Retries == 0 && m.handled > 1 || m.handled > allowed && m.event.Retries == 0:
		w.violation(log, 0, Duplicate, "I5", fmt.Sprintf("it was handled %d times", m.handled), nil)
	}
}
