// SPDX-License-Identifier: MIT

// This file tests what happens when Redis, or the way to it, fails.

package redisadapter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// The exam with faults of the network between a node and Redis.
func TestNodesWithFaults(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, mode := range modes {
		if testing.Short() && name != "classic" && name != "sharded" && name != "streams" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adaptertest.RunCluster(t, adaptertest.Factory{
				OrderedByChannel: true, Logged: strings.HasPrefix(name, "streams"),
				New: func(t *testing.T) func() adapter.Cluster {
					o := redisadapter.Options{Prefix: newPrefix()}
					return func() adapter.Cluster {
						return clusterhost.NewProxied(t, server.Addr(), func(addr string) *cluster.Cluster { return mode(on(addr), &o) })
					}
				},
				Faults: func(c adapter.Cluster) adaptertest.Faults { return c.(clusterhost.Proxied) },
			})
		})
	}
}

// hosts starts servers in a mode.
func hosts(t testing.TB, mode string, count int, addrs []string, rooms ...string) []*clusterhost.Host {
	return hostsWith(t, mode, newPrefix(), count, on(addrs...), rooms...)
}

// hostsWith starts servers with a prefix.
func hostsWith(t testing.TB, mode, prefix string, count int, redis rueidis.ClientOption, rooms ...string) (all []*clusterhost.Host) {
	for i := range count {
		o := redisadapter.Options{Prefix: prefix}
		all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes[mode](redis, &o), rooms...))
	}
	clusterhost.Settled(t, all)
	return all
}

// each runs a test of faults in the modes that differ.
func each(t *testing.T, run func(t *testing.T, mode string)) {
	for _, mode := range []string{"classic", "pattern", "sharded", "streams"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			run(t, mode)
		})
	}
}

// fails waits until events can't be sent, and checks that each is delivered on its host.
func fails(t testing.TB, all []*clusterhost.Host) {
	t.Helper()
	for _, h := range all {
		clusterhost.Eventually(t, "the error of Emit", func() bool { _, err := h.Emit(""); return errors.Is(err, redisadapter.ErrDown) })
		clusterhost.Eventually(t, "a degraded state", func() bool { return h.Health().Degraded != nil })
	}
}

// Redis is killed and started again: meanwhile the servers serve their own clients and say
// that others do not get their events. Afterwards all is as before.
func TestRedisRestarts(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		all := hosts(t, mode, 3, []string{server.Addr()}, "room", "other")
		for range 2 {
			server.Kill()
			fails(t, all)
			server.Restart()
			t.Logf("events arrive %v after Redis was started again", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		}
	})
}

// The same with Valkey, where it is installed; make test-valkey has all tests with it.
func TestValkeyRestarts(t *testing.T) {
	for _, mode := range []string{"classic", "sharded", "streams"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartValkey(t)
			if server == nil {
				t.Log("not run: Valkey is not installed")
				return
			}
			server.Until("INFO", "server", "server_name:valkey")
			all := hosts(t, mode, 2, []string{server.Addr()}, "room", "other")
			server.Kill()
			fails(t, all)
			server.Restart()
			t.Logf("events arrive %v after Valkey was started again", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		})
	}
}

// Redis is stopped and continues: the same, although no connection breaks at first.
func TestRedisFreezes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		all := hosts(t, mode, 3, []string{server.Addr()}, "room", "other")
		server.Pause()
		began := time.Now()
		fails(t, all)
		t.Logf("noticed after %v", time.Since(began))
		if !testing.Short() {
			<-time.After(20*time.Second - time.Since(began)) // the length of the fault
		}
		server.Resume()
		t.Logf("events arrive %v after Redis continues", clusterhost.Exchange(t, all))
		clusterhost.Settled(t, all)
	})
}

// The connections for subscriptions are ended.
func TestSubscribersAreKilled(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		all := hosts(t, mode, 3, []string{server.Addr()}, "room", "other")
		for range 3 {
			killed := server.Must("CLIENT", "KILL", "TYPE", "pubsub")
			if killed != int64(len(all)) {
				t.Errorf("%v connections were killed, want one for each server", killed)
			}
			t.Logf("events arrive %v later", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		}
	})
}

// Nothing grows with the number of faults.
func TestFaultsLeaveNothing(t *testing.T) {
	server := redistest.Start(t)
	all := hosts(t, "classic", 2, []string{server.Addr()}, "room")
	clusterhost.LeavesNothing(t, all, 5, func() {
		server.Must("CLIENT", "KILL", "TYPE", "pubsub")
		server.Must("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	})
}
