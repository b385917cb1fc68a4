// SPDX-License-Identifier: MIT

// This file runs the exam of logs over real servers.

package natsadapter

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

var logPrefixes atomic.Int64

// logWorld returns buses that reach a server by proxies.
func logWorld(t *testing.T, o Options, servers ...*natstest.Server) *adaptertest.LogWorld {
	o.Prefix = "log" + strconv.FormatInt(logPrefixes.Add(1), 10)
	o.Log.MaxBytes, o.Log.MaxSessionBytes = 32<<20, 8<<20
	o.MaxQueue = 4 << 20 // what waits is sent to all afterwards
	proxies := make(map[cluster.LogBus]*faultnet.Proxy)
	n := 0
	manage := func(do func(ctx context.Context, js jetstream.JetStream) error) {
		t.Helper()
		nc, err := nats.Connect(servers[0].URL())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err == nil {
			err = do(ctx, js)
		}
		if err != nil {
			t.Error(err)
		}
	}
	return &adaptertest.LogWorld{
		Bus: func() cluster.LogBus {
			server := servers[n%len(servers)]
			n++
			proxy, err := faultnet.Listen(server.Addr(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Close)
			opts := o.withDefaults()
			opts.NATS = append(opts.NATS, func(o *nats.Options) error { o.IgnoreDiscoveredServers = true; return nil })
			b := newJet("nats://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(proxy.Port())), &opts)
			proxies[b] = proxy
			return b
		},
		Break:  func(b cluster.LogBus) { proxies[b].Refuse(1 << 30); proxies[b].Cut(faultnet.Reset) },
		Mend:   func(b cluster.LogBus) { proxies[b].Refuse(0) },
		Stall:  func(b cluster.LogBus) { proxies[b].Stall(faultnet.Both) },
		Resume: func(b cluster.LogBus) { proxies[b].Heal() },
		Trim: func(namespace string, keep int) {
			manage(func(ctx context.Context, js jetstream.JetStream) error {
				s, err := js.Stream(ctx, o.Prefix+"_log")
				if err != nil {
					return err
				}
				subject, _ := subjects{o.Prefix}.logSubject(namespace)
				return s.Purge(ctx, jetstream.WithPurgeSubject(subject), jetstream.WithPurgeKeep(uint64(keep)))
			})
		},
		Replace: func() {
			manage(func(ctx context.Context, js jetstream.JetStream) error { return js.DeleteStream(ctx, o.Prefix+"_log") })
		},
	}
}

// A question whose answer was lost with the connection is not awaited any longer: Read ends
// although its context does not.
func TestQuestionsEndWithTheConnection(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	o := (&Options{Prefix: "questions"}).withDefaults()
	j, r := openTape(t, server.URL(), &o)
	j.OpenLog("/")
	r.wait(t, "the log", func() bool { return r.opened })
	if err := j.Append("/", 1, []byte("a")); err != nil {
		t.Fatal(err)
	}
	r.wait(t, "the entry", func() bool { return len(r.entries) == 1 })
	ctx, end := j.link.asking(t.Context())
	defer end()
	server.Pause()
	defer server.Resume()
	read := make(chan error)
	go func() {
		var last error
		for _, err := range j.Read(t.Context(), "/", 0, r.last) {
			last = err
		}
		read <- last
	}()
	r.wait(t, "a Read at work", func() bool { return len(j.reads) == 1 })
	j.link.end(errReset)
	<-ctx.Done()
	if err := <-read; err == nil || t.Context().Err() != nil {
		t.Errorf("Read: %v", err)
	}
}

// The exam of logs, on a single server.
func TestLog(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	adaptertest.RunLogCluster(t, adaptertest.LogFactory{New: func(t *testing.T) *adaptertest.LogWorld {
		return logWorld(t, Options{}, server)
	}})
}

// The exams with three replicas, and each bus at another server.
func TestLogAtThreeServers(t *testing.T) {
	t.Parallel()
	servers := StartThree(t)
	replicas := LogOptions{Replicas: 3}
	t.Run("Log", func(t *testing.T) {
		t.Parallel()
		adaptertest.RunLogCluster(t, adaptertest.LogFactory{New: func(t *testing.T) *adaptertest.LogWorld {
			return logWorld(t, Options{Log: replicas}, servers...)
		}})
	})
	t.Run("Sessions", func(t *testing.T) {
		t.Parallel()
		adaptertest.RunSessions(t, func(t *testing.T) func() cluster.Sessions {
			return newSessions(t, replicas, servers...)
		})
	})
}

// The oldest entries are removed when the log is larger than LogOptions.MaxBytes, and when they
// are older than MaxAge: who has not read them is told.
func TestOldEntriesAreRemoved(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	for name, l := range map[string]LogOptions{"size": {MaxBytes: 1 << 20}, "age": {MaxBytes: 32 << 20, MaxAge: time.Second}} {
		o := (&Options{Prefix: name, Log: l}).withDefaults()
		j, r := openTape(t, server.URL(), &o)
		j.OpenLog("/")
		r.wait(t, "the log", func() bool { return r.opened })
		data := make([]byte, 1<<10)
		token := uint64(0)
		clusterhost.Eventually(t, name+": the first entry is removed", func() bool {
			for range 100 {
				token++
				if err := j.Append("/", token, data); err != nil {
					t.Fatal(err)
				}
			}
			r.wait(t, "the entries", func() bool { return len(r.entries) == int(token) })
			var last error
			for _, err := range j.Read(t.Context(), "/", 0, r.last) {
				last = err
			}
			if last != nil && !errors.Is(last, adapter.ErrTrimmed) {
				t.Fatal(last)
			}
			return last != nil
		})
	}
}

// A silent is a receiver for buses of which only the sessions are used.
type silent struct{}

func (silent) Receive(cluster.Channel, []byte)  {}
func (silent) Down(error)                       {}
func (silent) Up()                              {}
func (silent) LogOpened(string, string, uint64) {}
func (silent) Entry(string, cluster.Entry)      {}
func (silent) Settled(string, uint64)           {}
func (silent) Gap(string, uint64)               {}

// The exam of sessions.
func TestSessions(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	adaptertest.RunSessions(t, func(t *testing.T) func() cluster.Sessions { return newSessions(t, LogOptions{}, server) })
}

func newSessions(t *testing.T, l LogOptions, servers ...*natstest.Server) func() cluster.Sessions {
	o := Options{Prefix: "log" + strconv.FormatInt(logPrefixes.Add(1), 10)}
	o.Log = l
	o.Log.MaxBytes, o.Log.MaxSessionBytes = 8<<20, 32<<20
	n := 0
	return func() cluster.Sessions {
		opts := o.withDefaults()
		b := newJet(servers[n%len(servers)].URL(), &opts)
		n++
		if err := b.Open(silent{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := b.Close(ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		return b.Sessions()
	}
}
