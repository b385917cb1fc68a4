// SPDX-License-Identifier: MIT

// This file tests what a cluster promises when a connection breaks, and when a node is
// frozen or dies.

package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"socketio/adapter"
)

// The times that are promised.
const (
	recoversIn = 5 * time.Second  // after a connection is there again
	expiresIn  = 11 * time.Second // after a node was last heard
	heartbeats = 10 * time.Second // two of them
)

// asksFor is how long a request waits for a node that does not answer. The node must count
// as alive for three times as long after its latest heartbeat.
func (x *clusterExam) asksFor() time.Duration {
	if x.brief() {
		return 1500 * time.Millisecond
	}
	return 3 * time.Second
}

// brief reports whether exams may not take long.
func (x *clusterExam) brief() bool { return testing.Short() && !x.factory.Virtual }

// While its connection is broken, a node serves its own members, and says so. Events are
// lost only then; none comes twice.
func testOutage(x *clusterExam) {
	b := x.nodes[1]
	x.faults[1].Break()
	x.within(recoversIn, "an error", func() bool {
		_, err := b.Broadcast(&adapter.Packet{Message: "probe"}, adapter.Target{Rooms: []string{"nobody"}})
		return err != nil
	})
	if _, err := b.Broadcast(&adapter.Packet{Message: "lost"}, adapter.Target{}); err == nil {
		x.Error("Broadcast returns no error while the connection is broken")
	}
	want(b, "who got an event of the node that is cut off", x.heard("lost"), "b")
	w, waits := b.Adapter.(adapter.JoinWaiter)
	if waits { // a moment after the first error
		x.within(recoversIn, "a degraded state", func() bool { return errors.Is(w.WaitJoined(nil), adapter.ErrDegraded) })
	}
	start := time.Now()
	found, err := b.FetchSockets(x.ctx, adapter.Target{})
	if err == nil || len(found) != 1 {
		x.Errorf("FetchSockets while the connection is broken: %d sockets, %v", len(found), err)
	}
	if waits {
		b.Join(x.members[1], []string{"late"})
		x.within(time.Second, "the error of a join", func() bool { return errors.Is(w.WaitJoined([]string{"late"}), adapter.ErrDegraded) })
	}
	if took := time.Since(start); took > time.Second {
		x.Errorf("the node waited for %v while its connection was broken", took)
	}
	_, _ = x.nodes[0].Broadcast(&adapter.Packet{Message: "in the outage"}, adapter.Target{})
	x.eventually("the others", func() bool { return x.heard("in the outage") == "a c" })

	x.faults[1].Mend()
	x.probe(recoversIn, 1, 0)
	x.probe(recoversIn, 0, 1)
	b.Join(x.members[1], []string{"late"})
	if waits {
		x.within(recoversIn, "a join", func() bool { return w.WaitJoined([]string{"late"}) == nil })
	}
	_, _ = x.nodes[0].Broadcast(&adapter.Packet{Message: "again"}, adapter.Target{Rooms: []string{"late"}})
	x.eventually("a room that was joined in the outage", func() bool { return x.heard("again") == "b" })
	if x.factory.Logged {
		want(b, "what was lost", x.heard("lost")+", "+x.heard("in the outage"), "b, a b c")
	} else {
		want(b, "what was lost", x.heard("lost")+", "+x.heard("in the outage"), "b, a c")
	}
	x.complete(nodes)
}

// probe broadcasts until an event of one node reaches another.
func (x *clusterExam) probe(most time.Duration, from, to int) {
	x.Helper()
	n := 0
	x.within(most, fmt.Sprintf("an event of node %d at node %d", from, to), func() bool {
		message := fmt.Sprint("probe ", from, to, n)
		n++
		_, _ = x.nodes[from].Broadcast(&adapter.Packet{Message: message}, adapter.Target{})
		x.sleep(50 * time.Millisecond)
		return x.members[to].heard(message) == 1
	})
	for _, m := range x.members {
		for i := range n {
			if message := fmt.Sprint("probe ", from, to, i); m.heard(message) > 1 {
				x.Errorf("%s got %q %d times", m.id, message, m.heard(message))
			}
		}
	}
}

// complete waits until all nodes know the same nodes, and find all sockets.
func (x *clusterExam) complete(count int) {
	x.Helper()
	for i, n := range x.nodes[:count] {
		x.within(heartbeats, fmt.Sprint("the nodes that node ", i, " knows"), func() bool { return n.count() == count })
		x.within(recoversIn, fmt.Sprintf("%d sockets that node %d finds", count, i), func() bool {
			found, err := n.FetchSockets(x.ctx, adapter.Target{}) // fails while the node is degraded
			return err == nil && len(found) == count
		})
	}
}

// A frozen node does not answer: requests name it, and then forget it. When it continues,
// all know each other again. Its members get each event at most once.
func testFrozenNode(x *clusterExam) {
	x.faults[2].Pause()
	x.silent("while it is new", x.asksFor())
	_, _ = x.nodes[0].Broadcast(&adapter.Packet{Message: "to the frozen"}, adapter.Target{})
	x.within(expiresIn, "the end of a frozen node", func() bool { return x.nodes[0].count() == 2 && x.nodes[1].count() == 2 })
	x.complete(2)
	if !x.brief() {
		x.sleep(10 * time.Second) // 20 s in all
	}
	x.faults[2].Resume()
	x.probe(recoversIn, 2, 0)
	x.probe(recoversIn, 0, 2)
	x.complete(nodes)
	if n := x.members[2].heard("to the frozen"); n > 1 {
		x.Errorf("a member of the frozen node got an event %d times", n)
	}
}

// A dead node is named by requests until its lease ends, then it is forgotten, with its
// sockets. No request hangs.
func testDeadNode(x *clusterExam) {
	x.faults[2].Kill()
	x.silent("at once", x.asksFor())
	x.within(expiresIn, "the end of a dead node", func() bool { return x.nodes[0].count() == 2 && x.nodes[1].count() == 2 })
	x.complete(2)
	x.probe(recoversIn, 0, 1)
	ctx, cancel := context.WithTimeout(x.ctx, 3*time.Second)
	defer cancel()
	c := adapter.NewCall()
	if err := x.nodes[0].ServerSideEmitWithAck(ctx, adapter.Payload{JSON: []byte(`["e"]`)}, c); err != nil {
		x.Errorf("ServerSideEmitWithAck: %v", err)
	}
	c.Seal()
	answers := 0
	for _, ok := c.Next(ctx); ok; _, ok = c.Next(ctx) {
		answers++
	}
	want(x.nodes[0], "the answers, without the dead node's", fmt.Sprint(answers, c.Err(ctx.Err())), "1 <nil>")
}

// silent checks that requests end in time, with what the others say and the name of the
// node that does not answer.
func (x *clusterExam) silent(when string, timeout time.Duration) {
	x.Helper()
	n, start := x.nodes[0], time.Now()
	ctx, cancel := context.WithTimeout(x.ctx, timeout)
	defer cancel()
	var partial *adapter.PartialError
	found, err := n.FetchSockets(ctx, adapter.Target{})
	if !errors.As(err, &partial) || len(partial.Nodes) != 1 || len(found) != 2 {
		x.Errorf("FetchSockets, %s: %d sockets, %v", when, len(found), err)
	}
	for _, m := range x.members[:2] {
		m.on(func(m *member, p *adapter.Packet) {
			if p.Call != nil {
				p.Call.Answer(m, m.id)
			}
		})
	}
	for name, send := range map[string]func(ctx context.Context, c *adapter.Call) error{
		"ServerSideEmitWithAck": func(ctx context.Context, c *adapter.Call) error {
			return n.ServerSideEmitWithAck(ctx, adapter.Payload{JSON: []byte(`["e"]`)}, c)
		},
		"BroadcastWithAck": func(ctx context.Context, c *adapter.Call) error {
			return n.BroadcastWithAck(ctx, &adapter.Packet{Message: "q", Call: c, AckID: 1}, adapter.Target{Except: []string{"a"}})
		},
	} {
		ctx, cancel := context.WithTimeout(x.ctx, timeout)
		c := adapter.NewCall()
		if err := send(ctx, c); err != nil {
			x.Errorf("%s, %s: %v", name, when, err)
		}
		c.Seal()
		answers := 0
		for _, ok := c.Next(ctx); ok; _, ok = c.Next(ctx) {
			answers++
		}
		if err := c.Err(ctx.Err()); answers != 1 || !errors.As(err, &partial) || len(partial.Nodes) != 1 {
			x.Errorf("%s, %s: %d answers, %v", name, when, answers, err)
		}
		cancel()
	}
	for _, m := range x.members[:2] {
		m.on(nil)
	}
	if took, most := time.Since(start), 3*timeout+time.Second; took > most {
		x.Errorf("the requests took %v, want at most %v", took, most)
	}
}
