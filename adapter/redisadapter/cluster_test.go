// SPDX-License-Identifier: MIT

// This file tests a Redis Cluster, and what happens to it.

package redisadapter_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// many returns the names of rooms.
func many(count int) (rooms []string) {
	for i := range count {
		rooms = append(rooms, fmt.Sprint("room", i))
	}
	return rooms
}

// The exam over six servers that are a Redis Cluster, and then what can happen to these.
func TestRedisCluster(t *testing.T) {
	servers := redistest.StartCluster(t)
	for _, mode := range []string{"classic", "pattern", "sharded", "streams", "streams sharded"} {
		t.Run("Nodes/"+mode, func(t *testing.T) { runExam(t, modes[mode], servers.Addrs()...) })
	}
	t.Run("Connections", func(t *testing.T) { testConnections(t, servers) })
	for _, mode := range []string{"classic", "sharded", "streams"} {
		t.Run("Peers/"+mode, func(t *testing.T) { testPeers(t, servers, mode) })
	}
	t.Run("DeafMaster", func(t *testing.T) { testDeafMaster(t, servers) })
	for _, mode := range []string{"classic", "sharded", "streams"} {
		t.Run("SlotMoves/"+mode, func(t *testing.T) { testSlotMoves(t, servers, mode) })
	}
	for i, mode := range []string{"classic", "sharded", "streams"} {
		t.Run("Promotion/"+mode, func(t *testing.T) { testPromotion(t, servers, mode, i) })
		t.Run("DeadMaster/"+mode, func(t *testing.T) { testDeadMaster(t, servers, mode, i) })
	}
}

// A sharded host has one connection for subscriptions to each master.
func testConnections(t *testing.T, servers *redistest.Cluster) {
	hosts(t, "sharded", 2, servers.Addrs()[:1], many(50)...)
	for i, s := range servers.Servers[:3] {
		if killed := s.Must("CLIENT", "KILL", "TYPE", "pubsub"); killed != int64(2) {
			t.Errorf("master %d has %v connections for subscriptions, want one for each host", i, killed)
		}
	}
}

// The slots of rooms move to other servers, under traffic. Nothing arrives twice or out of
// order; the test fails if it does. Classic loses none for which Emit has returned nil.
// Sharded channels do: a subscription ends with the move, and the new server takes none
// before. A stream does if more is added meanwhile than it keeps, and says so.
func testSlotMoves(t *testing.T, servers *redistest.Cluster, mode string) {
	rooms := many(10)
	prefix := newPrefix()
	all := hostsWith(t, mode, prefix, 3, on(servers.Addrs()...), rooms...)
	move := append(rooms[:3:3], "")
	if mode == "streams" {
		move = move[3:] // all have one stream
	}
	refused := make(map[*clusterhost.Host]int)
	for _, room := range move {
		channel := prefix + "#/#" // of the namespace
		switch {
		case mode == "streams":
			channel = prefix // the stream
		case room != "":
			channel += room + "#"
		}
		slot := servers.Slot(channel)
		to := servers.Servers[0]
		if servers.Master(slot) == to {
			to = servers.Servers[1]
		}
		moved := make(chan struct{})
		go func() { // ends with the migration
			defer close(moved)
			servers.MoveSlot(slot, to)
		}()
		pace := time.NewTicker(time.Millisecond) // a stream keeps everything for later
		for done := false; !done; {
			select {
			case <-moved:
				done = true
			case <-pace.C:
				for _, h := range all {
					for name := range h.Sent {
						if _, err := h.Emit(name); err != nil {
							refused[h]++
						}
					}
				}
			}
		}
		pace.Stop()
		t.Logf("events arrive %v after the slot of %q has moved", clusterhost.Exchange(t, all), room)
	}
	clusterhost.Settled(t, all)
	for _, h := range all {
		known := 0
		for from, n := range refused {
			if from != h {
				known += n
			}
		}
		lost, gaps := h.Lost(), h.Stats().Gaps
		if mode == "streams" {
			t.Logf("%s has not received %d events, %d of which Emit has refused, and found %d gaps", h.Name, lost, known, gaps)
		}
		if lost > known && (mode == "classic" || mode == "streams" && gaps == 0) {
			t.Errorf("%s has not received %d events, %d of which Emit has refused, and has found %d gaps", h.Name, lost, known, gaps)
		}
	}
}

// A replica takes over from its master, which lives on as a replica.
func testPromotion(t *testing.T, servers *redistest.Cluster, mode string, i int) {
	all := hosts(t, mode, 3, servers.Addrs(), many(10)...)
	servers.Promote(servers.Servers[i+3])
	t.Logf("events arrive %v after a promotion", clusterhost.Exchange(t, all))
	clusterhost.Settled(t, all)
}

// A master dies; its replica takes over after a while. The channels of the other masters
// work all the time.
func testDeadMaster(t *testing.T, servers *redistest.Cluster, mode string, i int) {
	all := hosts(t, mode, 3, servers.Addrs(), many(10)...)
	master := servers.Servers[i+3]
	master.Kill()
	t.Logf("events arrive %v after the death of a master", clusterhost.Exchange(t, all))
	clusterhost.Settled(t, all)
	master.Restart()
	clusterhost.Settled(t, all)
}

// Servers in Node.js are counted by their subscriptions, at whichever server these are.
func testPeers(t *testing.T, servers *redistest.Cluster, mode string) {
	prefix := newPrefix()
	all := hostsWith(t, mode, prefix, 2, on(servers.Addrs()...))
	command, channel := "SUBSCRIBE", prefix+"-request#/#"
	if mode == "streams" {
		channel = prefix + "#/#"
	}
	at := servers.Servers[:3]
	if mode == "sharded" {
		command, channel = "SSUBSCRIBE", prefix+"#/#"
		at = []*redistest.Server{servers.Master(servers.Slot(channel))}
	}
	for i, s := range at {
		peer, err := redistest.Dial(s.Addr())
		if err == nil {
			_, err = peer.Do(command, channel)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		for _, h := range all {
			clusterhost.Eventually(t, "the number of servers", func() bool {
				ctx, cancel := context.WithTimeout(context.Background(), clusterhost.Limit)
				defer cancel()
				n, err := h.Space.ServerCount(ctx)
				return err == nil && n == len(all)+i+1
			})
		}
	}
}
