// SPDX-License-Identifier: MIT

// This file tests servers that a bus connects: package adapter/cluster under real
// servers and clients.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
)

// A bused server is one of a cluster on a bus in memory.
type bused struct {
	*world
	bus  *membus.Node
	node *cluster.Cluster
}

// busedServers runs a test with n servers, in a bubble of virtual time. They know each
// other when it begins.
func busedServers(t *testing.T, n int, network *membus.Network, test func(all []bused)) {
	t.Helper()
	busedServersWith(t, n, network, func() socketio.Options { return socketio.Options{} }, test)
}

// busedServersWith is busedServers with options.
func busedServersWith(t *testing.T, n int, network *membus.Network, options func() socketio.Options, test func(all []bused)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		all := make([]bused, n)
		for i := range all {
			all[i].bus = network.Node(fmt.Sprint("node", i))
			o := options()
			all[i].node = cluster.New(all[i].bus, &cluster.Options{Name: fmt.Sprint("node", i)})
			o.Cluster = all[i].node
			all[i].world = newWorld(t, with(&o, engineio.DriverGoroutine), nil)
			all[i].bubble, all[i].patient = true, 5*time.Minute
		}
		time.Sleep(time.Second)
		test(all)
		for i := range all {
			_ = all[i].io.Close()
		}
	})
}

// crowdOn creates a crowd on a server.
func crowdOn(b bused, names ...string) *crowd { return newCrowd(b.world, websocket, names...) }

func TestServersOnABus(t *testing.T) {
	network := membus.New(1)
	network.Delay(time.Millisecond, 20*time.Millisecond)
	busedServers(t, 3, network, func(all []bused) {
		c := []*crowd{crowdOn(all[0], "a", "b"), crowdOn(all[1], "ab"), crowdOn(all[2], "x")}
		_ = all[0].io.To("a").Emit("é", 1, []byte{2}, map[string][]byte{"x": {3}})
		for _, p := range []*peer{c[0].peers["a"], c[1].peers["ab"]} {
			p.hears(`52-["é",1,{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]`, []byte{2}, []byte{3})
		}
		_ = c[0].sockets["a"].Broadcast().Emit("others")
		c[0].peers["b"].hears(`2["others"]`)
		c[1].peers["ab"].hears(`2["others"]`)
		c[2].peers["x"].hears(`2["others"]`)
		_ = all[0].io.To("a", "x").Except("b").Emit("two")
		c[0].peers["a"].hears(`2["two"]`)
		c[2].peers["x"].hears(`2["two"]`)

		a := c[0].ask(all[0].io.To("a", "nobody"), all[0].Context(), "q", []byte{1})
		c[0].peers["a"].hears(`51-0["q",{"_placeholder":true,"num":0}]`, []byte{1})
		c[1].peers["ab"].hears(`51-0["q",{"_placeholder":true,"num":0}]`, []byte{1})
		c[1].peers["ab"].says(`61-0[1,{"_placeholder":true,"num":0}]`, []byte{5})
		a.replies.await(all[0].world, 1)
		c[0].peers["a"].says(`30["a"]`)
		if err := within(all[0].world, "the end of the range", a.done); err != nil {
			t.Error(err)
		}
		want(t, "the answers", strings.Join(a.replies.all(), ";"), `nobody [1,{"_placeholder":true,"num":0}];a ["a"]`)

		found, err := all[2].io.To("a").FetchSockets(all[2].Context())
		if err != nil || len(found) != 2 {
			t.Fatalf("%v %v", found, err)
		}
		for _, r := range found {
			if err := errors.Join(r.Join("new"), r.Leave("a")); err != nil {
				t.Error(err)
			}
			want(t, "the path", r.Handshake().URL, "/socket.io/?EIO=4&transport=websocket")
		}
		all[0].settle()
		found, err = all[2].io.To("new").FetchSockets(all[2].Context())
		want(t, "who joined", fmt.Sprint(len(found), err), "2 <nil>")
		found, err = all[2].io.To("a").FetchSockets(all[2].Context())
		want(t, "who is left", fmt.Sprint(len(found), err), "0 <nil>")
		if err := all[2].io.To("new").DisconnectSockets(); err != nil {
			t.Error(err)
		}
		c[0].peers["a"].hears(`1`)
		c[1].peers["ab"].hears(`1`)
	})
}

func TestServerEventsOnABus(t *testing.T) {
	network := membus.New(1)
	network.Delay(0, 5*time.Millisecond)
	busedServers(t, 3, network, func(all []bused) {
		heard := newList()
		for i := range all {
			all[i].io.OnServerSideEmit("hello", func(who string, data []byte) { heard.add(fmt.Sprint(i, who, data)) })
			all[i].io.OnServerSideEmit("sum", func(a, b int) (int, []byte) { return a + b + i, []byte{9} })
		}
		if err := all[0].io.ServerSideEmit("hello", "from 0", []byte{1}); err != nil {
			t.Error(err)
		}
		heard.await(all[0].world, 2)
		got := heard.all()
		slices.Sort(got)
		want(t, "who hears", strings.Join(got, "; "), "1from 0[1]; 2from 0[1]")
		sum := 0
		for reply, err := range all[0].io.ServerSideEmitWithAck(all[0].Context(), "sum", 3, 4) {
			var n int
			if err != nil || reply.Decode(&n) != nil || len(reply.Attachments()) != 1 {
				t.Errorf("%v %v", reply, err)
			}
			sum += n
		}
		want(t, "the answers", sum, 8+9)
		all[2].bus.Kill()
		start := time.Now()
		for reply, err := range all[0].io.ServerSideEmitWithAck(all[0].Context(), "sum", 3, 4) {
			var silent *socketio.PartialError
			if err != nil && (!errors.As(err, &silent) || len(silent.Nodes) != 1 || !strings.HasPrefix(silent.Nodes[0], "node2-")) {
				t.Errorf("%v %v", reply, err)
			}
		}
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("a dead server was awaited for %v", took)
		}
	})
}

// A join waits until other servers publish to the room, and not while the bus is down.
func TestJoinsOnABus(t *testing.T) {
	network := membus.New(1)
	busedServers(t, 2, network, func(all []bused) {
		c := crowdOn(all[0], "a")
		s := c.sockets["a"]
		all[0].settle()
		network.Confirm(300 * time.Millisecond)
		start := time.Now()
		if err := s.Join("slow"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start).Round(time.Millisecond); took != 300*time.Millisecond {
			t.Errorf("the join took %v", took)
		}
		_ = all[1].io.To("slow").Emit("e")
		c.peers["a"].hears(`2["e"]`)

		network.Confirm(time.Minute)
		start = time.Now()
		if err := s.Join("slower"); !errors.Is(err, socketio.ErrDegraded) {
			t.Error(err)
		}
		want(t, "the wait", time.Since(start), time.Second)
		want(t, "it has joined", slices.Contains(s.Rooms(), "slower"), true)

		network.Confirm(0)
		all[0].bus.Break()
		all[0].settle()
		start = time.Now()
		if err := s.Join("down"); !errors.Is(err, socketio.ErrDegraded) {
			t.Error(err)
		}
		if err := all[0].io.To("down").Emit("here"); !errors.Is(err, membus.ErrDown) {
			t.Error(err)
		}
		c.peers["a"].hears(`2["here"]`)
		found, err := all[0].io.FetchSockets(context.Background())
		var silent *socketio.PartialError
		if !errors.As(err, &silent) || len(silent.Nodes) != 1 || len(found) != 1 {
			t.Errorf("%v %v", found, err)
		}
		want(t, "the wait", time.Since(start), 0)
		all[0].bus.Mend()
		time.Sleep(time.Second) // the rooms that were joined meanwhile are subscribed
		_ = all[1].io.To("down").Emit("again")
		c.peers["a"].hears(`2["again"]`)
		found, err = all[0].io.FetchSockets(context.Background())
		want(t, "found", fmt.Sprint(len(found), err), "1 <nil>")
	})
}
