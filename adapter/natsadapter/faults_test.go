// SPDX-License-Identifier: MIT

// This file tests what happens when NATS fails.

package natsadapter_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
	"socketio/internal/tether"
)

// hosts starts servers in a mode, each at one of urls.
func hosts(t testing.TB, mode, prefix string, l natsadapter.LogOptions, urls ...string) (all []*clusterhost.Host) {
	for i, url := range urls {
		o := natsadapter.Options{Prefix: prefix, Log: l}
		all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes[mode](url, &o), "room", "other"))
	}
	clusterhost.Settled(t, all)
	return all
}

// each runs a test in the modes that differ.
func each(t *testing.T, run func(t *testing.T, mode string)) {
	for _, mode := range []string{"core", "JetStream"} {
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
		clusterhost.Eventually(t, "the error of Emit", func() bool { _, err := h.Emit(""); return errors.Is(err, natsadapter.ErrDown) })
		clusterhost.Eventually(t, "a degraded state", func() bool { return h.Health().Degraded != nil })
	}
}

// NATS is killed and started again: meanwhile the servers serve their own clients and say
// that others do not get their events. Afterwards all is as before.
func TestNATSRestarts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		all := hosts(t, mode, newPrefix(), natsadapter.LogOptions{}, server.URL(), server.URL(), server.URL())
		for range 2 {
			server.Kill()
			fails(t, all)
			server.Restart()
			t.Logf("events arrive %v after NATS was started again", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		}
	})
}

// NATS is stopped and continues: the same, although no connection breaks at first.
func TestNATSFreezes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		all := hosts(t, mode, newPrefix(), natsadapter.LogOptions{}, server.URL(), server.URL(), server.URL())
		server.Pause()
		began := time.Now()
		fails(t, all)
		t.Logf("noticed after %v", time.Since(began))
		if !testing.Short() {
			<-time.After(20*time.Second - time.Since(began)) // the length of the fault
		}
		server.Resume()
		t.Logf("events arrive %v after NATS continues", clusterhost.Exchange(t, all))
		clusterhost.Settled(t, all)
	})
}

// One of three NATS servers is killed, another leaves as a lame duck, the leader of the
// stream is frozen, all are killed and started again. Servers in Go go to the others.
func TestThreeServers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		servers, prefix := natsadapter.StartThree(t), newPrefix()
		var urls []string
		for i := range servers {
			urls = append(urls, natstest.URLs(append(servers[i:i+1:i+1], servers...))) // the own one at first, mostly
		}
		all := hosts(t, mode, prefix, natsadapter.LogOptions{Replicas: 3}, urls...)
		leader := func() *natstest.Server {
			if mode == "core" {
				return servers[0]
			}
			return natsadapter.LeaderOf(t, servers, prefix)
		}
		for _, fault := range []struct {
			name      string
			begin     func(s *natstest.Server)
			end       func(s *natstest.Server)
			longForms bool
		}{
			{"kill", (*natstest.Server).Kill, (*natstest.Server).Restart, false},
			{"lame duck", (*natstest.Server).LameDuck, func(s *natstest.Server) { s.Kill(); s.Restart() }, false},
			{"freeze", (*natstest.Server).Pause, (*natstest.Server).Resume, true},
		} {
			if testing.Short() && fault.longForms {
				continue
			}
			s := leader()
			fault.begin(s)
			t.Logf("%s: events arrive %v later", fault.name, clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
			fault.end(s)
			natsadapter.WaitForStreams(t, servers, 3)
			clusterhost.Settled(t, all)
		}
		if testing.Short() && mode != "core" {
			return
		}
		for _, s := range servers {
			s.Kill()
		}
		fails(t, all)
		began := time.Now()
		for _, s := range servers {
			s.Restart()
		}
		restarted := time.Now()
		clusterhost.Exchange(t, all)
		t.Logf("events arrive %v after all were started again, which took %v", time.Since(restarted), restarted.Sub(began))
		clusterhost.Settled(t, all)
	})
}

// One server in Go is at a NATS server, and another at a leaf node of it. The JetStream of the
// hub has a domain; the leaf has none, or one in a domain of its own. The hub is killed and
// started again.
func TestLeafNode(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, mode, hub, leaf, domain string }{
		{"core", "core", "", "", ""},
		{"JetStream", "JetStream", inDomain("hub"), "", "hub"},
		{"domains", "JetStream", inDomain("hub"), inDomain("leaf"), "hub"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			port, err := tether.FreePort()
			if err != nil {
				t.Fatal(err)
			}
			hub := natstest.Start(t, row.hub+fmt.Sprintf("leafnodes { listen: \"127.0.0.1:%d\" }\n", port))
			leaf := natstest.Start(t, row.leaf+fmt.Sprintf("leafnodes { remotes: [{ url: \"nats-leaf://127.0.0.1:%d\" }] }\n", port))
			all := hosts(t, row.mode, newPrefix(), natsadapter.LogOptions{Domain: row.domain}, hub.URL(), leaf.URL())
			sent := map[string]map[string]int{all[0].Name: maps.Clone(all[0].Sent), all[1].Name: maps.Clone(all[1].Sent)}
			for range 100 {
				for _, h := range all {
					if _, err := h.Emit("room"); err != nil {
						t.Errorf("Emit: %v", err)
					}
				}
			}
			clusterhost.Exchange(t, all)
			for _, h := range all {
				holes, _ := h.Holes(all) // without what Emit has refused while the hosts came to know each other
				for _, hole := range holes {
					if hole.Before > sent[hole.From][hole.Stream] {
						t.Errorf("%s lacks %d events of %s that Emit has taken, after %d", h.Name, hole.Lacking, hole.From, hole.After)
					}
				}
			}
			hub.Kill()
			clusterhost.Eventually(t, "the error of Emit", func() bool { _, err := all[0].Emit(""); return errors.Is(err, natsadapter.ErrDown) })
			hub.Restart()
			t.Logf("events arrive %v after the hub was started again", clusterhost.Exchange(t, all))
			clusterhost.Settled(t, all)
		})
	}
}

// inDomain is the configuration of a JetStream in a domain.
func inDomain(name string) string {
	return strings.Replace(natstest.JetStream, "jetstream {", "jetstream { domain: "+name+",", 1)
}

// Nothing grows with the number of faults.
func TestFaultsLeaveNothing(t *testing.T) {
	for _, mode := range []string{"core", "JetStream"} {
		t.Run(mode, func(t *testing.T) {
			server := natstest.Start(t, natstest.JetStream)
			all := hosts(t, mode, newPrefix(), natsadapter.LogOptions{}, server.URL(), server.URL())
			clusterhost.LeavesNothing(t, all, 3, func() {
				server.Kill()
				fails(t, all)
				server.Restart()
			})
		})
	}
}
