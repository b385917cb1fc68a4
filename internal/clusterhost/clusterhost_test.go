// SPDX-License-Identifier: MIT

// This file tests hosts over a bus in memory.

package clusterhost_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/internal/clusterhost"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A notebook is a test that keeps its errors.
type notebook struct {
	testing.TB
	errors []string
}

func (n *notebook) Errorf(format string, args ...any) {
	n.errors = append(n.errors, fmt.Sprintf(format, args...))
}

func TestExchange(t *testing.T) {
	network := membus.New(1)
	var all []*clusterhost.Host
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, clusterhost.NewIn(t, name, "/chat", cluster.New(network.Node(name), nil), "room"))
	}
	clusterhost.Exchange(t, all)
	clusterhost.Settled(t, all)
	for _, from := range all {
		for _, to := range all {
			for _, stream := range []string{"", "room"} {
				if to.Heard(from.Name, stream) < 1 || to.Lost() != 0 {
					t.Errorf("%s has received %d of %s, and lost %d", to.Name, to.Heard(from.Name, stream), from.Name, to.Lost())
				}
			}
		}
	}
}

// An event that comes twice or late is an error of the test, and one that is left out is
// counted.
func TestOrder(t *testing.T) {
	network, notes := membus.New(1), &notebook{TB: t}
	h := clusterhost.New(notes, "h", cluster.New(network.Node("h"), nil))
	for _, number := range []int{3, 4, 7, 7, 5} {
		h.Deliver(&adapter.Packet{Message: fmt.Sprintf("  other/room/%d", number)})
		if number == 7 && len(notes.errors) == 0 && h.Lost() != 2 {
			t.Errorf("%d events are lost, want 2", h.Lost())
		}
	}
	want := []string{`h got event 7 of "other/room" after event 7`, `h got event 5 of "other/room" after event 7`}
	if !slices.Equal(notes.errors, want) {
		t.Errorf("the errors %q, want %q", notes.errors, want)
	}
	h.Space.Remove(h)
	if _, err := h.Emit(""); err != nil || len(notes.errors) != 3 {
		t.Errorf("Emit without a socket: %v, the errors %q", err, notes.errors)
	}
}

func TestHoldsWithin(t *testing.T) {
	n := 0
	if !clusterhost.HoldsWithin(time.Hour, func() bool { n++; return n == 3 }) {
		t.Error("a condition that holds at the third look does not hold within an hour")
	}
	if clusterhost.HoldsWithin(0, func() bool { return false }) {
		t.Error("a condition that never holds has held")
	}
}
