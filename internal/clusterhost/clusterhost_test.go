// SPDX-License-Identifier: MIT

// This file tests hosts over a bus in memory.

package clusterhost_test

import (
	"errors"
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

// What a host lacks is told apart: what Emit has refused, and what it has taken.
func TestHoles(t *testing.T) {
	network := membus.New(1)
	node := network.Node("a")
	all := []*clusterhost.Host{
		clusterhost.New(t, "a", cluster.New(node, nil), "room"), clusterhost.New(t, "b", cluster.New(network.Node("b"), nil), "room"),
	}
	clusterhost.Settled(t, all)
	a, b := all[0], all[1]
	node.Break()
	clusterhost.Eventually(t, "a degraded state", func() bool { return a.Health().Degraded != nil })
	const sent = 5
	for range sent {
		if _, err := a.Emit("room"); err == nil {
			t.Error("Emit returns nil while the bus is down")
		}
	}
	node.Mend()
	clusterhost.Eventually(t, "the health of a", func() bool { return a.Health().Degraded == nil })
	clusterhost.Exchange(t, all)
	if holes, refused := b.Holes(all); len(holes) != 0 || refused != sent || b.Lost() != sent {
		t.Errorf("b has the holes %v, and lacks %d events that Emit has refused of %d", holes, refused, b.Lost())
	}
	for _, number := range []int{1, 4, 7} { // of a host that does not exist
		a.Deliver(&adapter.Packet{Message: fmt.Sprintf("c/room/%d", number)})
	}
	node.Break()
	clusterhost.Eventually(t, "a degraded state", func() bool { return a.Health().Degraded != nil })
	a.Deliver(&adapter.Packet{Message: "c/room/9"})
	node.Mend()
	clusterhost.Eventually(t, "the health of a", func() bool { return a.Health().Degraded == nil })
	a.Deliver(&adapter.Packet{Message: "c/room/10"})
	a.Deliver(&adapter.Packet{Message: "c/room/12"})
	clusterhost.Eventually(t, "the end of the outage", func() bool { // it is noted after Health has changed
		holes, _ := a.Holes(all)
		return !a.Degraded(holes[len(holes)-1], func(error) bool { return true })
	})
	holes, _ := a.Holes(all)
	holes = slices.DeleteFunc(holes, func(hole clusterhost.Hole) bool { return hole.From != "c" }) // Break loses what is on its way from b
	var got []string
	for _, hole := range holes {
		degraded := a.Degraded(hole, func(why error) bool { return errors.Is(why, membus.ErrDown) })
		other := a.Degraded(hole, func(why error) bool { return !errors.Is(why, membus.ErrDown) })
		got = append(got, fmt.Sprintln(hole.Stream, hole.After, hole.Before, hole.Lacking, degraded, other))
	}
	want := []string{"room 1 4 2 false false\n", "room 4 7 2 false false\n", "room 7 9 1 true false\n", "room 10 12 1 false false\n"}
	if !slices.Equal(got, want) {
		t.Errorf("the holes %q, want %q", got, want)
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
