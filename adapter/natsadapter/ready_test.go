// SPDX-License-Identifier: MIT

// This file waits for JetStream.

package natsadapter

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
)

// StartThree starts three servers with JetStream, and waits until they store streams. A
// cluster that has just been started needs seconds.
func StartThree(t testing.TB) []*natstest.Server {
	t.Helper()
	servers := natstest.StartCluster(t, natstest.JetStream)
	WaitForStreams(t, servers, 3)
	return servers
}

// WaitForStreams waits until servers store streams.
func WaitForStreams(t testing.TB, servers []*natstest.Server, replicas int) {
	t.Helper()
	nc, err := nats.Connect(natstest.URLs(servers), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	clusterhost.Eventually(t, "a stream that is stored", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "ready", Subjects: []string{"ready"}, Replicas: replicas})
		if err == nil {
			_, err = js.Publish(ctx, "ready", nil)
		}
		return err == nil
	})
}

// LeaderOf returns the server that leads the stream of a prefix.
func LeaderOf(t testing.TB, servers []*natstest.Server, prefix string) *natstest.Server {
	t.Helper()
	nc, err := nats.Connect(natstest.URLs(servers))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	var leader *natstest.Server
	clusterhost.Eventually(t, "a leader of the stream", func() bool { // without one, nobody answers
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		s, err := js.Stream(ctx, prefix+"_log")
		if err != nil {
			return false
		}
		i := slices.IndexFunc(servers, func(server *natstest.Server) bool {
			cluster := s.CachedInfo().Cluster
			return cluster != nil && cluster.Leader == server.Name()
		})
		if i >= 0 {
			leader = servers[i]
		}
		return leader != nil
	})
	return leader
}

// MakeLog makes the stream of a prefix, and waits until it takes entries. The first server
// of all does that too, which can last seconds.
func MakeLog(t testing.TB, servers []*natstest.Server, o Options) {
	t.Helper()
	opts := o.withDefaults()
	j := newJet(natstest.URLs(servers), &opts)
	if err := j.Open(silent{}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := j.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	j.OpenLog("/ready")
	token := uint64(0)
	clusterhost.Eventually(t, "a stream that takes entries", func() bool {
		if latest := j.stream.latest.Load(); latest != nil && latest.last > 0 {
			return true
		}
		token++
		_ = j.Append("/ready", token, []byte("ready"))
		poke(j.stream.asked)
		return false
	})
}
