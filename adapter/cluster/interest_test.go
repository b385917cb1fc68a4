// SPDX-License-Identifier: MIT

// This file tests subscriptions to rooms, and where broadcasts are published.

package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A room that is left and joined within a second causes no traffic.
func TestLeaveAndJoinCauseNoTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", nil)
		m := n.join("m", "room")
		settled()
		subscribe, unsubscribe := n.bus.calls()
		for range 20 {
			n.space.Leave(m, "room")
			time.Sleep(900 * time.Millisecond)
			n.space.Join(m, []string{"room"})
			if err := n.space.(adapter.JoinWaiter).WaitJoined([]string{"room"}); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		s, u := n.bus.calls()
		want(t, "calls", fmt.Sprint(s, u), fmt.Sprint(subscribe, unsubscribe))
		channels := network.Subscriptions(n.bus.Node)
		n.space.Leave(m, "room")
		time.Sleep(1100 * time.Millisecond)
		want(t, "channels", network.Subscriptions(n.bus.Node), channels-1)
		n.space.Join(m, []string{"room"})
		settled()
		want(t, "channels", network.Subscriptions(n.bus.Node), channels)
	})
}

// A room that is joined and left again and again does not keep others subscribed.
func TestRoomThatComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", nil)
		m := n.join("m", "restless", "other")
		settled()
		channels := network.Subscriptions(n.bus.Node)
		n.space.Leave(m, "restless")
		n.space.Leave(m, "other")
		for i := range 100 {
			time.Sleep(300 * time.Millisecond)
			n.space.Join(m, []string{"restless"})
			n.space.Leave(m, "restless")
			if i == 4 {
				want(t, "channels after 1.5 s", network.Subscriptions(n.bus.Node), channels-1)
			}
		}
		time.Sleep(1100 * time.Millisecond)
		want(t, "channels, when it has gone too", network.Subscriptions(n.bus.Node), channels-2)
	})
}

// A slowBus takes its time to unsubscribe from a room.
type slowBus struct {
	*recorder
	slow func() // before it unsubscribes
}

func (b slowBus) Unsubscribe(channels []cluster.Channel) {
	for _, c := range channels {
		if c.Name == "room" {
			b.slow()
		}
	}
	b.recorder.Unsubscribe(channels)
}

// A namespace that ends while it unsubscribes from a room does not unsubscribe the one that is
// made next from its room of the same name.
func TestNextNamespaceKeepsItsRooms(t *testing.T) {
	network := membus.New(1)
	next := make(chan adapter.Adapter, 1)
	var n *testNode
	var once sync.Once
	bus := slowBus{recorder: &recorder{Node: network.Node("a")}, slow: func() {
		once.Do(func() {
			made := make(chan struct{})
			go func() { // ends when the next namespace is there
				defer close(made)
				_ = n.space.Close()
				space := n.Adapter(&local{nsp: "/"})
				m := &member{id: "m", space: space}
				space.Add(m, []string{"room"})
				_ = space.(adapter.JoinWaiter).WaitJoined([]string{"room"})
				next <- space
			}()
			select {
			case <-made:
			case <-time.After(100 * time.Millisecond): // it waits for this call
			}
		})
	}}
	n = openNode(t, "a", bus.recorder, bus, &cluster.Options{Linger: time.Millisecond})
	m := n.join("m", "room")
	if err := n.space.(adapter.JoinWaiter).WaitJoined([]string{"room"}); err != nil {
		t.Fatal(err)
	}
	n.space.Leave(m, "room")
	n.space = <-next
	_ = n.space.(adapter.JoinWaiter).WaitJoined([]string{"room"})
	want(t, "channels", network.Subscriptions(bus.Node), 6)
}

func TestRoomsAreSubscribedInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		n := newNode(t, network, "a", nil)
		settled()
		before, _ := n.bus.calls()
		rooms := make([]string, 2000)
		for i := range rooms {
			rooms[i] = fmt.Sprint("room", i)
		}
		m := n.join("an id of twenty unit", rooms...)
		settled()
		after, _ := n.bus.calls()
		want(t, "calls for 2000 rooms", after-before, 4)
		want(t, "channels", network.Subscriptions(n.bus.Node), 4+len(rooms))
		n.space.Remove(m)
		time.Sleep(2 * time.Second)
		want(t, "channels", network.Subscriptions(n.bus.Node), 4)
		_ = n.space.Close()
		want(t, "channels after the namespace", network.Subscriptions(n.bus.Node), 1)
	})
}

// Each mode publishes and subscribes as the mode of Node.js does.
func TestRoutes(t *testing.T) {
	const id = "an id of twenty unit"
	for mode, test := range map[cluster.RoomMode]struct{ room, private, channels string }{
		cluster.RoomsSeparate:   {"room", "all", "short id room"},
		cluster.RoomsAndSockets: {"room", "room", id + " room short id"},
		cluster.RoomsTogether:   {"all", "all", ""},
		cluster.RoomsByPattern:  {"room", "room", "*"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNode(t, membus.New(1), "a", &cluster.Options{Rooms: mode})
			n.join(id, "room")
			n.join("short id")
			settled()
			before := len(n.bus.since(0))
			for _, rooms := range [][]string{nil, {"room"}, {id}, {"room", "other"}} {
				if err := n.emit("e", rooms...); err != nil {
					t.Error(err)
				}
			}
			var to []string
			for _, p := range n.bus.since(before) {
				switch p.channel.Class {
				case cluster.ClassEvents:
					to = append(to, "all")
				case cluster.ClassRoom:
					to = append(to, "room")
				}
			}
			want(t, fmt.Sprint("mode ", mode, ": published to"), strings.Join(to, " "), strings.Join([]string{"all", test.room, test.private, "all"}, " "))
			rooms := make(map[string]bool)
			for _, channels := range n.bus.subscribed {
				for _, c := range channels {
					switch c.Class {
					case cluster.ClassRoom:
						rooms[c.Name] = true
					case cluster.ClassAnyRoom:
						rooms["*"] = true
					}
				}
			}
			for room := range rooms {
				if !strings.Contains(test.channels, room) {
					t.Errorf("mode %d: %q is subscribed", mode, room)
				}
			}
			want(t, fmt.Sprint("mode ", mode, ": rooms subscribed"), len(rooms), map[cluster.RoomMode]int{0: 2, 1: 3, 2: 0, 3: 1}[mode])
		})
	}
}

// A message to a room that nobody here is in any longer is not even read.
func TestRoomsOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", &cluster.Options{Rooms: cluster.RoomsByPattern}), newNode(t, network, "b", &cluster.Options{Rooms: cluster.RoomsByPattern})
		settled()
		before := b.Stats()
		for range 10 {
			_ = a.emit("e", "nobody's")
		}
		synctest.Wait()
		after := b.Stats()
		want(t, "received", after.Received-before.Received, 10)
		want(t, "useful and dropped", after.Useful-before.Useful+after.Dropped-before.Dropped, 0)
	})
}

// A namespace whose channels can't be subscribed makes the cluster degraded. It is tried
// again, less and less often.
func TestChannelsThatCanNotBeSubscribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a := newNode(t, network, "a", nil)
		b := &testNode{TB: t, bus: &recorder{Node: network.Node("b")}, log: new(logText), local: &local{nsp: "/"}}
		refusal := errors.New("no permission")
		b.bus.Refuse(func(c cluster.Channel) error {
			if c.Class == cluster.ClassRequests {
				return refusal
			}
			return nil
		})
		b = openNode(t, "b", b.bus, b.bus, nil)
		m := b.join("m")
		settled()
		want(t, "b's reason", errors.Is(b.Health().Degraded, refusal), true)
		want(t, "a does not know b", a.count(a.space), 1)
		before, _ := b.bus.calls()
		time.Sleep(time.Minute)
		after, _ := b.bus.calls()
		if tries := after - before; tries < 10 || tries > 20 {
			t.Errorf("%d attempts in a minute", tries)
		}
		b.bus.Refuse(nil)
		time.Sleep(6 * time.Second)
		want(t, "b's reason", b.Health().Degraded, nil)
		want(t, "a knows b", a.count(a.space), 2)
		_ = a.emit("e")
		synctest.Wait()
		want(t, "the member got", m.heard(), "e")
		want(t, "what the server was told", b.health(), "cluster: the channels of a namespace can't be subscribed: no permission; <nil>")
		b.bus.Refuse(func(cluster.Channel) error { return refusal })
		other := b.Adapter(&local{nsp: "/other"})
		settled()
		want(t, "degraded by another namespace", errors.Is(b.Health().Degraded, refusal), true)
		_ = other.Close()
		time.Sleep(6 * time.Second)
		want(t, "which has ended", b.Health().Degraded, nil)
	})
}

// A room that can't be subscribed does not affect the others. It is tried again while it
// has members.
func TestRoomsThatCanNotBeSubscribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		a, b := newNode(t, network, "a", nil), newNode(t, network, "b", nil)
		settled()
		refusal := errors.New("no permission")
		b.bus.Refuse(func(c cluster.Channel) error {
			if strings.HasPrefix(c.Name, "bad") {
				return refusal
			}
			return nil
		})
		rooms := []string{"bad 1", "bad 2"}
		for i := range 100 {
			rooms = append(rooms, fmt.Sprint("good ", i))
		}
		m := b.join("m", rooms...)
		time.Sleep(time.Second)
		waiter := b.space.(adapter.JoinWaiter)
		want(t, "good rooms", waiter.WaitJoined(rooms[2:]), nil)
		start := time.Now()
		want(t, "a bad room", waiter.WaitJoined(rooms[:1]), adapter.ErrDegraded)
		want(t, "how long it waited", time.Since(start), time.Second)
		want(t, "the cluster is degraded", b.Health().Degraded, nil)
		_ = a.emit("good", "good 7")
		_ = a.emit("bad", "bad 1")
		synctest.Wait()
		want(t, "the member got", m.heard(), "good")
		want(t, "lines of the log", len(b.log.lines("rooms are not subscribed")), 1)
		before, _ := b.bus.calls()
		time.Sleep(50 * time.Second)
		after, _ := b.bus.calls()
		if tries := after - before; tries < 15 || tries > 30 {
			t.Errorf("%d attempts with 2 rooms in 50 s", tries)
		}
		b.space.Leave(m, "bad 2")
		b.bus.Refuse(nil)
		time.Sleep(6 * time.Second)
		want(t, "the bad room", waiter.WaitJoined(rooms[:1]), nil)
		_ = a.emit("again", "bad 1")
		synctest.Wait()
		want(t, "the member got", m.heard(), "good again")
		channels := network.Subscriptions(b.bus.Node)
		b.space.Leave(m, "bad 1")
		time.Sleep(2 * time.Second)
		want(t, "channels", network.Subscriptions(b.bus.Node), channels-1)
	})
}

// A node may be known to others before it has found the end of a log. A join waits until
// then, so that it misses nothing that is appended later.
func TestJoinsWaitForTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := membus.New(1)
		open := func(name string) *testNode {
			r := &recorder{Node: network.Node(name)}
			return openNode(t, name, r, membus.WithLog{Node: r.Node}, &cluster.Options{Rooms: cluster.RoomsTogether})
		}
		a := open("a")
		settled()
		for name, test := range map[string]struct {
			opens, takes time.Duration
			want         error
		}{
			"at once": {0, 0, nil},
			"soon":    {700 * time.Millisecond, 700 * time.Millisecond, nil},
			"late":    {3 * time.Second, time.Second, adapter.ErrDegraded},
		} {
			network.Confirm(test.opens)
			b := open(name)
			m, start := b.join("m", "room"), time.Now()
			want(t, name, b.space.(adapter.JoinWaiter).WaitJoined([]string{"room"}), test.want)
			want(t, name+": how long it waited", time.Since(start), test.takes)
			_ = a.emit(name, "room")
			settled()
			want(t, name+": the member got", m.heard() == name, test.want == nil)
			time.Sleep(3 * time.Second)
			want(t, name+": later", b.space.(adapter.JoinWaiter).WaitJoined([]string{"room"}), nil)
		}
	})
}
