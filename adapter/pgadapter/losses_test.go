// SPDX-License-Identifier: MIT

// This file tests rows of the table "What may be lost" of docs/cluster.md.

package pgadapter_test

import (
	"fmt"
	"strings"
	"testing"

	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

// inBoth runs a test in each mode.
func inBoth(t *testing.T, run func(t *testing.T, mode string, server *pgtest.Server)) {
	t.Parallel()
	server := pgtest.Start(t)
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			run(t, mode, server)
		})
	}
}

// L11: a server can't reach Postgres for longer than its lease.
func TestServerIsCutOff(t *testing.T) {
	inBoth(t, func(t *testing.T, mode string, server *pgtest.Server) {
		o := options(newPrefix())
		o.Cluster = clusterhost.Brief()
		config, proxy := throughProxy(t, server)
		here := clusterhost.New(t, "here", modes[mode](server.Config(), o), "room")
		way := clusterhost.Proxied{Cluster: modes[mode](config, o), Proxy: proxy}
		away := clusterhost.New(t, "away", way.Cluster, "room")
		clusterhost.Settled(t, []*clusterhost.Host{here, away})
		clusterhost.CutOff(t, here, away, way.Break, way.Mend)
	})
}

// L5: the connections stay open, and take what is sent, but nothing comes.
func TestDeafConnections(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	o := options(newPrefix())
	config, proxy := throughProxy(t, server)
	all := []*clusterhost.Host{
		clusterhost.New(t, "deaf", modes["notify"](config, o), "room"), clusterhost.New(t, "other", modes["notify"](server.Config(), o), "room"),
	}
	clusterhost.Settled(t, all)
	proxy.Stall(faultnet.Down)
	t.Logf("noticed after %v", clusterhost.Eventually(t, "a degraded state", func() bool { return all[0].Health().Degraded != nil }))
	proxy.Heal()
	clusterhost.Settled(t, all)
}

// L14: an event is larger than MaxMessage.
func TestEventIsTooLarge(t *testing.T) {
	inBoth(t, func(t *testing.T, mode string, server *pgtest.Server) {
		o := options(newPrefix())
		o.Cluster.MaxMessage = 10_000
		var all []*clusterhost.Host
		for i := range 2 {
			all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes[mode](server.Config(), o)))
		}
		clusterhost.Settled(t, all)
		clusterhost.TooLarge(t, all[0], all[1])
	})
}

// L18: others notify what no server would, on the channels of servers.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	o := options(newPrefix())
	var all []*clusterhost.Host
	for i := range 2 {
		all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes["notify"](server.Config(), o)))
	}
	clusterhost.Settled(t, all)
	clusterhost.Foreign(t, all[0], all[1:], func(data string) {
		data = strings.ToValidUTF8(data, "?") // Postgres takes nothing else
		for _, channel := range []string{o.Prefix + "#/", o.Prefix + "-nodes"} {
			if err := server.Query(nil, "SELECT pg_notify($1, $2)", channel, data); err != nil {
				t.Error(err)
			}
		}
	})
}

// L17: a client loses its connection, and comes back.
func TestRecoveryOnItsServer(t *testing.T) {
	t.Parallel()
	server, o := pgtest.Start(t), options(newPrefix())
	clusterhost.ComesBack(t, modes["notify"](server.Config(), o), modes["notify"](server.Config(), o))
}
