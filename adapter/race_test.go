// SPDX-License-Identifier: MIT

// This file tests invariants while many goroutines change rooms and broadcast.

package adapter_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"socketio/adapter"
)

// A counter counts deliveries, from any goroutine; volatile ones are noise.
type counter struct {
	unused
	id string
	n  atomic.Int64
}

func (c *counter) ID() string { return c.id }

func (c *counter) Deliver(p *adapter.Packet) {
	if !p.Volatile {
		c.n.Add(1)
	}
}

// A broadcast reaches the members whose Join has returned before, and none whose Leave
// has; each member receives it once, and in the end nothing is left.
func TestMembersOfOneInstant(t *testing.T) {
	a := adapter.NewMemory()
	stop := make(chan struct{})
	var churn sync.WaitGroup
	for i := range 4 {
		churn.Go(func() {
			m := &counter{id: fmt.Sprint("churn", i)}
			for {
				select {
				case <-stop:
					return
				default:
				}
				a.Add(m, []string{"r"})
				a.Join(m, []string{"s"})
				a.Rooms(m)
				a.Leave(m, "r")
				a.Members(adapter.Target{Except: []string{"s"}})
				a.Remove(m)
			}
		})
	}
	var settled sync.WaitGroup
	for i := range 3 {
		settled.Go(func() {
			m := &counter{id: fmt.Sprint("settled", i)}
			p := new(adapter.Packet)
			own := fmt.Sprint("own", i)
			for n := range int64(400) {
				a.Add(m, nil)
				a.Join(m, []string{"r", own})
				m.n.Store(0)
				targets := []adapter.Target{
					{Rooms: []string{own}},
					{Rooms: []string{own, own, m.id}},
					{Rooms: []string{own, "nobody"}, Except: []string{"s"}},
					{Rooms: []string{own}, Except: []string{"r"}},
					{Rooms: []string{own}, Sender: m.id},
				}
				for _, target := range targets {
					broadcast(a, p, target)
				}
				if got := m.n.Load(); got != 3 {
					t.Errorf("round %d: %d deliveries, want 3", n, got)
				}
				a.Leave(m, own)
				broadcast(a, p, targets[0])
				if got := m.n.Load(); got != 3 {
					t.Errorf("round %d: a delivery after Leave", n)
				}
				broadcast(a, &adapter.Packet{Flags: adapter.Flags{Volatile: true}}, adapter.Target{Rooms: []string{"r"}})
				a.Remove(m)
			}
		})
	}
	settled.Wait()
	close(stop)
	churn.Wait()
	want(t, "members left", len(a.Members(adapter.Target{})), 0)
	for _, room := range []string{"r", "s", "own0", "churn1"} {
		want(t, "members left of "+room, len(a.Members(adapter.Target{Rooms: []string{room}})), 0)
	}
}

// A broadcast that is split over the cores still reaches each member once.
func TestLargeBroadcast(t *testing.T) {
	for _, n := range []int{511, 512, 513, 4000} {
		a := adapter.NewMemory()
		members := make([]*counter, n)
		for i := range members {
			members[i] = &counter{id: fmt.Sprint(i)}
			a.Add(members[i], []string{"r"})
		}
		want(t, "deliveries", broadcast(a, new(adapter.Packet), adapter.Target{}), n)
		want(t, "deliveries but one", broadcast(a, new(adapter.Packet), adapter.Target{Rooms: []string{"r"}, Sender: "7"}), n-1)
		for i, m := range members {
			expected := int64(2)
			if i == 7 {
				expected = 1
			}
			if got := m.n.Load(); got != expected {
				t.Fatalf("member %d of %d gets %d, want %d", i, n, got, expected)
			}
		}
	}
}

func TestBroadcastAllocatesNothing(t *testing.T) {
	a := adapter.NewMemory()
	for i := range 100 {
		a.Add(&counter{id: fmt.Sprint(i)}, []string{"r"})
	}
	p := new(adapter.Packet)
	for name, target := range map[string]adapter.Target{
		"all": {}, "room": {Rooms: []string{"r"}}, "room but the sender": {Rooms: []string{"r"}, Sender: "7"}, "nobody": {Rooms: []string{}},
	} {
		want(t, "allocations for "+name, testing.AllocsPerRun(100, func() { broadcast(a, p, target) }), 0)
	}
}

func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		a := adapter.NewMemory()
		for i := range n {
			a.Add(&counter{id: fmt.Sprint(i)}, []string{"r", "s"})
		}
		p := new(adapter.Packet)
		for name, target := range map[string]adapter.Target{
			"room": {Rooms: []string{"r"}}, "two rooms": {Rooms: []string{"r", "s"}},
		} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					broadcast(a, p, target)
				}
			})
		}
	}
}

func BenchmarkJoinAndLeave(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		for _, read := range []bool{false, true} {
			b.Run(fmt.Sprint(n, "/read=", read), func(b *testing.B) {
				a := adapter.NewMemory()
				m := &counter{id: "m"}
				a.Add(m, nil)
				for i := range n {
					a.Add(&counter{id: fmt.Sprint(i)}, []string{"r"})
				}
				b.ReportAllocs()
				for b.Loop() {
					a.Join(m, []string{"r"})
					if read {
						a.Members(adapter.Target{Rooms: []string{"r"}})
					}
					a.Leave(m, "r")
				}
			})
		}
	}
}
