// SPDX-License-Identifier: MIT

// This file tests a Redis Cluster, and what happens to it.

package redisadapter_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
						_, _ = h.Emit(name) // returns an error while a stream moves
					}
				}
			}
		}
		pace.Stop()
		t.Logf("events arrive %v after the slot of %q has moved", clusterhost.Exchange(t, all), room)
	}
	clusterhost.Settled(t, all)
	for _, h := range all {
		if mode != "sharded" {
			explainHoles(t, h, all, mode == "streams")
		}
	}
}

// explainHoles checks that a host lacks no event for which Emit has returned nil, except what
// docs/cluster.md allows, of which each must be told:
//   - The log was trimmed before the host had read it. Each of the gaps in Stats can be one
//     hole in the events of a stream.
//   - Without a log, the connection of the host was silent for too long. The host was degraded
//     then, between the events on both sides of the hole. That a slot has moved is no reason.
//   - The sender has lost it with its connection: Stats.Lost counts each.
func explainHoles(t *testing.T, h *clusterhost.Host, all []*clusterhost.Host, log bool) {
	t.Helper()
	holes, refused := h.Holes(all)
	slices.SortStableFunc(holes, func(a, b clusterhost.Hole) int { return b.Lacking - a.Lacking })
	type stream struct{ from, name string }
	trimmed, lost := make(map[stream]uint64), make(map[string]int)
	lacks, gaps := 0, h.Stats().Gaps
	for _, hole := range holes {
		lacks += hole.Lacking
		s := stream{hole.From, hole.Stream}
		switch {
		case log && trimmed[s] < gaps:
			trimmed[s]++
		case !log && h.Degraded(hole, silent):
		default:
			lost[hole.From] += hole.Lacking
		}
	}
	t.Logf("%s lacks %d events that Emit has refused and %d others, and found %d gaps", h.Name, refused, lacks, gaps)
	for _, from := range all {
		if n, told := lost[from.Name], from.Stats().Lost; uint64(n) > told {
			t.Errorf("%s lacks %d events of %s that Emit has taken, and nothing says why; %d were lost with a connection", h.Name, n, from.Name, told)
		}
	}
}

// silent reports whether a host is degraded because Redis, or the machine, was too slow.
func silent(why error) bool {
	texts := []string{"i/o timeout", "deadline exceeded", "messages do not arrive", "does not deliver this node's own heartbeats"}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(why.Error(), text) })
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
