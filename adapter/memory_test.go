// SPDX-License-Identifier: MIT

// This file tests the contract of an Adapter with Memory.

package adapter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socketio/adapter"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A member counts what it receives.
type member struct {
	unused
	id  string
	got []string
}

// unused has the methods of a member that Memory does not need.
type unused struct{}

func (unused) Join(...string) error { panic("not expected") }
func (unused) Leave(string)         { panic("not expected") }
func (unused) Disconnect(bool)      { panic("not expected") }

func (m *member) ID() string                { return m.id }
func (m *member) Deliver(p *adapter.Packet) { m.got = append(m.got, p.Message.(string)) }

// broadcast returns the number of members that received p.
func broadcast(a *adapter.Memory, p *adapter.Packet, t adapter.Target) int {
	n, err := a.Broadcast(p, t)
	if err != nil {
		panic(err) // there is nobody else
	}
	return n
}

// names returns the ids of members, sorted.
func names(members []adapter.Member) string {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID()
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func sorted(rooms []string) string {
	slices.Sort(rooms)
	return strings.Join(rooms, " ")
}

func want[T comparable](t *testing.T, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// fill makes members named by the letters of the rooms they are in.
func fill(a *adapter.Memory, ids ...string) map[string]*member {
	members := make(map[string]*member)
	for _, id := range ids {
		m := &member{id: id}
		a.Add(m, strings.Split(strings.ToUpper(id), ""))
		members[id] = m
	}
	return members
}

func TestTargets(t *testing.T) {
	a := adapter.NewMemory()
	members := fill(a, "a", "ab", "bc", "x")
	for i, test := range []struct {
		target adapter.Target
		want   string
	}{
		{adapter.Target{}, "a ab bc x"},
		{adapter.Target{Rooms: []string{}}, ""},
		{adapter.Target{Rooms: []string{"A"}}, "a ab"},
		{adapter.Target{Rooms: []string{"A", "B"}}, "a ab bc"},
		{adapter.Target{Rooms: []string{"A", "A"}}, "a ab"},
		{adapter.Target{Rooms: []string{"nobody"}}, ""},
		{adapter.Target{Rooms: []string{"nobody", "X"}}, "x"},
		{adapter.Target{Rooms: []string{"bc"}}, "bc"},
		{adapter.Target{Rooms: []string{"ab", "A"}}, "a ab"},
		{adapter.Target{Except: []string{"A"}}, "bc x"},
		{adapter.Target{Except: []string{"A", "x"}}, "bc"},
		{adapter.Target{Except: []string{"nobody"}}, "a ab bc x"},
		{adapter.Target{Rooms: []string{"B"}, Except: []string{"A"}}, "bc"},
		{adapter.Target{Rooms: []string{"B"}, Except: []string{"B"}}, ""},
		{adapter.Target{Rooms: []string{}, Except: []string{"B"}}, ""},
		{adapter.Target{Sender: "a"}, "ab bc x"},
		{adapter.Target{Rooms: []string{"A"}, Sender: "a"}, "ab"},
		{adapter.Target{Rooms: []string{"A", "B"}, Except: []string{"C"}, Sender: "a"}, "ab"},
		{adapter.Target{Rooms: []string{"a"}, Sender: "a"}, ""},
		{adapter.Target{Sender: "nobody"}, "a ab bc x"},
	} {
		want(t, fmt.Sprintf("members of %d %+v", i, test.target), names(a.Members(test.target)), test.want)
		message := fmt.Sprint("message ", i)
		n := broadcast(a, &adapter.Packet{Message: message}, test.target)
		var heard []string
		for id, m := range members {
			for _, got := range m.got {
				if got == message {
					heard = append(heard, id)
				}
			}
		}
		want(t, fmt.Sprintf("who hears %d", i), sorted(heard), test.want)
		want(t, fmt.Sprintf("how many hear %d", i), n, len(strings.Fields(test.want)))
	}
}

func TestJoinAndLeave(t *testing.T) {
	a := adapter.NewMemory()
	m, other := &member{id: "m"}, &member{id: "o"}
	a.Add(m, nil)
	a.Add(m, []string{"ignored"}) // it is a member already
	a.Add(other, []string{"r", "r"})
	want(t, "rooms at first", sorted(a.Rooms(m)), "m")
	a.Join(m, []string{"r", "s", "r"})
	a.Join(m, nil)
	want(t, "rooms joined", sorted(a.Rooms(m)), "m r s")
	want(t, "members of r", names(a.Members(adapter.Target{Rooms: []string{"r"}})), "m o")
	a.Leave(m, "r")
	a.Leave(m, "r")
	a.Leave(m, "nobody")
	want(t, "rooms after Leave", sorted(a.Rooms(m)), "m s")
	a.Leave(m, "m")
	want(t, "rooms after its own", sorted(a.Rooms(m)), "s")
	want(t, "members of its own", names(a.Members(adapter.Target{Rooms: []string{"m"}})), "")
	want(t, "members of all", names(a.Members(adapter.Target{})), "m o")
	a.Join(other, []string{"m"}) // the id of another is a room like any
	want(t, "members of m", names(a.Members(adapter.Target{Rooms: []string{"m"}})), "o")
	a.Join(m, []string{"m"})
	want(t, "members of m with its own", names(a.Members(adapter.Target{Rooms: []string{"m"}})), "m o")
	a.Join(m, []string{"o"})
	want(t, "each once", names(a.Members(adapter.Target{Rooms: []string{"m", "o"}})), "m o")
	a.Remove(m)
	a.Remove(m)
	want(t, "rooms after Remove", len(a.Rooms(m)), 0)
	want(t, "members of s", names(a.Members(adapter.Target{Rooms: []string{"s"}})), "")
	want(t, "members of m after Remove", names(a.Members(adapter.Target{Rooms: []string{"m"}})), "o")
	a.Join(m, []string{"late"})
	a.Leave(m, "late")
	want(t, "who is no member joins nothing", names(a.Members(adapter.Target{Rooms: []string{"late"}})), "")
	impostor := &member{id: "o"} // same id, another member
	a.Add(impostor, []string{"late"})
	a.Join(impostor, []string{"late"})
	a.Remove(impostor)
	want(t, "an id is taken once", names(a.Members(adapter.Target{})), "o")
	want(t, "rooms of the impostor", len(a.Rooms(impostor)), 0)
	rooms := a.Rooms(other)
	rooms[0] = "changed"
	want(t, "the caller owns the rooms", sorted(a.Rooms(other)), "m o r")
}

// The result of Members does not change, whatever happens afterwards.
func TestSnapshots(t *testing.T) {
	a := adapter.NewMemory()
	var all []*member
	for i := range 10 {
		m := &member{id: fmt.Sprint(i)}
		all = append(all, m)
		a.Add(m, []string{"r"})
	}
	for _, target := range []adapter.Target{{}, {Rooms: []string{"r"}}, {Rooms: []string{"r"}, Sender: "3"}, {Except: []string{"4"}}} {
		before := a.Members(target)
		text := names(before)
		for i, m := range all {
			if i%2 == 0 {
				a.Leave(m, "r")
				a.Remove(m)
			}
		}
		added := &member{id: "added"}
		a.Add(added, []string{"r"})
		want(t, "the snapshot", names(before), text)
		after := names(a.Members(adapter.Target{Rooms: []string{"r"}}))
		want(t, "the members now", after, "1 3 5 7 9 added")
		a.Remove(added)
		for i, m := range all {
			if i%2 == 0 {
				a.Add(m, []string{"r"})
			}
		}
	}
}

// A member may call anything while it receives a packet: no lock is held.
func TestDeliverMayCallBack(t *testing.T) {
	a := adapter.NewMemory()
	calls := 0
	for i := range 3 {
		a.Add(&caller{id: fmt.Sprint(i), call: func(m adapter.Member) {
			calls++
			a.Leave(m, "r")
			a.Join(m, []string{"s"})
			a.Remove(m)
			broadcast(a, &adapter.Packet{}, adapter.Target{Rooms: []string{"nobody"}})
		}}, []string{"r"})
	}
	want(t, "deliveries", broadcast(a, &adapter.Packet{}, adapter.Target{Rooms: []string{"r"}}), 3)
	want(t, "calls", calls, 3)
	want(t, "members left", len(a.Members(adapter.Target{})), 0)
}

type caller struct {
	unused
	id   string
	call func(adapter.Member)
}

func (c *caller) ID() string              { return c.id }
func (c *caller) Deliver(*adapter.Packet) { c.call(c) }
