// SPDX-License-Identifier: MIT

// This file holds Check.

package histcheck

import "fmt"

// enough is the share of the planned operations that a run must have done, in percent.
const enough = 90

// Check examines a history. The report counts, and a Plan may require: connected, sent by
// clients, sent by servers, received by clients, received by servers, acknowledged, not
// acknowledged, recovered (at servers), wanted (clients that should have been recovered),
// wanted and recovered, upgrades tried, upgraded, stuck, killed,
// restarted; of several servers recovered elsewhere, received from elsewhere, frozen,
// outages, questions, answered completely.
func Check(h History) *Report {
	w := &world{
		h:        h,
		report:   &Report{Counts: make(map[string]int), Reasons: make(map[string]int)},
		streams:  make(map[string]*stream),
		sessions: make(map[string]*session),
		inRoom:   make(map[string]map[*session]bool),
		ofClient: make(map[string]*session),
		forked:   make(map[string]bool),
		killed:   make(map[string]bool),
		planned:  make(map[string]int),
		epochs:   make(map[string]*epoch),
		lanes:    make(map[string][]*stream),
	}
	for _, log := range h {
		for _, e := range log {
			switch e.Kind {
			case Fork:
				w.forked[clientOf(e.Epoch)] = true
			case Kill:
				w.killed[e.Target] = true
				w.report.Counts["killed"]++
			}
		}
	}
	w.unseen()
	if w.nodes = newNodes(h); w.nodes != nil {
		w.several()
	} else {
		w.servers()
	}
	w.clients()
	w.upward()
	w.acknowledgements()
	w.validate()
	return w.report
}

// validate reports a run that has done too little to say something.
func (w *world) validate() {
	if len(w.planned) == 0 {
		w.invalid("there is no plan")
	}
	for name, n := range w.planned {
		if did := w.report.Counts[name]; did*100 < n*enough {
			w.invalid(fmt.Sprintf("%s: %d of %d", name, did, n))
		}
	}
}
