// SPDX-License-Identifier: MIT

// This file tests several nodes.

package adaptertest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
)

// nodes is the number of nodes that RunCluster tests.
const nodes = 3

// A Factory makes the clusters that RunCluster tests.
type Factory struct {
	// New returns a function that creates one node of a new cluster each time it is
	// called. Events that one node publishes must reach the others within 10 s, while
	// nothing else uses the cluster.
	New func(t *testing.T) func() adapter.Cluster
	// OrderedByChannel says that the order of events of one node is kept only among those
	// to the same room, and among those to no room or several.
	OrderedByChannel bool
	// Faults, if not nil, returns the faults of a node. Without it, the exams with faults
	// are left out, and the cluster must say so in its documentation.
	Faults func(c adapter.Cluster) Faults
	// Logged says that a node which has lost its connection gets the events of the others
	// when it has it again.
	Logged bool
	// Virtual runs each exam in a bubble of testing/synctest.
	Virtual bool
}

// Faults are what can happen to a node. Messages of other nodes are not affected.
type Faults interface {
	Break()  // the node loses its connection
	Mend()   // and has it again
	Pause()  // the process is frozen
	Resume() // and continues
	Kill()   // the process ends without a word; nothing follows
}

// RunCluster tests several nodes: all operations with values of all kinds, the order of
// events, and what is promised when a connection breaks, a node is frozen, or dies.
func RunCluster(t *testing.T, f Factory) {
	exams := []struct {
		name   string
		run    func(x *clusterExam)
		faults bool
	}{
		{"Broadcasts", testBroadcasts, false},
		{"Operations", testOperations, false},
		{"Order", testOrder, false},
		{"Questions", testQuestions, false},
		{"RemoteSockets", testRemoteSockets, false},
		{"ServerEvents", testServerEvents, false},
		{"Outage", testOutage, true},
		{"FrozenNode", testFrozenNode, true},
		{"DeadNode", testDeadNode, true},
	}
	for _, exam := range exams {
		if exam.faults && f.Faults == nil {
			continue
		}
		t.Run(exam.name, func(t *testing.T) {
			if f.Virtual {
				synctest.Test(t, func(t *testing.T) { exam.run(beginCluster(t, f)) })
				return
			}
			exam.run(beginCluster(t, f))
		})
	}
}

// A clusterExam is a cluster under test: on each node a member with the name of the node,
// a, b or c, in the room "all".
type clusterExam struct {
	*testing.T
	ctx     context.Context
	factory Factory
	nodes   []*exam
	faults  []Faults // of the nodes
	members []*member
}

func beginCluster(t *testing.T, f Factory) *clusterExam {
	ctx, cancel := context.WithTimeout(context.Background(), examsEndIn)
	t.Cleanup(cancel)
	x := &clusterExam{T: t, ctx: ctx, factory: f}
	newNode := f.New(t)
	for i := range nodes {
		c := newNode()
		if f.Faults != nil {
			x.faults = append(x.faults, f.Faults(c))
		}
		n := begin(t, c)
		m := &member{id: string(rune('a' + i)), adapter: n.Adapter}
		n.Add(m, []string{"all"})
		x.nodes, x.members = append(x.nodes, n), append(x.members, m)
	}
	for _, n := range x.nodes {
		x.eventually("the number of nodes", func() bool { return n.count() == nodes })
	}
	for _, n := range x.nodes { // a node is counted before it has found the end of a log
		if w, ok := n.Adapter.(adapter.JoinWaiter); ok {
			x.eventually("a node that hears the others", func() bool { return w.WaitJoined([]string{"all"}) == nil })
		}
	}
	return x
}

// patience is no promise: it ends exams that hang. All events of testOrder have come after
// 8 s on a machine where twelve threads waited for each core.
const patience = time.Minute

// eventually waits for an effect of another node, within waits for at most a time.
func (x *clusterExam) eventually(what string, holds func() bool) {
	x.Helper()
	x.within(patience, what, holds)
}

func (x *clusterExam) within(most time.Duration, what string, holds func() bool) {
	x.Helper()
	start := time.Now()
	for pause := time.Millisecond; !holds(); pause = min(2*pause, 100*time.Millisecond) {
		if time.Since(start) > most {
			x.Fatalf("%s: not after %v", what, most)
		}
		x.sleep(pause)
	}
}

// sleep gives a condition time to change: it is looked at again afterwards.
func (x *clusterExam) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	<-t.C
}

// count returns the number of nodes that a node knows, or -1.
func (x *exam) count() int {
	n, err := x.ServerCount(x.ctx)
	if err != nil {
		return -1
	}
	return n
}

// heard returns the receivers of a message, and fails if a member received it twice.
func (x *clusterExam) heard(message string) string {
	var who []string
	for _, m := range x.members {
		switch n := m.heard(message); {
		case n > 1:
			x.Errorf("%s got %q %d times", m.id, message, n)
		case n == 1:
			who = append(who, m.id)
		}
	}
	return strings.Join(who, " ")
}

// Each target reaches its members on all nodes, with Meta, and no others.
func testBroadcasts(x *clusterExam) {
	for i, test := range []struct {
		target adapter.Target
		want   string
	}{
		{adapter.Target{}, "a b c"},
		{adapter.Target{Rooms: []string{"all"}, Except: []string{"b"}}, "a c"},
		{adapter.Target{Rooms: []string{"b", "c", "all"}}, "a b c"},
		{adapter.Target{Sender: "a"}, "b c"},
		{adapter.Target{Local: true}, "a"},
		{adapter.Target{Rooms: []string{"c"}}, "c"},
		{adapter.Target{Rooms: []string{}}, ""},
	} {
		message, last := fmt.Sprint("m", i), fmt.Sprint("last", i)
		p := &adapter.Packet{Message: message, Meta: adapter.Meta{Origin: "here", Version: adapter.Version}}
		if _, err := x.nodes[0].Broadcast(p, test.target); err != nil {
			x.Errorf("Broadcast: %v", err)
		}
		_, _ = x.nodes[0].Broadcast(&adapter.Packet{Message: last}, adapter.Target{})
		x.eventually("the end of a broadcast", func() bool { return x.heard(last) == "a b c" })
		if x.factory.OrderedByChannel {
			x.eventually("a broadcast", func() bool { return x.heard(message) == test.want })
		}
		want(x.nodes[0], fmt.Sprintf("who got a broadcast to %+v", test.target), x.heard(message), test.want)
	}
	for _, m := range x.members {
		if meta, ok := m.meta("m0"); !ok || meta.Origin != "here" || meta.Version != adapter.Version {
			x.Errorf("what %s got beside the event: %+v", m.id, meta)
		}
	}
}

// A broadcast with acknowledgements knows all nodes before it returns, and their members
// soon.
func testQuestions(x *clusterExam) {
	for _, m := range x.members[1:] {
		m.on(func(m *member, p *adapter.Packet) { p.Call.Answer(m, m.id) })
	}
	p := &adapter.Packet{Message: "q", Call: adapter.NewCall(), AckID: 1}
	ctx, cancel := context.WithTimeout(x.ctx, 10*time.Second)
	defer cancel()
	if err := x.nodes[0].BroadcastWithAck(ctx, p, adapter.Target{}); err != nil {
		x.Errorf("BroadcastWithAck: %v", err)
	}
	p.Call.Answer(x.members[0], "a")
	p.Call.Seal()
	var got []string
	for a, ok := p.Call.Next(ctx); ok; a, ok = p.Call.Next(ctx) {
		got = append(got, fmt.Sprint(a.Args))
	}
	want(x.nodes[0], "the answers", sorted(got), "a b c")
	if err := p.Call.Err(ctx.Err()); err != nil {
		x.Errorf("all have answered: %v", err)
	}
}

func testRemoteSockets(x *clusterExam) {
	n := x.nodes[0]
	found, err := n.FetchSockets(x.ctx, adapter.Target{Except: []string{"b"}})
	if err != nil {
		x.Errorf("FetchSockets: %v", err)
	}
	var who []string
	for _, f := range found {
		if f.Member != nil {
			who = append(who, f.Member.ID())
		} else {
			who = append(who, f.Info.ID)
		}
	}
	want(n, "who was found", sorted(who), "a c")
	c := x.nodes[2]
	if err := n.SocketsJoin(adapter.Target{Rooms: []string{"c"}}, []string{"r"}); err != nil {
		x.Errorf("SocketsJoin: %v", err)
	}
	x.eventually("a member of another node joins", func() bool { return c.in("r") == "c" })
	if err := n.SocketsLeave(adapter.Target{}, []string{"r"}); err != nil {
		x.Errorf("SocketsLeave: %v", err)
	}
	x.eventually("it leaves", func() bool { return c.in("r") == "" })
	_, _ = n.Broadcast(&adapter.Packet{Message: "bye"}, adapter.Target{})
	if err := n.DisconnectSockets(adapter.Target{Except: []string{"a"}}, false); err != nil {
		x.Errorf("DisconnectSockets: %v", err)
	}
	x.eventually("members of other nodes leave", func() bool { return x.nodes[1].in("all")+c.in("all") == "" })
	want(n, "who was told before", x.heard("bye"), "a b c")
	want(n, "who is left", n.in("all"), "a")
}

func testServerEvents(x *clusterExam) {
	if err := x.nodes[0].ServerSideEmit(adapter.Payload{JSON: []byte(`["e"]`)}); err != nil {
		x.Errorf("ServerSideEmit: %v", err)
	}
	for _, n := range x.nodes[1:] {
		x.eventually("an event of a server", func() bool { return n.local.events.Load() == 1 })
	}
	want(x.nodes[0], "this node does not hear itself", x.nodes[0].local.events.Load(), 0)
}
