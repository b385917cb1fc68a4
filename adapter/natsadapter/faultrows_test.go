// SPDX-License-Identifier: MIT

// This file tests rows of the table "What may be lost" of docs/cluster.md.

package natsadapter_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

// throughProxy returns an address of NATS by a proxy.
func throughProxy(t *testing.T, server *natstest.Server) (string, *faultnet.Proxy) {
	proxy, err := faultnet.Listen(server.Addr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return fmt.Sprint("nats://127.0.0.1:", proxy.Port()), proxy
}

// L11: a server can't reach NATS for longer than its lease.
func TestServerIsCutOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		o := natsadapter.Options{Prefix: newPrefix(), Cluster: clusterhost.Brief()}
		url, proxy := throughProxy(t, server)
		here := clusterhost.New(t, "here", modes[mode](server.URL(), &o), "room")
		away := clusterhost.New(t, "away", modes[mode](url, &o), "room")
		clusterhost.Settled(t, []*clusterhost.Host{here, away})
		leave := func() {
			proxy.Refuse(1 << 30)
			proxy.Cut(faultnet.Reset)
		}
		clusterhost.CutOff(t, here, away, leave, func() { proxy.Refuse(0) })
	})
}

// L5: a connection stays open, and takes what is sent, but nothing comes.
func TestDeafConnection(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, "")
	o := natsadapter.Options{Prefix: newPrefix()}
	url, proxy := throughProxy(t, server)
	all := []*clusterhost.Host{
		clusterhost.New(t, "deaf", natsadapter.Core(url, &o), "room"), clusterhost.New(t, "other", natsadapter.Core(server.URL(), &o), "room"),
	}
	clusterhost.Settled(t, all)
	proxy.Stall(faultnet.Down)
	t.Logf("noticed after %v", clusterhost.Eventually(t, "a degraded state", func() bool { return all[0].Health().Degraded != nil }))
	proxy.Heal()
	clusterhost.Settled(t, all)
}

// L13: the user of a server may not subscribe to the subjects of a namespace.
func TestNamespacesAreNotSubscribed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		const users = "authorization { users: [ { user: all, password: secret }, " +
			"{ user: few, password: secret, permissions: { publish: \">\", subscribe: { allow: \">\", deny: %q } } } ] }\n"
		prefix := newPrefix()
		server := natstest.Start(t, natstest.JetStream+fmt.Sprintf(users, prefix+".ns.>"))
		host := func(user string) *clusterhost.Host {
			o := natsadapter.Options{Prefix: prefix, NATS: []nats.Option{nats.UserInfo(user, "secret")}}
			return clusterhost.New(t, user, modes[mode](server.URL(), &o), "room")
		}
		other := host("all")
		clusterhost.Settled(t, []*clusterhost.Host{other})
		clusterhost.DoesNotSubscribe(t, host("few"), []*clusterhost.Host{other}, func() { server.Configure(natstest.JetStream + fmt.Sprintf(users, "nothing")) })
	})
}

// L18: others publish what no server would, to each subject that a server has used.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server, prefix := natstest.Start(t, natstest.JetStream), newPrefix()
		nc, err := nats.Connect(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		var mu sync.Mutex
		subjects := make(map[string]bool)
		if _, err := nc.Subscribe(prefix+".>", func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			subjects[m.Subject] = true
		}); err != nil || nc.Flush() != nil {
			t.Fatal(err)
		}
		all := hosts(t, mode, prefix, natsadapter.LogOptions{}, server.URL(), server.URL())
		clusterhost.Foreign(t, all[0], all[1:], func(data string) {
			mu.Lock()
			defer mu.Unlock()
			for subject := range subjects {
				if err := nc.Publish(subject, []byte(data)); err != nil {
					t.Error(err)
				}
			}
		})
	})
}

// L14: an event is larger than MaxMessage.
func TestEventLargerThanMaxMessage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		o := natsadapter.Options{Prefix: newPrefix(), Cluster: cluster.Options{MaxMessage: 10_000}}
		all := []*clusterhost.Host{clusterhost.New(t, "a", modes[mode](server.URL(), &o)), clusterhost.New(t, "b", modes[mode](server.URL(), &o))}
		clusterhost.Settled(t, all)
		clusterhost.TooLarge(t, all[0], all[1])
	})
}

// L17: a client loses its connection, and comes back.
func TestRecoveryOnItsServer(t *testing.T) {
	t.Parallel()
	server, o := natstest.Start(t, ""), natsadapter.Options{Prefix: newPrefix()}
	clusterhost.ComesBack(t, natsadapter.Core(server.URL(), &o), natsadapter.Core(server.URL(), &o))
}
