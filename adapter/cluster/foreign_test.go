// SPDX-License-Identifier: MIT

// This file tests messages that no node should send, and the bounds of what others can
// make a node do.

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A deafMute is the receiver of a bus that only publishes.
type deafMute struct{}

func (deafMute) Receive(cluster.Channel, []byte) {}
func (deafMute) Down(error)                      {}
func (deafMute) Up()                             {}

// foe returns a bus that is no node.
func foe(t *testing.T, network *membus.Network) *membus.Node {
	n := network.Node("foe")
	if err := n.Open(deafMute{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close(context.Background()) })
	return n
}

func TestForeignMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", nil)
		m := n.join("m")
		foe := foe(t, network)
		settled()
		events, requests, nodes := cluster.Channel{Class: cluster.ClassEvents, Namespace: "/"}, cluster.Channel{Class: cluster.ClassRequests, Namespace: "/"}, cluster.Channel{}
		const opts = `"opts":{"rooms":[],"except":[],"flags":{}}`
		bad := []struct {
			channel cluster.Channel
			data    string
		}{
			{events, ""}, {events, "{"}, {events, "\xc1"}, {events, `{"type":3}`}, {events, `{"type":77,"uid":"x","nsp":"/"}`},
			{events, `{"type":3,"data":{"packet":{"type":2,"data":["unreadable"]},` + opts + `},"uid":"x","nsp":"/"}`},
			{events, `{"type":3,"data":{"packet":{"type":2,"data":["e"]},` + opts + `},"uid":"x","nsp":"/other"}`},
			{events, `{"type":3,"data":{"packet":{"type":2,"data":["e"]},` + opts + `},"uid":"x","nsp":"/","go":{"version":9}}`},
			{requests, `{"type":7,"data":{` + opts + `},"uid":"x","nsp":"/"}`},
			{nodes, `{"type":2,"uid":"x","nsp":""}`}, {nodes, `{"type":2,"uid":"x","go":{"member":{"spaces":5}}}`}, {nodes, `{"type":9,"uid":"x","data":{"packet":["e"]}}`},
			{nodes, `{"type":2,"uid":"x","go":{"member":{"name":"` + strings.Repeat("n", 300) + `","spaces":[]}}}`},
		}
		send := func() {
			for _, b := range bad {
				if err := foe.Publish(b.channel, []byte(b.data)); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		send()
		send()
		want(t, "dropped", n.Stats().Dropped, uint64(2*len(bad)))
		lines := n.log.lines("was dropped")
		for _, line := range lines {
			if !strings.Contains(line, "count=1") {
				t.Errorf("%s", line)
			}
		}
		want(t, "a member has got", m.heard(), "")
		time.Sleep(time.Minute)
		send()
		again := n.log.lines("was dropped")
		want(t, "lines after a minute", len(again), 2*len(lines))
		if len(lines) > 0 && !strings.Contains(again[len(lines)], "count=2") && !strings.Contains(again[len(lines)], "count=3") {
			t.Errorf("the line does not count the others: %s", again[len(lines)])
		}
		good := `{"type":3,"data":{"packet":{"type":2,"data":["good"]},` + opts + `},"uid":"emitter"}`
		if err := foe.Publish(events, []byte(good)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(t, "a member has got", m.heard(), "good")
	})
}

func TestMessagesThatAreTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", &cluster.Options{MaxMessage: 2000}), newNode(t, network, "b", &cluster.Options{MaxMessage: 1000})
		here, there := a.join("a"), b.join("b")
		settled()
		if err := a.emit(strings.Repeat("x", 2000)); !errors.Is(err, cluster.ErrTooLarge) {
			t.Errorf("%v", err)
		}
		want(t, "the member of this node has got it", len(here.heard()), 2000)
		if err := a.emit(strings.Repeat("y", 1000)); err != nil {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		want(t, "the other has got", there.heard(), "")
		want(t, "dropped", b.Stats().Dropped, 1)
	})
}

// An answer with many sockets comes in parts, each of which may come twice.
func TestLargeAnswersComeInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", &cluster.Options{MaxMessage: 8000})
		settled()
		network.Duplicate(0.5)
		for i := range 200 {
			b.join(fmt.Sprint("m", i))
		}
		before := len(b.bus.since(0))
		found, err := a.space.FetchSockets(context.Background(), adapter.Target{})
		want(t, "the error", fmt.Sprint(err), "<nil>")
		want(t, "the sockets", len(found), 200)
		parts := 0
		for _, p := range b.bus.since(before) {
			if p.channel.Class == cluster.ClassNode {
				parts++
			}
		}
		if parts < 10 {
			t.Errorf("%d parts", parts)
		}
	})
}

// A node answers a bounded number of requests at a time.
func TestBoundOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", &cluster.Options{MaxAnswering: 1})
		b.join("b") // which never answers
		settled()
		ask := func() (*adapter.Call, context.Context) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			t.Cleanup(cancel)
			c := adapter.NewCall()
			if err := a.space.BroadcastWithAck(ctx, &adapter.Packet{Message: "q", Call: c, AckID: 1}, adapter.Target{}); err != nil {
				t.Error(err)
			}
			c.Seal()
			return c, ctx
		}
		first, ctx := ask()
		start := time.Now()
		second, ctx2 := ask()
		if _, ok := second.Next(ctx2); ok || second.Err(nil) != nil || time.Since(start) != 0 {
			t.Errorf("a request over the bound: %v, after %v", second.Err(nil), time.Since(start))
		}
		want(t, "dropped", b.Stats().Dropped, 1)
		if _, ok := first.Next(ctx); ok || time.Since(start) < time.Minute-time.Millisecond {
			t.Errorf("the first request ended after %v", time.Since(start))
		}
		synctest.Wait()
		third, ctx3 := ask()
		go third.Close() // it is being answered again: the member is announced
		_, _ = third.Next(ctx3)
		want(t, "dropped", b.Stats().Dropped, 1)
	})
}

func TestBoundOfServerEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", &cluster.Options{MaxServerEvents: 3})
		b.local.block = make(chan struct{})
		settled()
		for range 10 {
			if err := a.space.ServerSideEmit(adapter.Payload{JSON: []byte(`["e"]`)}); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		want(t, "dropped", b.Stats().Dropped, 6) // one runs, three wait
		close(b.local.block)
	})
}
