// SPDX-License-Identifier: MIT

// This file tests that messages which are lost with a connection, or removed before they
// are read, are counted.

package redisadapter_test

import (
	"testing"

	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

func TestLostMessagesAreCounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		redis := redistest.Start(t)
		h := clusterhost.New(t, "host", modes[mode](on(redis.Addr()), &redisadapter.Options{Prefix: newPrefix()}), "room")
		clusterhost.Eventually(t, "its own messages come back", func() bool { return h.Stats().Own > 0 })
		if lost := h.Stats().Lost; lost != 0 {
			t.Fatalf("%d messages were lost while Redis worked", lost)
		}
		redis.Pause() // it answers no more
		const sent = 5
		for range sent {
			if _, err := h.Emit("room"); err != nil {
				t.Fatal(err)
			}
		}
		redis.Kill()
		lost := uint64(sent)
		if mode == "streams" {
			lost = 1 // the others wait for the next connection
		}
		clusterhost.Eventually(t, "what Redis has not answered is counted", func() bool { return h.Stats().Lost >= lost })
		redis.Restart()
	})
}

// An entry that Redis refuses, because it is full, is counted, although Emit has returned nil.
func TestRefusedEntriesAreCounted(t *testing.T) {
	t.Parallel()
	redis, stream := redistest.Start(t), newPrefix()
	h := clusterhost.New(t, "host", redisadapter.Streams(on(redis.Addr()), &redisadapter.StreamsOptions{Stream: stream, Prefix: stream}), "room")
	emits := func() {
		t.Helper()
		if _, err := h.Emit("room"); err != nil {
			t.Fatal(err)
		}
	}
	clusterhost.Eventually(t, "its own messages come back", func() bool { return h.Stats().Own > 0 })
	emits()
	clusterhost.Eventually(t, "the first entry", func() bool { return redis.Must("XLEN", stream) == int64(1) }) // else it may be refused too
	redis.Must("CONFIG", "SET", "maxmemory", "1")
	emits()
	clusterhost.Eventually(t, "what Redis has refused is counted", func() bool { return h.Stats().Lost == 1 })
	redis.Must("CONFIG", "SET", "maxmemory", "0")
	own := h.Stats().Own
	emits()
	clusterhost.Eventually(t, "the next entry", func() bool { return h.Stats().Own > own })
	if lost := h.Stats().Lost; lost != 1 {
		t.Errorf("%d entries are lost, of which one was refused", lost)
	}
}

// A server that reads a stream too slowly for what it keeps says so, with what it lacks.
func TestTrimmedUnread(t *testing.T) {
	t.Parallel()
	redis, stream := redistest.Start(t), newPrefix()
	host := func(name string) *clusterhost.Host {
		o := redisadapter.StreamsOptions{Stream: stream, Prefix: stream, MaxLen: 100, ReadCount: 100}
		return clusterhost.New(t, name, redisadapter.Streams(on(redis.Addr()), &o))
	}
	all := []*clusterhost.Host{host("sender"), host("slow")}
	clusterhost.Settled(t, all)
	slow, before := all[1], all[1].Lost()
	release := slow.Hold()
	for range 100 { // the sender keeps up
		own := all[0].Stats().Own
		for range 50 {
			if _, err := all[0].Emit(""); err != nil {
				t.Fatal(err)
			}
		}
		clusterhost.Eventually(t, "the events are in the stream", func() bool { return all[0].Stats().Own >= own+50 })
	}
	if gaps := slow.Stats().Gaps; gaps != 0 {
		t.Errorf("%d gaps before it goes on to read", gaps)
	}
	release()
	clusterhost.Settled(t, all)
	if lost, gaps := slow.Lost()-before, slow.Stats().Gaps; lost < 4000 || gaps == 0 {
		t.Errorf("it has not received %d of 5000 events, and found %d gaps", lost, gaps)
	}
	if gaps := all[0].Stats().Gaps; gaps != 0 {
		t.Errorf("the sender has found %d gaps", gaps)
	}
}
