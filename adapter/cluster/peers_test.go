// SPDX-License-Identifier: MIT

// This file tests nodes beside servers in Node.js, which are played by a fake that knows
// nothing but their messages.

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/adapter/nodewire"
)

// A nodeJS is a server in Node.js with the sockets ids, in the namespace "/". It answers
// requests as the npm packages do, and does not announce itself.
type nodeJS struct {
	testing.TB
	bus    *membus.Node
	codec  cluster.Codec
	uid    string
	ids    []string
	silent bool // it does not answer

	mu  sync.Mutex // guards the field below
	got []*nodewire.Message
}

func newNodeJS(t testing.TB, network *membus.Network, codec cluster.Codec, uid string, ids ...string) *nodeJS {
	p := &nodeJS{TB: t, bus: network.Node(uid), codec: codec, uid: uid, ids: ids}
	if err := p.bus.Open(p); err != nil {
		t.Fatal(err)
	}
	p.bus.Subscribe([]cluster.Channel{
		p.channel(cluster.ClassEvents, ""), p.channel(cluster.ClassRequests, ""), p.channel(cluster.ClassAnyRoom, ""),
		p.channel(cluster.ClassAnswers, ""), p.channel(cluster.ClassNode, uid),
	}, func(error) {})
	t.Cleanup(func() { _ = p.bus.Close(context.Background()) })
	return p
}

func (*nodeJS) channel(c cluster.Class, name string) cluster.Channel {
	return cluster.Channel{Class: c, Namespace: "/", Name: name}
}

func (*nodeJS) Down(error) {}
func (*nodeJS) Up()        {}

// Receive answers requests.
func (p *nodeJS) Receive(c cluster.Channel, data []byte) {
	m, err := p.codec.Decode(c, data)
	if err != nil {
		p.Errorf("Node.js can't read %q: %v", data, err)
		return
	}
	if m.From == p.uid || c.Class == cluster.ClassAnswers {
		return // it has asked nothing
	}
	p.mu.Lock()
	p.got = append(p.got, m)
	p.mu.Unlock()
	if !m.Ask || p.silent {
		return
	}
	switch m.Kind {
	case nodewire.KindFetchSockets:
		answer := &nodewire.Message{Kind: nodewire.KindSockets, Sockets: []adapter.MemberInfo{}}
		for _, id := range p.ids {
			answer.Sockets = append(answer.Sockets, adapter.MemberInfo{ID: id, Rooms: []string{id}})
		}
		p.answer(m, answer)
	case nodewire.KindBroadcast:
		p.answer(m, &nodewire.Message{Kind: nodewire.KindClientCount, Count: len(p.ids)})
		for _, id := range p.ids {
			p.answer(m, &nodewire.Message{Kind: nodewire.KindClientAnswer, Event: adapter.Payload{JSON: []byte(`["` + id + `"]`)}})
		}
	case nodewire.KindServerSideEmit:
		p.answer(m, &nodewire.Message{Kind: nodewire.KindServerSideAnswer, Event: adapter.Payload{JSON: []byte(`["` + p.uid + `"]`)}})
	}
}

// answer answers on the channel that the npm package uses: in the classic format, all
// nodes hear it.
func (p *nodeJS) answer(m, answer *nodewire.Message) {
	c := p.channel(cluster.ClassNode, m.From)
	if _, classic := p.codec.(cluster.Classic); classic {
		c = p.channel(cluster.ClassAnswers, "")
	}
	answer.RequestID = m.RequestID
	p.publish(c, answer)
}

func (p *nodeJS) publish(c cluster.Channel, m *nodewire.Message) {
	m.From, m.Namespace = p.uid, "/"
	data, err := p.codec.Append(nil, c, m)
	if err == nil {
		err = p.bus.Publish(c, data)
	}
	if err != nil {
		p.Errorf("Node.js can't send %+v: %v", m, err)
	}
}

// kinds returns the kinds of the messages that Node.js got, except introductions.
func (p *nodeJS) kinds() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var kinds []string
	for _, m := range p.got {
		if m.Kind != nodewire.KindHello && m.Kind != nodewire.KindBye {
			kinds = append(kinds, fmt.Sprint(m.Kind))
		}
	}
	p.got = nil
	return strings.Join(kinds, " ")
}

// last returns the last message of a kind.
func (p *nodeJS) last(k nodewire.Kind) nodewire.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range slices.Backward(p.got) {
		if m.Kind == k {
			return *m
		}
	}
	return nodewire.Message{}
}

// A mixedCluster has two nodes in Go, each with a socket that answers, and servers in
// Node.js.
type mixedCluster struct {
	network *membus.Network
	a, b    *testNode
}

// mixed runs a test in both formats.
func mixed(t *testing.T, test func(t *testing.T, codec cluster.Codec, x *mixedCluster)) {
	for name, o := range map[string]cluster.Options{
		"envelope": {}, "classic": {Codec: cluster.Classic{}, Rooms: cluster.RoomsByPattern},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := &mixedCluster{network: membus.New(1)}
				x.network.Delay(0, 5*time.Millisecond)
				x.a, x.b = newCountingNode(t, x.network, "a", o), newCountingNode(t, x.network, "b", o)
				codec := o.Codec
				if codec == nil {
					codec = cluster.Envelope{}
				}
				test(t, codec, x)
			})
		})
	}
}

func (x *mixedCluster) call(t *testing.T, send func(ctx context.Context, c *adapter.Call) error) (answers string, took time.Duration, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	start, c := time.Now(), adapter.NewCall()
	defer c.Close()
	if err := send(ctx, c); err != nil {
		t.Error(err)
	}
	c.Seal()
	var all []string
	for a, ok := c.Next(ctx); ok; a, ok = c.Next(ctx) {
		all = append(all, strings.Trim(fmt.Sprint(a.Args), `["]`))
	}
	slices.Sort(all)
	return strings.Join(all, " "), time.Since(start), c.Err(ctx.Err())
}

func (x *mixedCluster) broadcast(t *testing.T) (answers string, took time.Duration, err error) {
	t.Helper()
	return x.call(t, func(ctx context.Context, c *adapter.Call) error {
		return x.a.space.BroadcastWithAck(ctx, &adapter.Packet{Message: "q", Call: c, AckID: 1}, adapter.Target{})
	})
}

func (x *mixedCluster) servers(t *testing.T) (answers string, took time.Duration, err error) {
	t.Helper()
	return x.call(t, func(ctx context.Context, c *adapter.Call) error {
		return x.a.space.ServerSideEmitWithAck(ctx, adapter.Payload{JSON: []byte(`["e"]`)}, c)
	})
}

func (x *mixedCluster) fetch() (ids string, took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	start := time.Now()
	found, err := x.a.space.FetchSockets(ctx, adapter.Target{})
	var all []string
	for _, f := range found {
		if f.Member != nil {
			all = append(all, f.Member.ID())
		} else {
			all = append(all, f.Info.ID)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " "), time.Since(start), err
}

// soon is longer than two messages, and much shorter than the timeout of a request.
const soon = 100 * time.Millisecond

func (x *mixedCluster) check(t *testing.T, what, got, expected string, took time.Duration, err error) {
	t.Helper()
	want(t, what, got, expected)
	if err != nil || took > soon {
		t.Errorf("%s: %v, after %v", what, err, took)
	}
}

// Requests await the answers of each server in Node.js, and no longer.
func TestRequestsToNodeJS(t *testing.T) {
	mixed(t, func(t *testing.T, codec cluster.Codec, x *mixedCluster) {
		x.b.join("b").answers = true
		settled()
		ids, took, err := x.fetch()
		x.check(t, "sockets without Node.js", ids, "b", took, err)
		one := newNodeJS(t, x.network, codec, "node01", "x", "y")
		newNodeJS(t, x.network, codec, "node02")
		want(t, "the number of servers", x.a.count(x.a.space), 4)
		ids, took, err = x.fetch()
		x.check(t, "sockets", ids, "b x y", took, err)
		ids, took, err = x.broadcast(t)
		x.check(t, "answers of sockets", ids, "b x y", took, err)
		ids, took, err = x.servers(t)
		x.check(t, "answers of servers", ids, "node01 node02 pong", took, err)
		want(t, "what Node.js got", one.kinds(), fmt.Sprint(nodewire.KindFetchSockets, nodewire.KindBroadcast, nodewire.KindServerSideEmit))
	})
}

// A server in Node.js that does not answer is named, and the request ends with its
// context.
func TestNodeJSThatIsSilent(t *testing.T) {
	mixed(t, func(t *testing.T, codec cluster.Codec, x *mixedCluster) {
		x.b.join("b").answers = true
		settled()
		newNodeJS(t, x.network, codec, "node01", "x")
		newNodeJS(t, x.network, codec, "node02").silent = true
		for name, ask := range map[string]func() (string, time.Duration, error){
			"fetch": x.fetch, "broadcast": func() (string, time.Duration, error) { return x.broadcast(t) },
			"server event": func() (string, time.Duration, error) { return x.servers(t) },
		} {
			got, took, err := ask()
			var partial *adapter.PartialError
			if !errors.As(err, &partial) || !slices.Equal(partial.Nodes, []string{"servers in Node.js"}) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			want(t, name+": how many have answered", len(strings.Fields(got)), 2)
			want(t, name+": how long it took", took, 5*time.Second)
		}
	})
}

// A lateCounter is a node that counts when others have begun.
type lateCounter struct {
	membus.Counting
	before func()
}

func (l *lateCounter) Subscribers(ctx context.Context, channels []cluster.Channel) ([]int, error) {
	if before := l.before; before != nil {
		l.before = nil
		before()
	}
	return l.Counting.Subscribers(ctx, channels)
}

// A node that begins while a request is on its way is counted, but has not received the
// request: it is not awaited like a server in Node.js for longer than it needs to introduce
// itself. One that has received it, and is slower than that, is.
func TestNodesThatBeginDuringARequest(t *testing.T) {
	mixed(t, func(t *testing.T, codec cluster.Codec, x *mixedCluster) {
		o := &cluster.Options{Codec: codec}
		if _, classic := codec.(cluster.Classic); classic {
			o.Rooms = cluster.RoomsByPattern
		}
		r := &recorder{Node: x.network.Node("asker")}
		counter := &lateCounter{Counting: membus.Counting{Node: r.Node}}
		x.a = openNode(t, "asker", r, struct {
			*recorder
			cluster.PeerCounter
		}{r, counter}, o)
		x.b.join("b").answers = true
		settled()
		newNodeJS(t, x.network, codec, "node01", "x")
		for name, ask := range map[string]func() (string, time.Duration, error){
			"fetch": x.fetch, "broadcast": func() (string, time.Duration, error) { return x.broadcast(t) },
			"server event": func() (string, time.Duration, error) { return x.servers(t) },
		} {
			var late *testNode
			counter.before = func() {
				time.Sleep(soon) // the request has arrived
				late = newCountingNode(t, x.network, "late "+name, *o)
			}
			got, took, err := ask()
			if err != nil || took > 5*soon {
				t.Errorf("%s: %v, after %v", name, err, took)
			}
			if n := len(strings.Fields(got)); n < 2 || n > 3 { // that of the first node has no sockets
				t.Errorf("%s: the answers are %q", name, got)
			}
			_ = late.space.Close()
			settled()
		}
	})
}

// If the broker can't count, requests return at once with what is known.
func TestCountingFails(t *testing.T) {
	mixed(t, func(t *testing.T, _ cluster.Codec, x *mixedCluster) {
		x.b.join("b").answers = true
		settled()
		failure := errors.New("no count")
		x.network.FailCounts(failure)
		for name, ask := range map[string]func() (string, time.Duration, error){
			"fetch": x.fetch, "broadcast": func() (string, time.Duration, error) { return x.broadcast(t) },
		} {
			got, took, err := ask()
			var partial *adapter.PartialError
			if !errors.As(err, &partial) || !errors.Is(err, failure) || took > soon {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			want(t, name, got, "b")
		}
	})
}

// Nodes that were frozen, and nodes that died, are not mistaken for servers in Node.js.
func TestFrozenNodesAreNotCounted(t *testing.T) {
	mixed(t, func(t *testing.T, codec cluster.Codec, x *mixedCluster) {
		x.b.join("b")
		settled()
		newNodeJS(t, x.network, codec, "node01", "x")
		x.b.bus.Pause()
		time.Sleep(15 * time.Second)
		ids, took, err := x.fetch()
		x.check(t, "sockets beside a frozen node", ids, "x", took, err)
		want(t, "servers", x.a.count(x.a.space), 2)
		x.b.bus.Resume()
		time.Sleep(time.Second)
		ids, took, err = x.fetch()
		x.check(t, "sockets afterwards", ids, "b x", took, err)
		x.b.bus.Kill()
		time.Sleep(15 * time.Second)
		ids, took, err = x.fetch()
		x.check(t, "sockets without a dead node", ids, "x", took, err)
	})
}

// A server in Node.js can do all operations on this node's sockets.
func TestRequestsOfNodeJS(t *testing.T) {
	mixed(t, func(t *testing.T, codec cluster.Codec, x *mixedCluster) {
		m := x.a.join("m", "r")
		settled()
		js := newNodeJS(t, x.network, codec, "node01", "x")
		requests := js.channel(cluster.ClassRequests, "")
		room := adapter.Target{Rooms: []string{"r"}}
		m.answers = true
		for _, step := range []struct {
			channel cluster.Channel
			message nodewire.Message
			answer  nodewire.Kind
		}{
			{js.channel(cluster.ClassEvents, ""), nodewire.Message{Kind: nodewire.KindBroadcast, Event: adapter.Payload{JSON: []byte(`["all"]`)}}, 0},
			{js.channel(cluster.ClassRoom, "r"), nodewire.Message{Kind: nodewire.KindBroadcast, Target: room, Event: adapter.Payload{JSON: []byte(`["room"]`)}}, 0},
			{requests, nodewire.Message{Kind: nodewire.KindBroadcast, Target: room, Ask: true, Timeout: time.Second, Event: adapter.Payload{JSON: []byte(`["ask"]`)}}, nodewire.KindClientAnswer},
			{requests, nodewire.Message{Kind: nodewire.KindSocketsJoin, Target: room, Rooms: []string{"s"}}, 0},
			{requests, nodewire.Message{Kind: nodewire.KindSocketsLeave, Target: room, Rooms: []string{"r"}}, 0},
			{requests, nodewire.Message{Kind: nodewire.KindFetchSockets, Target: adapter.Target{Rooms: []string{"s"}}, Ask: true}, nodewire.KindSockets},
			{requests, nodewire.Message{Kind: nodewire.KindServerSideEmit, Event: adapter.Payload{JSON: []byte(`["e"]`)}, Ask: true}, nodewire.KindServerSideAnswer},
			{requests, nodewire.Message{Kind: nodewire.KindDisconnect, Target: adapter.Target{Rooms: []string{"s"}}}, 0},
		} {
			step.message.RequestID = "req001"
			js.publish(step.channel, &step.message)
			time.Sleep(soon)
			if step.answer == 0 {
				continue
			}
			if got := js.last(step.answer); got.RequestID != "req001" {
				t.Errorf("a request of kind %d: the answer is %+v", step.message.Kind, got)
			}
		}
		want(t, "the socket got", m.heard(), "all room ask")
		want(t, "sockets that are left", len(x.a.space.Members(adapter.Target{})), 0)
		want(t, "counts of sockets, one of each node", strings.Count(js.kinds(), fmt.Sprint(nodewire.KindClientCount)), 2)
		want(t, "dropped", x.a.Stats().Dropped, 0)
	})
}

// The requests that only the classic format has.
func TestClassicRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newCountingNode(t, network, "a", cluster.Options{Codec: cluster.Classic{}, Rooms: cluster.RoomsByPattern})
		m := n.join("m", "r")
		n.join("other")
		js := newNodeJS(t, network, cluster.Classic{}, "node01")
		settled()
		requests := js.channel(cluster.ClassRequests, "")
		ask := func(text string) nodewire.Message {
			js.kinds()
			if err := js.bus.Publish(requests, []byte(text)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(soon)
			js.mu.Lock()
			defer js.mu.Unlock()
			if len(js.got) != 1 {
				return nodewire.Message{}
			}
			slices.Sort(js.got[0].Rooms)
			return *js.got[0]
		}
		rooms := ask(`{"uid":"node01","requestId":"r1","type":1}`)
		want(t, "all rooms", fmt.Sprint(rooms.RequestID, rooms.Rooms), "r1[m other r]")
		js.codec = rawAnswers{}
		want(t, "ids in a room", ask(`{"uid":"node01","requestId":"r2","type":0,"rooms":["r"]}`).RequestID, `{"requestId":"r2","sockets":["m"],"go":{"uid":"`)
		want(t, "ids", len(ask(`{"uid":"node01","requestId":"r2","type":0,"rooms":[]}`).RequestID), 47+len(`,"other"`))
		want(t, "a join of one", ask(`{"uid":"node01","requestId":"r3","type":2,"sid":"m","room":"s"}`).RequestID, `{"requestId":"r3","go":{"uid":"`)
		want(t, "the room", len(n.space.Members(adapter.Target{Rooms: []string{"s"}})), 1)
		want(t, "a leave of one", ask(`{"uid":"node01","requestId":"r4","type":3,"sid":"m","room":"s"}`).RequestID, `{"requestId":"r4","go":{"uid":"`)
		want(t, "the room", len(n.space.Members(adapter.Target{Rooms: []string{"s"}})), 0)
		want(t, "a leave of a stranger", ask(`{"uid":"node01","requestId":"r5","type":3,"sid":"nobody","room":"s"}`).RequestID, "")
		want(t, "the end of one", ask(`{"uid":"node01","requestId":"r6","type":4,"sid":"m","close":true}`).RequestID, `{"requestId":"r6","go":{"uid":"`)
		_, here := n.space.Member(m.id)
		want(t, "it is here", here, false)
		want(t, "dropped", n.Stats().Dropped, 0)
	})
}

// rawAnswers reads no answers: the text up to the id of the sender is the RequestID.
type rawAnswers struct{ cluster.Classic }

func (r rawAnswers) Decode(c cluster.Channel, data []byte) (*nodewire.Message, error) {
	if c.Class != cluster.ClassNode {
		return r.Classic.Decode(c, data)
	}
	before, _, _ := strings.Cut(string(data), `"uid":"`)
	return &nodewire.Message{RequestID: before + `"uid":"`}, nil
}

// Servers in Node.js that announce themselves by heartbeats in a namespace, without more,
// are members until they are silent or say goodbye, and hear the heartbeats of this node
// there.
func TestHeartbeatsInNamespaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", &cluster.Options{NodeHeartbeats: true})
		p := newNodeJS(t, network, cluster.Envelope{}, "749ada6d973df68e", "x", "y")
		say := func(kind nodewire.Kind) {
			p.publish(p.channel(cluster.ClassRequests, ""), &nodewire.Message{Kind: kind})
			synctest.Wait()
		}
		count := func() int {
			count, _ := n.space.ServerCount(t.Context())
			return count
		}
		settled()
		p.kinds()
		say(nodewire.KindHello)
		want(t, "nodes after its beginning", count(), 2)
		want(t, "what it hears then", p.kinds(), "2")
		found, err := n.space.FetchSockets(t.Context(), adapter.Target{})
		want(t, "the sockets that are found", fmt.Sprint(len(found), err), "2 <nil>")
		p.kinds()
		time.Sleep(6 * time.Second)
		want(t, "what it hears every 5 s", p.kinds(), "2")
		say(nodewire.KindHeartbeat)
		time.Sleep(6 * time.Second)
		want(t, "nodes while it sends heartbeats", count(), 2)
		time.Sleep(6 * time.Second)
		want(t, "nodes when it was silent", count(), 1)
		say(nodewire.KindHeartbeat)
		want(t, "nodes when it is heard again", count(), 2)
		say(nodewire.KindBye)
		want(t, "nodes after its end", count(), 1)
		want(t, "dropped", n.Stats().Dropped, uint64(0))
	})
}
