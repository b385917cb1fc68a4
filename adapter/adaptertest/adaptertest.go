// SPDX-License-Identifier: MIT

// Package adaptertest tests implementations of adapter.Adapter and adapter.Store. An
// implementer calls Run from a test:
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, func(t *testing.T) adapter.Cluster { return New() })
//	}
//
// Run tests one node: rooms, targets, deliveries, operations on many sockets, and Close.
// RunCluster tests several nodes. InMemory is a cluster inside one process, with faults.
// RunStore tests Stores, and RunSessions the stores of sessions that nodes share.
// RunLogCluster tests buses of package cluster that have logs.
//
// Reading order: adaptertest.go (rooms and targets), many.go (deliveries and
// acknowledgements), nodes.go (several nodes), operations.go (each operation, the order of
// events), faults.go (what can happen to a node), fake.go (members, and the server's side),
// bus.go, store.go (stores), replies.go, sessions.go (shared sessions), disk.go (a store that fails),
// log.go (buses with logs), logfaults.go (what can happen to them).
package adaptertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"socketio/adapter"
)

// Run tests the adapters of the clusters returned by newCluster: new clusters of one
// node, on which Open has not been called. Each is closed before its test ends.
func Run(t *testing.T, newCluster func(t *testing.T) adapter.Cluster) {
	for _, exam := range []struct {
		name string
		run  func(x *exam)
	}{
		{"Lifecycle", testLifecycle},
		{"Rooms", testRooms},
		{"Targets", testTargets},
		{"Impostors", testImpostors},
		{"Snapshots", testSnapshots},
		{"Callbacks", testCallbacks},
		{"Sockets", testSockets},
		{"Acknowledgements", testAcknowledgements},
		{"Concurrency", testConcurrency},
		{"Observers", testObservers},
	} {
		t.Run(exam.name, func(t *testing.T) {
			exam.run(begin(t, newCluster(t)))
		})
	}
}

// An exam is the test of one adapter.
type exam struct {
	*testing.T
	adapter.Adapter
	ctx   context.Context
	local *local
}

// examsEndIn is the most that an exam may take. Some last for 40 s: nodes are frozen, and
// their leases must end.
const examsEndIn = 2 * time.Minute

func begin(t *testing.T, c adapter.Cluster) *exam {
	ctx, cancel := context.WithTimeout(context.Background(), examsEndIn)
	x := &exam{T: t, ctx: ctx, local: &local{}}
	if err := c.Open(adapter.Node{ID: rand.Text(), Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatalf("Open: %v", err)
	}
	x.Adapter = c.Adapter(x.local)
	t.Cleanup(func() {
		defer cancel()
		if err := errors.Join(x.Close(), c.Close(ctx)); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return x
}

// want compares got with the expected value.
func want[T comparable](x *exam, what string, got, expected T) {
	x.Helper()
	if got != expected {
		x.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// add makes a member of each name, in rooms named by its letters in upper case.
func (x *exam) add(ids ...string) map[string]*member {
	members := make(map[string]*member)
	for _, id := range ids {
		m := &member{id: id, adapter: x.Adapter}
		members[id] = m
		x.Add(m, letters(id))
	}
	return members
}

// in returns the members of a room, by name.
func (x *exam) in(room string) string {
	return names(x.Members(adapter.Target{Rooms: []string{room}}))
}

func testLifecycle(x *exam) {
	n, err := x.ServerCount(x.ctx)
	want(x, "the servers", fmt.Sprint(n, err), "1 <nil>")
	m := x.add("a")["a"]
	for range 2 {
		if err := x.Close(); err != nil {
			x.Errorf("Close: %v", err)
		}
	}
	_, _ = x.Broadcast(&adapter.Packet{Message: "late"}, adapter.Target{}) // it may return an error after Close
	want(x, "what this node gets after Close", m.heard("late"), 1)
	x.Leave(m, "A")
	x.Remove(m)
	want(x, "members that left after Close", names(x.Members(adapter.Target{})), "")
}

func testRooms(x *exam) {
	m, o := x.add("m")["m"], x.add("o")["o"]
	want(x, "rooms at first", sorted(x.Rooms(m)), "M m")
	x.Join(m, []string{"r", "s", "r"})
	x.Join(m, nil)
	want(x, "rooms joined", sorted(x.Rooms(m)), "M m r s")
	x.Join(o, []string{"r"})
	want(x, "members of a room", x.in("r"), "m o")
	x.Leave(m, "r")
	x.Leave(m, "r")
	x.Leave(m, "nobody's")
	want(x, "rooms after Leave", sorted(x.Rooms(m)), "M m s")
	want(x, "members after Leave", x.in("r"), "o")
	x.Leave(m, "m")
	want(x, "its own room was left", x.in("m"), "")
	want(x, "it is a member all the same", names(x.Members(adapter.Target{})), "m o")
	x.Join(o, []string{"m"})
	want(x, "the id of another is a room like any", x.in("m"), "o")
	x.Join(m, []string{"m"})
	want(x, "and its own again", x.in("m"), "m o")
	x.Remove(m)
	x.Remove(m)
	want(x, "rooms after Remove", len(x.Rooms(m)), 0)
	want(x, "members after Remove", x.in("s")+x.in("M")+x.in("m"), "o")
	x.Join(m, []string{"late"})
	want(x, "who is no member joins nothing", x.in("late"), "")
	x.Add(m, []string{"back"})
	want(x, "it may come back", sorted(x.Rooms(m)), "back m")
	rooms := x.Rooms(o)
	rooms[0] = "changed"
	want(x, "the caller owns the rooms", sorted(x.Rooms(o)), "O m o r")
}

func testTargets(x *exam) {
	members := x.add("a", "ab", "bc", "x")
	for i, test := range []struct {
		target adapter.Target
		want   string
	}{
		{adapter.Target{}, "a ab bc x"},
		{adapter.Target{Local: true}, "a ab bc x"},
		{adapter.Target{Rooms: []string{}}, ""},
		{adapter.Target{Rooms: []string{"A"}}, "a ab"},
		{adapter.Target{Rooms: []string{"A"}, Local: true}, "a ab"},
		{adapter.Target{Rooms: []string{"A", "B", "C"}}, "a ab bc"},
		{adapter.Target{Rooms: []string{"A", "A"}}, "a ab"},
		{adapter.Target{Rooms: []string{"nobody"}}, ""},
		{adapter.Target{Rooms: []string{"nobody", "X"}}, "x"},
		{adapter.Target{Rooms: []string{"bc"}}, "bc"},
		{adapter.Target{Rooms: []string{"ab", "A"}}, "a ab"},
		{adapter.Target{Except: []string{"A", "x"}}, "bc"},
		{adapter.Target{Except: []string{"nobody"}}, "a ab bc x"},
		{adapter.Target{Rooms: []string{"B"}, Except: []string{"A"}}, "bc"},
		{adapter.Target{Rooms: []string{"B"}, Except: []string{"B"}}, ""},
		{adapter.Target{Rooms: []string{}, Except: []string{"B"}}, ""},
		{adapter.Target{Sender: "a"}, "ab bc x"},
		{adapter.Target{Rooms: []string{"A", "B"}, Except: []string{"C"}, Sender: "a"}, "ab"},
		{adapter.Target{Rooms: []string{"a"}, Sender: "a"}, ""},
	} {
		what := fmt.Sprintf(" %d %+v", i, test.target)
		want(x, "the members of"+what, names(x.Members(test.target)), test.want)
		message := fmt.Sprint("message ", i)
		n, err := x.Broadcast(&adapter.Packet{Message: message}, test.target)
		var heard []string
		for id, m := range members {
			for range m.heard(message) {
				heard = append(heard, id)
			}
		}
		want(x, "who hears"+what, sorted(heard), test.want)
		want(x, "how many hear"+what, fmt.Sprint(n, err), fmt.Sprint(len(heard), " <nil>"))
	}
}

func testImpostors(x *exam) {
	m := x.add("m")["m"]
	x.Add(m, []string{"ignored"})
	want(x, "who is a member is not added again", sorted(x.Rooms(m)), "M m")
	impostor := &member{id: "m", adapter: x.Adapter}
	x.Add(impostor, []string{"late"})
	x.Join(impostor, []string{"late"})
	x.Leave(impostor, "M")
	x.Remove(impostor)
	want(x, "an id is taken once", sorted(x.Rooms(m))+x.in("late"), "M m")
	want(x, "rooms of the impostor", len(x.Rooms(impostor)), 0)
}

func testSnapshots(x *exam) {
	var all []*member
	for i := range 10 {
		m := &member{id: fmt.Sprint(i), adapter: x.Adapter}
		all = append(all, m)
		x.Add(m, []string{"r"})
	}
	for _, target := range []adapter.Target{{}, {Rooms: []string{"r"}}, {Rooms: []string{"r", "s"}}, {Except: []string{"4"}}} {
		before := x.Members(target)
		text := names(before)
		for _, m := range all[:5] {
			x.Leave(m, "r")
			x.Remove(m)
		}
		added := &member{id: "added", adapter: x.Adapter}
		x.Add(added, []string{"r"})
		want(x, "what Members returned stays", names(before), text)
		want(x, "the members now", x.in("r"), "5 6 7 8 9 added")
		x.Remove(added)
		for _, m := range all[:5] {
			x.Add(m, []string{"r"})
		}
	}
}
