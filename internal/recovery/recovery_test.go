// SPDX-License-Identifier: MIT

// This file tests the mechanisms of recovery without sockets.

package recovery_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"socketio/adapter"
	"socketio/internal/leakcheck"
	"socketio/internal/recovery"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// What lies between the position of a client and the present is missed, unless the client
// was sent nothing since; and a position that can't be one is refused.
func TestFind(t *testing.T) {
	l := &fakeLog{last: 50}
	o := recovery.NewOrder(l)
	s := &adapter.Session{Epoch: "epoch", Start: 10, Last: 20, Checked: 40, Floor: 15, Stale: "stale"}
	for _, row := range []struct {
		offset string
		after  uint64
		reason recovery.Reason
	}{
		{"epoch.k", 40, ""},  // 20: all that was sent
		{"epoch.16", 42, ""}, // 42: sent after it by a volatile event
		{"epoch.j", 19, ""},  // one is missing
		{"epoch.e", 0, recovery.TooMany}, {"", 0, recovery.TooMany}, {"epoch.1", 0, recovery.TooMany}, {"stale", 0, recovery.TooMany},
		{"epoch.1f", 0, recovery.BadOffset}, {"other.j", 0, recovery.BadOffset}, {"text", 0, recovery.BadOffset}, {"epoch.0j", 0, recovery.BadOffset},
	} {
		if after, reason := recovery.Find(s, row.offset, epoch("epoch"), o); after != row.after || reason != row.reason {
			t.Errorf("%s: after %d, %q", row.offset, after, reason)
		}
	}
	late := &adapter.Session{Epoch: "epoch", Start: 10, Last: 20, Checked: 40, Floor: 41}
	if after, reason := recovery.Find(late, "epoch.k", epoch("epoch"), o); reason != recovery.TooMany {
		t.Errorf("memberships that are missing after all that was sent: after %d, %q", after, reason)
	}
	if _, reason := recovery.Find(s, "other.j", epoch("other"), o); reason != recovery.LogTrimmed {
		t.Errorf("another log: %q", reason)
	}
	o.Begin()
	o.Lost()
	o.End()
	if _, reason := recovery.Find(s, "epoch.1e", epoch("epoch"), o); reason != recovery.StoreFailed {
		t.Errorf("a lost event: %q", reason)
	}
	l.err = errors.New("full")
	if err := o.Mark(l); err != l.err {
		t.Errorf("the log is full: %v", err)
	}
	l.err = nil
	for range 2 {
		if err := o.Mark(l); err != nil || fmt.Sprint(l.marks) != "[50]" {
			t.Errorf("the log knows of the lost event: %v %v", l.marks, err)
		}
	}
	if _, reason := recovery.Find(s, "epoch.1e", epoch("epoch"), recovery.NewOrder(l)); reason != recovery.StoreFailed {
		t.Errorf("a lost event of an earlier process: %q", reason)
	}
}

// A fakeLog has what an Order asks a log for.
type fakeLog struct {
	adapter.Log
	last  uint64
	marks []uint64
	err   error
}

func (l *fakeLog) Last() uint64 { return l.last }

func (l *fakeLog) Lost() (after uint64, ok bool) {
	for _, n := range l.marks {
		after = max(after, n)
	}
	return after, len(l.marks) > 0
}

func (l *fakeLog) MarkLost(after uint64) error {
	if l.err == nil {
		l.marks = append(l.marks, after)
	}
	return l.err
}

// An event that could not be queued, and those after it, count as missed.
func TestTrackIsCut(t *testing.T) {
	track := recovery.NewTrack(3)
	track.Queued(5)
	track.Cut(7)
	track.Cut(8)
	track.Join(4, "a", "b")
	track.Leave(6, "a")
	track.Join(6, "a")
	var s adapter.Session
	track.Fill(&s, 9)
	if got := fmt.Sprint(s.Start, s.Last, s.Checked, s.Rooms); got != "3 5 6 [{a 4 6} {a 6 0} {b 4 0}]" {
		t.Error(got)
	}
	next := recovery.Continue(&s, 6)
	next.Leave(6, "a") // no event in between
	next.Fill(&s, 9)
	if got := fmt.Sprint(s.Start, s.Last, s.Rooms); got != "6 6 [{b 4 0}]" {
		t.Error(got)
	}
}

// What a client gets although it has left the room, and what it does not get although it has
// joined it, is what it has missed when it comes back.
func TestTrackOfSingleEvents(t *testing.T) {
	track := recovery.NewTrack(3)
	track.Join(3, "left", "in", "excepted")
	track.Leave(4, "left")
	track.Gets(8, &adapter.Target{Rooms: []string{"left", "other"}, Except: []string{"excepted"}})
	track.Misses(9, &adapter.Target{Rooms: []string{"in", "other"}})
	track.Misses(9, &adapter.Target{Rooms: []string{"in", "other"}})
	track.Misses(11, &adapter.Target{Except: []string{"quiet"}})
	s := adapter.Session{ID: "id"}
	track.Fill(&s, 12)
	f := recovery.NewFilter(&s)
	for _, test := range []struct {
		number uint64
		to     adapter.Target
		want   bool
	}{
		{4, adapter.Target{Rooms: []string{"left"}}, true},
		{7, adapter.Target{Rooms: []string{"left"}}, false},
		{8, adapter.Target{Rooms: []string{"left", "other"}, Except: []string{"excepted"}}, true},
		{7, adapter.Target{Except: []string{"excepted"}}, false},
		{9, adapter.Target{Except: []string{"excepted"}}, false},
		{9, adapter.Target{Rooms: []string{"left"}}, false},
		{8, adapter.Target{Rooms: []string{"in"}}, true},
		{9, adapter.Target{Rooms: []string{"in", "other"}}, false},
		{10, adapter.Target{Rooms: []string{"in"}}, true},
		{10, adapter.Target{Except: []string{"quiet"}}, true},
		{11, adapter.Target{Except: []string{"quiet"}}, false},
		{12, adapter.Target{Except: []string{"quiet"}}, true},
	} {
		if got := f.Missed(&adapter.KeptEvent{Number: test.number, Target: test.to}); got != test.want {
			t.Errorf("whether the client misses event %d to %v: %v", test.number, test.to, got)
		}
	}
}

// A call of Do returns when the state at that moment is saved, by itself or by another.
func TestSaves(t *testing.T) {
	var saves recovery.Saves
	var state, saved, inside atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				own := state.Add(1)
				saves.Do(func() {
					if inside.Add(1) != 1 {
						t.Error("two saves run at once")
					}
					saved.Store(state.Load())
					inside.Add(-1)
				})
				if saved.Load() < own {
					t.Error("Do returns before the state is saved")
				}
			}
		})
	}
	all.Wait()
}

// A session that ends while nobody claims it has to be stored; one that is claimed waits
// for its claimer.
func TestLineages(t *testing.T) {
	var table recovery.Lineages[int]
	one, two := 1, 2
	socket := func(l *recovery.Lineage) *int { live, _, _ := table.State(l); return live }
	l := table.Begin("secret", &one)
	final := new(adapter.Session)
	if table.Close(l, final, false) {
		t.Error("nobody has the session")
	}
	claimed, known, _ := table.Claim("secret")
	if claimed != l || !known || socket(l) != &one {
		t.Error("a live session is claimed")
	}
	if other, _, _ := table.Claim("secret"); other != nil {
		t.Error("a session is claimed twice")
	}
	if !table.Close(l, final, false) || socket(l) != nil {
		t.Error("the claimer has the session")
	}
	<-table.Over(l)
	table.Resume(l, &two)
	if got, _, _ := table.Claim("secret"); got != l || socket(l) != &two {
		t.Error("the session goes on")
	}
	if _, ended := table.Release(l); ended {
		t.Error("its socket lives")
	}
	if !table.Close(l, nil, false) || len(table.Sockets()) != 0 {
		t.Error("a session that was ended on purpose is forgotten")
	}
	unknown, known, _ := table.Claim("secret")
	if unknown == l || known {
		t.Error("the session is unknown")
	}
	if _, ended := table.Release(unknown); !ended {
		t.Error("it has no socket")
	}
	table.Drop(unknown)
}

// A session that ends while a client looks at it has a socket or a final state, at any
// moment: the client is not told that there is no such session.
func TestALineageAlwaysHasAState(t *testing.T) {
	var table recovery.Lineages[int]
	socket, final := 1, new(adapter.Session)
	for range 2000 {
		l := table.Begin("secret", &socket)
		table.Claim("secret")
		closed := make(chan struct{})
		go func() { // ends with this round
			table.Close(l, final, false)
			close(closed)
		}()
		for {
			live, got, _ := table.State(l)
			if live == nil && got == nil {
				t.Fatal("a session has neither")
			}
			if live == nil {
				break
			}
			runtime.Gosched()
		}
		<-closed
		table.Drop(l)
	}
}

// An epoch is the Positions of a log that is not shared.
type epoch string

func (e epoch) Epoch() string { return string(e) }

func (e epoch) Number(position string) (uint64, bool) {
	of, n, ok := adapter.ParsePosition(position)
	return n, ok && of == string(e)
}
