// SPDX-License-Identifier: MIT

// This file tests connections that stay open but deliver no messages.

package redisadapter_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"

	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// A filter is a way to Redis that loses the messages of subscriptions, on the connections
// that were made before deafen was called. Everything else passes.
type filter struct {
	only string // the address of the server whose messages are lost, or "" for all

	mu    sync.Mutex
	conns []*filtered
}

// options returns options whose connections pass through the filter.
func (f *filter) options(addrs ...string) rueidis.ClientOption {
	o := on(addrs...)
	o.DialCtxFn = func(ctx context.Context, addr string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		passed := &filtered{Conn: c, in: bufio.NewReader(c)}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.only == "" || f.only == addr {
			f.conns = append(f.conns, passed)
		}
		return passed, nil
	}
	return o
}

func (f *filter) deafen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.deaf.Store(true)
	}
}

// lost returns how many messages were lost.
func (f *filter) lost() (count int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		count += c.lost.Load()
	}
	return count
}

// A filtered connection hands out whole replies.
type filtered struct {
	net.Conn
	in   *bufio.Reader
	out  []byte // what was read of a reply and not handed out
	deaf atomic.Bool
	lost atomic.Int64
}

func (c *filtered) Read(b []byte) (int, error) {
	for len(c.out) == 0 {
		reply, err := readReply(c.in, nil)
		if err != nil {
			return 0, err
		}
		if reply[0] == '>' && c.deaf.Load() {
			c.lost.Add(1)
			continue
		}
		c.out = reply
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

// readReply appends a reply of RESP3 to dst.
func readReply(in *bufio.Reader, dst []byte) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	dst = append(dst, line...)
	kind := line[0]
	switch kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return dst, nil
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n < 0 {
		return dst, err
	}
	if kind == '$' || kind == '=' || kind == '!' {
		body := make([]byte, n+2)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, err
		}
		return append(dst, body...), nil
	}
	if kind == '%' {
		n *= 2
	}
	for range n {
		if dst, err = readReply(in, dst); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// The connections of a server stay open, but messages do not arrive. The server notices by
// its own heartbeats and makes new ones.
func TestDeafConnections(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	each(t, func(t *testing.T, mode string) {
		testDeaf(t, new(filter), mode, newPrefix(), nil, server.Addr())
	})
}

func testDeaf(t *testing.T, f *filter, mode, prefix string, probed *redistest.Server, addrs ...string) {
	t.Helper()
	all := hostsWith(t, mode, prefix, 1, on(addrs...), many(10)...)
	deaf := clusterhost.New(t, "deaf", modes[mode](f.options(addrs...), &redisadapter.Options{Prefix: prefix}), many(10)...)
	all = append(all, deaf)
	clusterhost.Settled(t, all)
	if probed != nil {
		clusterhost.Eventually(t, "the probes", func() bool {
			return len(probed.Must("PUBSUB", "SHARDCHANNELS", prefix+"-probe#*").([]any)) == len(all)
		})
	}
	f.deafen()
	clusterhost.Eventually(t, "messages that are lost", func() bool {
		for stream := range all[0].Sent {
			_, _ = all[0].Emit(stream)
		}
		return f.lost() > 0
	})
	clusterhost.Eventually(t, "a degraded state", func() bool { return deaf.Health().Degraded != nil })
	if why := deaf.Health().Degraded; !strings.Contains(fmt.Sprint(why), "messages do not arrive") && !strings.Contains(fmt.Sprint(why), "own heartbeats") {
		t.Errorf("the server is degraded for another reason: %v", why)
	}
	t.Logf("events arrive %v later", clusterhost.Exchange(t, all))
	clusterhost.Settled(t, all)
}

// The same with one of the servers of a Redis Cluster, to which the heartbeats do not go.
func testDeafMaster(t *testing.T, servers *redistest.Cluster) {
	prefix := newPrefix()
	heartbeats := servers.Master(servers.Slot(prefix + "-nodes#"))
	for _, s := range servers.Servers {
		if s != heartbeats && s.Must("ROLE").([]any)[0] == "master" {
			testDeaf(t, &filter{only: s.Addr()}, "sharded", prefix, s, servers.Addrs()...)
			return
		}
	}
	t.Fatal("no other master")
}
