// SPDX-License-Identifier: MIT

// This file tests that servers receive what they need, and little else.

package redisadapter_test

import (
	"fmt"
	"testing"

	"socketio/adapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// perUseful is how many messages a server may receive for one that it needs.
const perUseful = 1.05

// Of 100 rooms each of four servers has 25. Events to single rooms reach the servers that
// have the room. Where all rooms share a channel, they reach all servers, as in Node.js.
func TestServersReceiveTheirRooms(t *testing.T) {
	const servers, each, events = 4, 25, 4
	redis := redistest.Start(t)
	for mode, routed := range map[string]bool{"classic": true, "sharded": true, "sharded private": true, "pattern": false, "sharded static": false} {
		t.Run(mode, func(t *testing.T) {
			all := hosts(t, mode, servers, []string{redis.Addr()})
			var rooms []string
			for i, h := range all {
				own := make([]string, each)
				for k := range own {
					own[k] = fmt.Sprintf("room %d of %s", k, h.Name)
				}
				rooms = append(rooms, own...)
				h.Space.Join(h, own)
				if err := h.Space.(adapter.JoinWaiter).WaitJoined(own); err != nil {
					t.Fatalf("host %d: %v", i, err)
				}
			}
			clusterhost.Settled(t, all)
			before := make([]uint64, 0, 2*servers)
			for _, h := range all {
				s := h.Stats()
				before = append(before, s.Received, s.Useful)
			}
			for n := range events {
				for _, room := range rooms {
					for _, h := range all {
						p := &adapter.Packet{Message: fmt.Sprintf("%s/%s/%d", h.Name, room, n+1)}
						if _, err := h.Space.Broadcast(p, adapter.Target{Rooms: []string{room}}); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			clusterhost.Exchange(t, all)
			var received, useful uint64
			for i, h := range all {
				s := h.Stats()
				received += s.Received - before[2*i]
				useful += s.Useful - before[2*i+1]
			}
			ratio := float64(received) / float64(useful)
			t.Logf("%s: %d messages received, %d useful: %.3f for each", mode, received, useful, ratio)
			if least := uint64(servers * each * events * (servers - 1)); useful < least {
				t.Errorf("%d messages were useful, want at least %d", useful, least)
			}
			if routed != (ratio <= perUseful) {
				t.Errorf("%.3f messages were received for each that was useful; at most %v is %v", ratio, perUseful, routed)
			}
		})
	}
}
