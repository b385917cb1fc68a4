// SPDX-License-Identifier: MIT

// This file runs the exams of logs and of sessions over real servers.

package redisadapter

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/faultnet"
)

var examStreams atomic.Int64

// A logServer is Redis, as the exam of logs uses it.
type logServer interface {
	Addrs() []string
	// For returns the server that has a key.
	For(key string) *redistest.Server
}

type oneServer struct{ *redistest.Server }

func (s oneServer) Addrs() []string              { return []string{s.Addr()} }
func (s oneServer) For(string) *redistest.Server { return s.Server }

type manyServers struct{ *redistest.Cluster }

func (s manyServers) For(key string) *redistest.Server { return s.Master(s.Slot(key)) }

// A proxiedBus reaches Redis by a proxy of its own.
type proxiedBus struct {
	*logBus
	*faultnet.Proxy
}

func (p proxiedBus) Close(ctx context.Context) error { return p.logBus.Close(ctx) }

func runLogExam(t *testing.T, redis logServer, streams int, faults bool) {
	adaptertest.RunLogCluster(t, adaptertest.LogFactory{Codec: streamsCodec{}, New: func(t *testing.T) *adaptertest.LogWorld {
		o := (&StreamsOptions{
			Stream: fmt.Sprint("exam", examStreams.Add(1)), Streams: streams, MaxLen: 5000, Block: 200 * time.Millisecond, MaxQueue: 8 << 20,
		}).withDefaults()
		w := &adaptertest.LogWorld{
			Bus: func() cluster.LogBus { return newLogBus(rueidis.ClientOption{InitAddress: redis.Addrs()}, &o) },
			Trim: func(namespace string, keep int) {
				name := stream(o.Stream, o.Streams, namespace)
				redis.For(name).Must("XTRIM", name, "MAXLEN", strconv.Itoa(keep))
			},
			Replace: func() {
				if !faults {
					for i := -streams; i <= streams; i++ {
						for _, name := range []string{fmt.Sprint(o.Stream, "-", i), o.Stream} {
							redis.For(name).Must("DEL", name)
						}
					}
					return
				}
				s := redis.For(o.Stream)
				s.Kill()
				s.Restart()
			},
		}
		if !faults {
			return w
		}
		w.Bus = func() cluster.LogBus {
			p, err := faultnet.Listen(redis.Addrs()[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Close)
			return proxiedBus{newLogBus(rueidis.ClientOption{InitAddress: []string{fmt.Sprint("127.0.0.1:", p.Port())}}, &o), p}
		}
		proxy := func(b cluster.LogBus) *faultnet.Proxy { return b.(proxiedBus).Proxy }
		w.Break = func(b cluster.LogBus) { proxy(b).Refuse(1 << 30); proxy(b).Cut(faultnet.Reset) }
		w.Mend = func(b cluster.LogBus) { proxy(b).Refuse(0) }
		w.Stall = func(b cluster.LogBus) { proxy(b).Stall(faultnet.Both) }
		w.Resume = func(b cluster.LogBus) { proxy(b).Heal() }
		return w
	}})
}

func TestLogs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	t.Run("one stream", func(t *testing.T) { runLogExam(t, oneServer{server}, 1, true) })
	t.Run("three streams", func(t *testing.T) { runLogExam(t, oneServer{server}, 3, false) })
}

func runSessionsExam(t *testing.T, redis logServer) {
	adaptertest.RunSessions(t, func(t *testing.T) func() cluster.Sessions {
		o := (&StreamsOptions{SessionPrefix: fmt.Sprint("session", examStreams.Add(1), ":")}).withDefaults()
		return func() cluster.Sessions {
			b := newBus(rueidis.ClientOption{InitAddress: redis.Addrs()}, ModeStreams, &Options{Prefix: o.Prefix, MaxQueue: o.MaxQueue})
			if err := b.Open(nobody{}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				if err := b.Close(ctx); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			return newSessions(b.finder, o.SessionPrefix)
		}
	})
}

// nobody is a Receiver.
type nobody struct{}

func (nobody) Receive(cluster.Channel, []byte) {}
func (nobody) Down(error)                      {}
func (nobody) Up()                             {}

// The exams over six servers that are a Redis Cluster.
func TestRedisClusterKeeps(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t)
	t.Run("Logs", func(t *testing.T) { runLogExam(t, manyServers{servers}, 5, false) })
	t.Run("Sessions", func(t *testing.T) { runSessionsExam(t, manyServers{servers}) })
}

func TestSessions(t *testing.T) {
	t.Parallel()
	runSessionsExam(t, oneServer{redistest.Start(t)})
}

// The streams of namespaces are those of Node.js.
func TestStreamNames(t *testing.T) {
	for namespace, want := range map[string]string{
		"/": "s-2", "/chat": "s-1", "/admin": "s-1", "/foo": "s-2", "/orders": "s-2", "/notifications": "s--2", "/\U0001f600": "s-0",
	} {
		if got := stream("s", 3, namespace); got != want {
			t.Errorf("%s is in %s, want %s", namespace, got, want)
		}
		if got := stream("s", 1, namespace); got != "s" {
			t.Errorf("%s is in %s, want s", namespace, got)
		}
	}
	for key, want := range map[string]string{"s": "{s}x", "a:": "{a:}x", "{t}s": "{t}sx"} {
		if got, ok := beside(key, "x"); !ok || got != want || slot(got) != slot(key) {
			t.Errorf("beside %s is %s, want %s", key, got, want)
		}
	}
	for _, bad := range []string{"{}s", "{s", "s}"} {
		if got, ok := beside(bad, "x"); ok {
			t.Errorf("beside %s is %s", bad, got)
		}
	}
}

// Positions are ids of entries as Redis writes them.
func TestNumbers(t *testing.T) {
	for _, id := range []string{"0-0", "1795402032875-0", "1795402032875-7", "1795402032875-1048575"} {
		n, ok := parseID(id)
		if !ok || formatID(n) != id {
			t.Errorf("%s is %d, %v, and back %s", id, n, ok, formatID(n))
		}
	}
	for _, bad := range []string{"", "1", "-", "1-", "-1", "01-0", "1-1048576", "1-+1", "99999999999999999999-0", "1-0 ", "1-0-0"} {
		if n, ok := parseID(bad); ok {
			t.Errorf("%q is %d", bad, n)
		}
	}
}
