// SPDX-License-Identifier: MIT

// This file tests subscriptions to rooms, and where broadcasts are published.

package cluster_test

import (
	"fmt"
	"strings"
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
