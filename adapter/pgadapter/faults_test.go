// SPDX-License-Identifier: MIT

// This file tests what happens when Postgres, or the way to it, fails.

package pgadapter_test

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

// throughProxy returns the configuration of connections by a proxy of their own.
func throughProxy(t *testing.T, server *pgtest.Server) (*pgx.ConnConfig, *faultnet.Proxy) {
	proxy, err := faultnet.Listen(server.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return server.ConfigOf("postgres", net.JoinHostPort("127.0.0.1", strconv.Itoa(proxy.Port()))), proxy
}

// The exam with faults of the network between a node and Postgres.
func TestNodesWithFaults(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, mode := range modes {
		if testing.Short() && name != "outbox" {
			continue // its connections are those of both
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adaptertest.RunCluster(t, adaptertest.Factory{
				Logged: name == "outbox",
				New: func(t *testing.T) func() adapter.Cluster {
					o := options(newPrefix())
					if testing.Short() {
						o.Cluster.Heartbeat, o.Cluster.Lease = time.Second, 6*time.Second
					}
					return func() adapter.Cluster {
						return clusterhost.NewProxied(t, server.Addr(), func(addr string) *cluster.Cluster {
							return mode(server.ConfigOf("postgres", addr), o)
						})
					}
				},
				Faults: func(c adapter.Cluster) adaptertest.Faults { return c.(clusterhost.Proxied) },
			})
		})
	}
}

// hosts starts servers in a mode.
func hosts(t testing.TB, mode string, count int, postgres *pgx.ConnConfig, rooms ...string) (all []*clusterhost.Host) {
	o := options(newPrefix())
	for i := range count {
		all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes[mode](postgres, o), rooms...))
	}
	clusterhost.Settled(t, all)
	return all
}

// each runs a test of faults in each mode, in short in the one whose connections are those
// of both.
func each(t *testing.T, run func(t *testing.T, mode string)) {
	for mode := range modes {
		if testing.Short() && mode != "outbox" {
			continue
		}
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
		clusterhost.Eventually(t, "the error of Emit", func() bool { _, err := h.Emit(""); return errors.Is(err, pgadapter.ErrDown) })
		clusterhost.Eventually(t, "a degraded state", func() bool { return h.Health().Degraded != nil })
	}
}

// Postgres is killed and started again: meanwhile the servers serve their own clients and
// say that others do not get their events. Afterwards all is as before.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := pgtest.Start(t)
		all := hosts(t, mode, 3, server.Config(), "room", "other")
		for range 2 {
			server.Kill()
			fails(t, all)
			server.Restart()
			t.Logf("events arrive %v after Postgres was started again", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		}
	})
}

// Postgres is stopped and continues: the same, although no connection breaks at first.
func TestPostgresFreezes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := pgtest.Start(t)
		all := hosts(t, mode, 3, server.Config(), "room", "other")
		server.Pause()
		began := time.Now()
		fails(t, all)
		t.Logf("noticed after %v", time.Since(began))
		if !testing.Short() {
			<-time.After(20*time.Second - time.Since(began)) // the length of the fault
		}
		server.Resume()
		t.Logf("events arrive %v after Postgres continues", clusterhost.Exchange(t, all))
		clusterhost.Settled(t, all)
	})
}

// killConnections ends the connections of all servers whose last statement is like one, and
// returns how many there were.
func killConnections(server *pgtest.Server, like string) (count int) {
	server.Must(&count, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'socket.io' AND query LIKE $1`, like)
	return count
}

// Each kind of connection is ended by an administrator.
func TestConnectionsAreTerminated(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := pgtest.Start(t)
		all := hosts(t, mode, 2, server.Config(), "room")
		for _, like := range []string{"LISTEN%", "%pg_notify%", "%"} {
			if like == "LISTEN%" {
				killConnections(server, like) // none while logs are read
			} else { // a connection may be at another statement for a moment
				clusterhost.Eventually(t, "a connection at "+like, func() bool { return killConnections(server, like) > 0 })
			}
			t.Logf("events arrive %v later", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		}
	})
}

// Nothing grows with the number of faults.
func TestFaultsLeaveNothing(t *testing.T) { // not beside others: it counts goroutines
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			server := pgtest.Start(t)
			all := hosts(t, mode, 2, server.Config(), "room")
			clusterhost.LeavesNothing(t, all, 5, func() { killConnections(server, "%") }, readsInBackground)
		})
	}
}

// readsInBackground is what starts a goroutine of pgx. After a write that took long, as on a
// busy machine, it reads, and may wait for the next bytes of an idle connection.
const readsInBackground = "bgreader.(*BGReader).Start"
