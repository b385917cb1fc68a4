// SPDX-License-Identifier: MIT

// This file tests deliveries, broadcasts with acknowledgements, and operations on many
// sockets.

package adaptertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"socketio/adapter"
)

var errGone = errors.New("gone")

// A member may call the adapter while it receives a packet: no lock is held.
func testCallbacks(x *exam) {
	for _, m := range x.add("a", "b", "c") {
		m.on(func(m *member, p *adapter.Packet) {
			x.Leave(m, "r")
			x.Join(m, []string{"s"})
			_, _ = x.Broadcast(&adapter.Packet{Message: "inner"}, adapter.Target{Rooms: []string{"nobody"}})
			x.Remove(m)
		})
		x.Join(m, []string{"r"})
	}
	n, err := x.Broadcast(&adapter.Packet{Message: "outer"}, adapter.Target{Rooms: []string{"r"}})
	want(x, "deliveries", fmt.Sprint(n, err), "3 <nil>")
	want(x, "who is left", names(x.Members(adapter.Target{})), "")
}

func testSockets(x *exam) {
	members := x.add("a", "ab", "x")
	toA := adapter.Target{Rooms: []string{"A"}}
	if err := x.SocketsJoin(toA, []string{"r", "s"}); err != nil {
		x.Errorf("SocketsJoin: %v", err)
	}
	want(x, "who joined", x.in("r")+", "+x.in("s"), "a ab, a ab")
	if err := x.SocketsLeave(adapter.Target{Rooms: []string{"r"}, Sender: "a"}, []string{"r", "A", "nobody's"}); err != nil {
		x.Errorf("SocketsLeave: %v", err)
	}
	want(x, "who is left", x.in("r")+", "+x.in("A"), "a, a")
	members["a"].refuses = errGone
	err := x.SocketsJoin(adapter.Target{}, []string{"t"})
	want(x, "who may not join", errors.Is(err, errGone), true)
	want(x, "who may", x.in("t"), "ab x")
	found, err := x.FetchSockets(x.ctx, adapter.Target{Except: []string{"X"}})
	if err != nil {
		x.Errorf("FetchSockets: %v", err)
	}
	var ids []string
	for _, f := range found {
		if f.Member == nil {
			x.Fatal("FetchSockets: a socket of this node has its Member")
		}
		ids = append(ids, f.Member.ID())
	}
	want(x, "who was found", sorted(ids), "a ab")
	if err := x.DisconnectSockets(adapter.Target{Rooms: []string{"B", "X"}}, true); err != nil {
		x.Errorf("DisconnectSockets: %v", err)
	}
	want(x, "who was disconnected", fmt.Sprint(members["a"].end(), members["ab"].end(), members["x"].end()), "closeclose")
	_ = x.DisconnectSockets(adapter.Target{}, false)
	want(x, "how", members["a"].end(), "leave")
}

// When the adapter returns, the Call knows all members, and no other node.
func testAcknowledgements(x *exam) {
	members := x.add("a", "ab", "x")
	for _, test := range []struct {
		target adapter.Target
		want   string
	}{
		{adapter.Target{}, "a ab x"},
		{adapter.Target{Rooms: []string{"A"}, Except: []string{"B"}}, "a"},
		{adapter.Target{Rooms: []string{"nobody"}}, ""},
		{adapter.Target{Sender: "x", Local: true}, "a ab"},
	} {
		p := &adapter.Packet{Message: "q", Call: adapter.NewCall(), AckID: 1}
		if err := x.BroadcastWithAck(x.ctx, p, test.target); err != nil {
			x.Errorf("BroadcastWithAck: %v", err)
		}
		p.Call.Seal()
		want(x, "who is asked", sorted(p.Call.Asked()), test.want)
		for i, id := range strings.Fields(test.want) {
			if i == 1 {
				p.Call.Fail(members[id], errGone)
				continue
			}
			p.Call.Answer(members[id], id)
		}
		n := 0
		for {
			a, ok := p.Call.Next(x.ctx)
			if !ok {
				break
			}
			n++
			want(x, "an answer", fmt.Sprint(a.Args), a.Socket)
		}
		silent := min(1, len(strings.Fields(test.want))/2)
		want(x, "the answers", n, len(strings.Fields(test.want))-silent)
		err := p.Call.Err(x.ctx.Err())
		want(x, "somebody is silent", errors.Is(err, errGone), silent > 0)
		want(x, "who still waits", len(p.Call.Close()), 0)
	}
	c := adapter.NewCall()
	if err := errors.Join(x.ServerSideEmit(adapter.Payload{JSON: []byte(`["e"]`)}), x.ServerSideEmitWithAck(x.ctx, adapter.Payload{JSON: []byte(`["e"]`)}, c)); err != nil {
		x.Errorf("ServerSideEmit: %v", err)
	}
	c.Seal()
	if a, ok := c.Next(x.ctx); ok || c.Err(nil) != nil {
		x.Errorf("there is no other node to answer: %v, %v", a, c.Err(nil))
	}
	want(x, "this node does not hear itself", x.local.events.Load(), 0)
}

// A broadcast reaches the members whose Join has returned before, and none whose Leave
// has; each member receives it once, whatever others do meanwhile.
func testConcurrency(x *exam) {
	stop := make(chan struct{})
	var churn, settled sync.WaitGroup
	for i := range 3 {
		churn.Go(func() {
			m := &member{id: fmt.Sprint("churn", i), adapter: x.Adapter}
			for {
				select {
				case <-stop:
					return
				default:
				}
				x.Add(m, []string{"r"})
				x.Join(m, []string{"s"})
				x.Rooms(m)
				x.Leave(m, "r")
				x.Members(adapter.Target{Except: []string{"s"}})
				x.Remove(m)
			}
		})
	}
	for i := range 3 {
		settled.Go(func() {
			m := &member{id: fmt.Sprint("settled", i), adapter: x.Adapter}
			own := fmt.Sprint("own", i)
			for n := range 100 {
				message := fmt.Sprint(own, " ", n)
				p := &adapter.Packet{Message: message}
				x.Add(m, nil)
				x.Join(m, []string{"r", own})
				for _, target := range []adapter.Target{
					{Rooms: []string{own}},
					{Rooms: []string{own, "r", m.id}, Except: []string{"s"}},
					{Rooms: []string{own}, Except: []string{"r"}},
					{Rooms: []string{own}, Sender: m.id},
				} {
					if _, err := x.Broadcast(p, target); err != nil {
						x.Errorf("Broadcast: %v", err)
					}
				}
				want(x, "deliveries", m.heard(message), 2)
				x.Leave(m, own)
				_, _ = x.Broadcast(p, adapter.Target{Rooms: []string{own}})
				want(x, "deliveries after Leave", m.heard(message), 2)
				x.Remove(m)
			}
		})
	}
	settled.Wait()
	close(stop)
	churn.Wait()
	want(x, "who is left", names(x.Members(adapter.Target{})), "")
}

// An Observable adapter reports each change of rooms once, in order.
func testObservers(x *exam) {
	o, ok := x.Adapter.(adapter.Observable)
	if !ok {
		return // it need not be
	}
	var seen, second diary
	o.Observe(&seen)
	o.Observe(&second)
	expect := func(what, expected string) {
		x.Helper()
		want(x, what, strings.Join(seen, ", "), expected)
		seen = nil
	}
	a := &member{id: "a", adapter: x.Adapter}
	b := &member{id: "b", adapter: x.Adapter}
	x.Add(a, []string{"r"})
	expect("the first member", "+a (own), a in a, +r, a in r")
	x.Add(b, nil)
	x.Join(b, []string{"r", "r", "a"})
	expect("the second", "+b (own), b in b, b in r, b in a")
	x.Join(b, []string{"r", "b"})
	x.Leave(b, "nobody's")
	expect("nothing", "")
	x.Leave(a, "a")
	if m, ok := x.Member("a"); !ok || m != adapter.Member(a) {
		x.Errorf("a member without its own room: %v, %v", m, ok)
	}
	x.Leave(b, "r")
	expect("leaving", "a out of a, b out of r")
	x.Leave(b, "a")
	expect("the last leaves", "b out of a, -a")
	x.Remove(b)
	expect("the end of one", "b out of b, -b")
	x.Remove(a)
	expect("the end", "a out of r, -r")
	want(x, "what a second watcher hears last", second[len(second)-1], "-r")
}
