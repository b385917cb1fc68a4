// SPDX-License-Identifier: MIT

// This file examines the rules for several servers.

package histcheck_test

import (
	"testing"

	hc "socketio/internal/histcheck"
)

// ofNodes returns how many histories of several servers there are. They are long.
func ofNodes() int {
	if testing.Short() {
		return histories / 4
	}
	return histories
}

func TestCleanHistoriesOfSeveralServers(t *testing.T) {
	counts := make(map[string]int)
	for seed := range uint64(ofNodes()) {
		report := hc.Check(cleanNodes(seed))
		if !report.OK() {
			t.Fatalf("seed %d: %s", seed, report)
		}
		for name, n := range report.Counts {
			counts[name] += n
		}
	}
	t.Log(counts)
	for _, name := range []string{
		"connected", "sent by clients", "sent by servers", "received by clients", "received by servers",
		"acknowledged", "not acknowledged", "recovered", "recovered elsewhere", "received from elsewhere",
		"wanted and recovered", "killed", "frozen", "outages", "questions", "answered completely",
	} {
		if counts[name] < ofNodes()/10 {
			t.Errorf("%s: %d in %d histories", name, counts[name], ofNodes())
		}
	}
}
