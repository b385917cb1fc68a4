// SPDX-License-Identifier: MIT

// This file waits for JetStream.

package natsadapter

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/natsadapter/internal/natstest"
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
	for deadline := time.Now().Add(time.Minute); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		if _, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "ready", Subjects: []string{"ready"}, Replicas: replicas}); err == nil {
			_, err = js.Publish(ctx, "ready", nil)
		}
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("JetStream does not work: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
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
	for deadline := time.Now().Add(time.Minute); ; { // nobody answers while there is none
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		s, err := js.Stream(ctx, prefix+"_log")
		cancel()
		if err == nil {
			for _, server := range servers {
				if cluster := s.CachedInfo().Cluster; cluster != nil && cluster.Leader == server.Name() {
					return server
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the stream has no leader: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
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
	for token, deadline := uint64(1), time.Now().Add(time.Minute); j.stream.latest.Load() == nil || j.stream.latest.Load().last == 0; token++ {
		_ = j.Append("/ready", token, []byte("ready"))
		poke(j.stream.asked)
		if time.Now().After(deadline) {
			t.Fatal("the stream takes no entries")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
