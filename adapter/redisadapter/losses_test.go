// SPDX-License-Identifier: MIT

// This file tests rows of the table "What may be lost" of docs/cluster.md.

package redisadapter_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

// lossyModes are those that differ in their commands.
var lossyModes = []string{"classic", "sharded", "streams"}

// onModes runs a test in each of some modes, on one server.
func onModes(t *testing.T, some []string, run func(t *testing.T, mode string, server *redistest.Server)) {
	t.Parallel()
	server := redistest.Start(t)
	for _, mode := range some {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			run(t, mode, server)
		})
	}
}

// L11: a server can't reach Redis for longer than its lease.
func TestServerIsCutOff(t *testing.T) {
	onModes(t, lossyModes, func(t *testing.T, mode string, server *redistest.Server) {
		proxy, err := faultnet.Listen(server.Addr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		o := redisadapter.Options{Prefix: newPrefix(), Cluster: clusterhost.Brief()}
		here := clusterhost.New(t, "here", modes[mode](on(server.Addr()), &o), "room")
		way := clusterhost.Proxied{Cluster: modes[mode](on(net.JoinHostPort("127.0.0.1", strconv.Itoa(proxy.Port()))), &o), Proxy: proxy}
		away := clusterhost.New(t, "away", way.Cluster, "room")
		clusterhost.Settled(t, []*clusterhost.Host{here, away})
		clusterhost.CutOff(t, here, away, way.Break, way.Mend)
	})
}

// as returns a host whose user may do anything on some channels, and a function that adds
// others.
func as(t *testing.T, server *redistest.Server, mode, prefix, user string, channels ...string) (h *clusterhost.Host, permit func(channels ...string)) {
	server.Must(append([]string{"ACL", "SETUSER", user, "on", ">secret", "+@all", "allkeys", "resetchannels"}, channels...)...)
	redis := on(server.Addr())
	redis.Username, redis.Password = user, "secret"
	h = clusterhost.New(t, user, modes[mode](redis, &redisadapter.Options{Prefix: prefix}), "room")
	return h, func(channels ...string) { server.Must(append([]string{"ACL", "SETUSER", user}, channels...)...) }
}

// L12: the user of a server may not subscribe to a room.
func TestRoomsAreNotSubscribed(t *testing.T) {
	onModes(t, lossyModes[:2], func(t *testing.T, mode string, server *redistest.Server) {
		prefix := newPrefix()
		from := clusterhost.New(t, "from", modes[mode](on(server.Addr()), &redisadapter.Options{Prefix: prefix}), "room")
		// Those of the namespace, of the room, of the socket and of the server.
		to, permit := as(t, server, mode, prefix, prefix+"-few", "&"+prefix+"-*", "&"+prefix+"#/#", "&"+prefix+"#/#room#", "&"+prefix+"#/#socket*", "&"+prefix+"#/#??????????*#")
		clusterhost.Settled(t, []*clusterhost.Host{from, to})
		clusterhost.NotJoined(t, from, to, func() { permit("&" + prefix + "*") })
	})
}

// L13: the user of a server may not subscribe to the channels of a namespace.
func TestNamespacesAreNotSubscribed(t *testing.T) {
	onModes(t, lossyModes, func(t *testing.T, mode string, server *redistest.Server) {
		prefix := newPrefix()
		other := clusterhost.New(t, "other", modes[mode](on(server.Addr()), &redisadapter.Options{Prefix: prefix}), "room")
		h, permit := as(t, server, mode, prefix, prefix+"-few", "&"+prefix+"-nodes#")
		clusterhost.DoesNotSubscribe(t, h, []*clusterhost.Host{other}, func() { permit("&" + prefix + "*") })
	})
}

// L14: an event is larger than MaxMessage.
func TestEventIsTooLarge(t *testing.T) {
	onModes(t, lossyModes, func(t *testing.T, mode string, server *redistest.Server) {
		o := redisadapter.Options{Prefix: newPrefix(), Cluster: cluster.Options{MaxMessage: 10_000}}
		var all []*clusterhost.Host
		for i := range 2 {
			all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes[mode](on(server.Addr()), &o)))
		}
		clusterhost.Settled(t, all)
		clusterhost.TooLarge(t, all[0], all[1])
	})
}

// L18: others publish what no server would, to each channel that a server has subscribed to,
// and to its stream.
func TestForeignMessages(t *testing.T) {
	onModes(t, lossyModes, func(t *testing.T, mode string, server *redistest.Server) {
		prefix := newPrefix()
		all := hostsWith(t, mode, prefix, 2, on(server.Addr()), "room")
		clusterhost.Foreign(t, all[0], all[1:], func(data string) {
			list, publish := "CHANNELS", "PUBLISH"
			if mode == "sharded" {
				list, publish = "SHARDCHANNELS", "SPUBLISH"
			}
			for _, channel := range server.Must("PUBSUB", list, prefix+"*").([]any) {
				server.Must(publish, channel.(string), data)
			}
			if mode == "streams" {
				server.Must("XADD", prefix, "*", "nsp", "/", "uid", "x", "type", "3", "data", data)
				server.Must("XADD", prefix, "*", "nsp", "/", data, data)
			}
		})
	})
}

// L17: a client loses its connection, and comes back.
func TestRecoveryOnItsServer(t *testing.T) {
	onModes(t, lossyModes[:2], func(t *testing.T, mode string, server *redistest.Server) {
		o := redisadapter.Options{Prefix: newPrefix()}
		clusterhost.ComesBack(t, modes[mode](on(server.Addr()), &o), modes[mode](on(server.Addr()), &o))
	})
}
