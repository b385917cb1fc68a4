// SPDX-License-Identifier: MIT

// This file tests each operation from one node to others, with values of all kinds and
// with targets that select nobody, and the order of events.

package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"socketio/adapter"
)

// values are events with values of all kinds: their names are added.
var values = map[string]event{
	"text":    {json: `1,-1.5,true,null,"two",[],{},{"a":{"b":["c"]}}`},
	"unicode": {json: `"é漢😀","\u0000\n\"\\/",{"ключ":"значение"}`},
	"binary": {json: `{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}`,
		attachments: [][]byte{{0, 1, 255}, {}, make([]byte, 5_000)}},
}

// valuesAs returns an event with values of a kind. Its name is not that of another.
func valuesAs(kind string, n int) *event {
	v := values[kind]
	return &event{json: fmt.Sprintf(`["%s%d",%s]`, kind, n, v.json), attachments: v.attachments}
}

// targets are how broadcasts select members: who receives them from node a.
var targets = []struct {
	target adapter.Target
	flags  adapter.Flags
	want   string
}{
	{adapter.Target{}, adapter.Flags{}, "a b c"},
	{adapter.Target{Rooms: []string{"all"}}, adapter.Flags{}, "a b c"},
	{adapter.Target{Rooms: []string{"b", "c", "all"}}, adapter.Flags{}, "a b c"},
	{adapter.Target{Rooms: []string{"all"}, Except: []string{"a", "b"}}, adapter.Flags{}, "c"},
	{adapter.Target{Rooms: []string{"комната 😀"}}, adapter.Flags{}, "b c"},
	{adapter.Target{Rooms: []string{"exactly twenty units"}}, adapter.Flags{}, "b c"},
	{adapter.Target{Rooms: []string{"b"}}, adapter.Flags{}, "b"},
	{adapter.Target{}, adapter.Flags{Volatile: true, Uncompressed: true}, "a b c"},
	{adapter.Target{Rooms: []string{"nobody"}}, adapter.Flags{}, ""},
	{adapter.Target{Rooms: []string{"nobody", "nobody else"}}, adapter.Flags{}, ""},
	{adapter.Target{Rooms: []string{"all"}, Except: []string{"all"}}, adapter.Flags{}, ""},
	{adapter.Target{Rooms: []string{"all"}, Sender: "a"}, adapter.Flags{}, "b c"},
}

// joined makes the members of nodes b and c join a room, and waits until a knows.
func (x *clusterExam) joined(rooms ...string) {
	for i, n := range x.nodes[1:] {
		n.Join(x.members[i+1], rooms)
		n.known(rooms)
	}
}

// known waits until other nodes publish to rooms.
func (x *exam) known(rooms []string) {
	x.Helper()
	if w, ok := x.Adapter.(adapter.JoinWaiter); ok {
		if err := w.WaitJoined(rooms); err != nil {
			x.Errorf("WaitJoined: %v", err)
		}
	}
}

// fence returns when all members have received what node a has published to anybody.
func (x *clusterExam) fence(name string) {
	x.Helper()
	for _, target := range []adapter.Target{{}, {Rooms: []string{"all"}}} {
		message := fmt.Sprint("fence ", name, len(target.Rooms))
		if _, err := x.nodes[0].Broadcast(&adapter.Packet{Message: message}, target); err != nil {
			x.Errorf("Broadcast: %v", err)
		}
		x.eventually("the end of "+name, func() bool { return x.heard(message) == "a b c" })
	}
}

func testOperations(x *clusterExam) {
	for i, n := range x.nodes {
		n.known([]string{"all"})
		n.known([]string{x.members[i].id})
	}
	x.joined("комната 😀", "exactly twenty units")
	for kind := range values {
		x.broadcasts(kind)
		x.asks(kind)
		x.serverEvents(kind)
	}
	x.fetches()
	x.changes()
}

func (x *clusterExam) broadcasts(kind string) {
	for i, test := range targets {
		e := valuesAs(kind, i)
		if _, err := x.nodes[0].Broadcast(&adapter.Packet{Message: e, Flags: test.flags}, test.target); err != nil {
			x.Errorf("Broadcast: %v", err)
		}
		if test.want != "" && test.want != "a" {
			x.eventually("a broadcast", func() bool { return x.heard(e.text()) == test.want })
		}
	}
	x.fence(kind + " broadcasts")
	for i, test := range targets {
		want(x.nodes[0], fmt.Sprintf("who got %s to %+v", kind, test.target), x.heard(valuesAs(kind, i).text()), test.want)
	}
}

// asks broadcasts with acknowledgements: members answer with values.
func (x *clusterExam) asks(kind string) {
	answer := valuesAs(kind, 0)
	for _, m := range x.members {
		m.on(func(m *member, p *adapter.Packet) {
			if p.Call != nil {
				p.Call.Answer(m, answer)
			}
		})
	}
	for i, test := range targets {
		p := &adapter.Packet{Message: valuesAs(kind, 100+i), Call: adapter.NewCall(), AckID: 1, Flags: test.flags}
		ctx, cancel := context.WithTimeout(x.ctx, 10*time.Second)
		if err := x.nodes[0].BroadcastWithAck(ctx, p, test.target); err != nil {
			x.Errorf("BroadcastWithAck: %v", err)
		}
		p.Call.Seal()
		var got []string
		for a, ok := p.Call.Next(ctx); ok; a, ok = p.Call.Next(ctx) {
			got = append(got, a.Socket)
			args := a.Args
			if e, ok := args.(*event); ok {
				args = e.text()
			}
			if args != answer.text() {
				x.Errorf("%s: the answer of %s is %.200v", kind, a.Socket, args)
			}
		}
		want(x.nodes[0], fmt.Sprintf("who answered %s to %+v", kind, test.target), sorted(got), test.want)
		if err := p.Call.Err(ctx.Err()); err != nil {
			x.Errorf("%s to %+v: %v", kind, test.target, err)
		}
		cancel()
	}
	for _, m := range x.members {
		m.on(nil)
	}
}

func (x *clusterExam) serverEvents(kind string) {
	e, _ := payloadOf(valuesAs(kind, 7))
	if err := x.nodes[0].ServerSideEmit(e); err != nil {
		x.Errorf("ServerSideEmit: %v", err)
	}
	for _, n := range x.nodes[1:] {
		x.eventually("an event of a server", func() bool { return slices.Contains(n.local.servers(), textOf(e)) })
	}
	ctx, cancel := context.WithTimeout(x.ctx, 10*time.Second)
	defer cancel()
	c := adapter.NewCall()
	if err := x.nodes[0].ServerSideEmitWithAck(ctx, e, c); err != nil {
		x.Errorf("ServerSideEmitWithAck: %v", err)
	}
	c.Seal()
	answers := 0
	for a, ok := c.Next(ctx); ok; a, ok = c.Next(ctx) {
		answers++
		if a.Args != textOf(e) || a.Node == "" || a.Socket != "" {
			x.Errorf("%s: the answer of %q is %.200v", kind, a.Node, a.Args)
		}
	}
	want(x.nodes[0], "the answers of servers", answers, nodes-1)
	if err := c.Err(ctx.Err()); err != nil {
		x.Errorf("all servers have answered: %v", err)
	}
	want(x.nodes[0], "this node does not hear itself", len(x.nodes[0].local.servers()), 0)
}

// fetches finds sockets of all nodes, of a room, and none.
func (x *clusterExam) fetches() {
	for _, test := range targets {
		found, err := x.nodes[0].FetchSockets(x.ctx, test.target)
		if err != nil {
			x.Errorf("FetchSockets: %v", err)
		}
		var ids []string
		for _, f := range found {
			if f.Member != nil {
				ids = append(ids, f.Member.ID())
				continue
			}
			i, h := f.Info, f.Info.Handshake
			ids = append(ids, i.ID)
			got := strings.Join([]string{string(i.Data), h.URL, h.Host, h.Header.Get("User-Agent"), string(h.Auth)}, " ")
			want(x.nodes[0], "a socket of another node", got, `{"name":"é"} /socket.io/?a=b example.org x {"token":"t"}`)
			want(x.nodes[0], "its node and its room", i.Node != "" && slices.Contains(i.Rooms, "комната 😀"), true)
		}
		want(x.nodes[0], fmt.Sprintf("who was found by %+v", test.target), sorted(ids), test.want)
	}
}

// changes are joins, leaves and disconnections of many, last of nobody and of all.
func (x *clusterExam) changes() {
	n := x.nodes[0]
	for i, test := range targets {
		rooms := []string{fmt.Sprint("ключ", i), fmt.Sprint("other", i)}
		if err := n.SocketsJoin(test.target, rooms); err != nil {
			x.Errorf("SocketsJoin: %v", err)
		}
		x.eventually("joins", func() bool { return x.in(rooms[0]) == test.want && x.in(rooms[1]) == test.want })
		if err := n.SocketsLeave(test.target, rooms); err != nil {
			x.Errorf("SocketsLeave: %v", err)
		}
		x.eventually("leaves", func() bool { return x.in(rooms[0])+x.in(rooms[1]) == "" })
	}
	if err := n.DisconnectSockets(adapter.Target{Rooms: []string{"nobody"}}, true); err != nil {
		x.Errorf("DisconnectSockets: %v", err)
	}
	x.fence("disconnections")
	if err := n.DisconnectSockets(adapter.Target{}, true); err != nil {
		x.Errorf("DisconnectSockets: %v", err)
	}
	x.eventually("disconnections", func() bool { return x.in("all") == "" })
	for _, m := range x.members {
		want(n, "how", m.end(), "close")
	}
}

// in returns the members of a room on all nodes.
func (x *clusterExam) in(room string) string {
	var all []string
	for _, n := range x.nodes {
		if one := n.in(room); one != "" {
			all = append(all, one)
		}
	}
	return strings.Join(all, " ")
}

// Events of one node arrive once and in order, whatever their sizes, while others publish
// too.
func testOrder(x *clusterExam) {
	const count = 60
	for _, n := range x.nodes {
		n.known([]string{"all"})
	}
	ways := []adapter.Target{{Rooms: []string{"all"}}}
	if !x.factory.OrderedByChannel {
		ways = append(ways, adapter.Target{}, adapter.Target{Rooms: []string{"all", "a", "b"}})
	}
	pad := []string{"", strings.Repeat("x", 1_000), strings.Repeat("y", 20_000)}
	var publishers sync.WaitGroup
	for i, n := range x.nodes {
		publishers.Go(func() {
			for k := range count {
				e := &event{json: fmt.Sprintf(`["order",%d,%d,"%s"]`, i, k, pad[k%len(pad)])}
				if k%5 == 0 {
					e = &event{json: fmt.Sprintf(`["order",%d,%d,{"_placeholder":true,"num":0}]`, i, k), attachments: [][]byte{{byte(k)}}}
				}
				if _, err := n.Broadcast(&adapter.Packet{Message: e}, ways[k%len(ways)]); err != nil {
					x.Errorf("Broadcast: %v", err)
				}
			}
		})
	}
	publishers.Wait()
	for _, m := range x.members {
		x.eventually("the last of many", func() bool { return len(m.all()) >= nodes*count })
		want(x.nodes[0], "how many "+m.id+" got", len(m.all()), nodes*count)
		var next [nodes]int
		for _, got := range m.all() {
			var from, k int
			if _, err := fmt.Sscanf(got.(string), `["order",%d,%d,`, &from, &k); err != nil {
				x.Fatalf("%s got %.100v", m.id, got)
			}
			if k != next[from] {
				x.Fatalf("%s got number %d of node %d, want %d", m.id, k, from, next[from])
			}
			next[from]++
		}
	}
}
