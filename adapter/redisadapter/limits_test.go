// SPDX-License-Identifier: MIT

// This file tests the beginning and the end of a server, and its bounds.

package redisadapter_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// A server that starts while Redis is down serves its clients, and is connected later.
func TestRedisStartsLater(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		server.Kill()
		o := redisadapter.Options{Prefix: newPrefix()}
		all := []*clusterhost.Host{
			clusterhost.New(t, "a", modes[mode](on(server.Addr()), &o), "room"),
			clusterhost.New(t, "b", modes[mode](on(server.Addr()), &o), "room"),
		}
		fails(t, all)
		server.Restart()
		clusterhost.Settled(t, all)
	})
}

// Close ends with its context, although Redis does not answer, and leaves nothing.
func TestCloseWhileRedisIsFrozen(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		c := modes[mode](on(server.Addr()), &redisadapter.Options{Prefix: newPrefix()})
		if err := c.Open(adapter.Node{ID: "a", Logger: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		h := clusterhost.On(t, "a", "", c)
		clusterhost.Eventually(t, "the first heartbeat", func() bool { return c.Stats().Own > 0 })
		server.Pause()
		defer server.Resume()
		_, _ = h.Emit("")
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want the end of its context", err)
		}
		if _, err := h.Emit(""); !errors.Is(err, cluster.ErrClosed) && err == nil {
			t.Errorf("Emit after Close: %v", err)
		}
	})
}

// What waits for a Redis that does not answer is bounded: Emit returns an error.
func TestQueueIsBounded(t *testing.T) {
	server := redistest.Start(t)
	const most = 1 << 20
	o := redisadapter.Options{Prefix: newPrefix(), MaxQueue: most}
	h := clusterhost.New(t, "a", redisadapter.Classic(on(server.Addr()), &o))
	clusterhost.Settled(t, []*clusterhost.Host{h})
	server.Pause()
	defer server.Resume()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	text := strings.Repeat("x", 10_000)
	for failed := 0; failed < 1000; {
		_, err := h.Space.Broadcast(&adapter.Packet{Message: text + "/1"}, adapter.Target{Except: []string{h.ID()}})
		if errors.Is(err, redisadapter.ErrQueueFull) || errors.Is(err, redisadapter.ErrDown) { // after a while it counts as down
			failed++
		} else if err != nil {
			t.Fatalf("Broadcast: %v", err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4*most {
		t.Errorf("1000 events of 10 KB beyond the queue of 1 MiB take %d bytes", grown)
	}
	server.Resume()
	clusterhost.Settled(t, []*clusterhost.Host{h})
}

// An event that is larger than the queue is sent if nothing else waits.
func TestEventLargerThanTheQueue(t *testing.T) {
	server := redistest.Start(t)
	o := redisadapter.Options{Prefix: newPrefix(), MaxQueue: 1}
	all := []*clusterhost.Host{
		clusterhost.New(t, "a", redisadapter.Classic(on(server.Addr()), &o), "room"),
		clusterhost.New(t, "b", redisadapter.Classic(on(server.Addr()), &o), "room"),
	}
	clusterhost.Exchange(t, all)
}

// Namespaces and rooms with any names, also those that mean something to Redis.
func TestNames(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		rooms := []string{"", "*", "[a-z]", `\`, "a#b", "{tag}", "комната 😀", "exactly twenty units", strings.Repeat("x", 500), "\x00\r\n$5"}
		var named []string
		for _, room := range rooms {
			if room != "" {
				named = append(named, room)
			}
		}
		all := hosts(t, mode, 2, []string{server.Addr()}, named...)
		for i := range 2 {
			other := clusterhost.On(t, all[i].Name, "/[a-z]*", all[i].Cluster, named...)
			defer func() { _ = other.Space.Close() }()
			all = append(all, other)
		}
		clusterhost.Exchange(t, all[:2])
		clusterhost.Exchange(t, all[2:])
		for _, h := range all[:2] {
			for _, room := range rooms {
				if got, sent := h.Heard("host0", room), all[0].Sent[room]; got > sent {
					t.Errorf("%s in %q got event %d of host0, which has sent %d", h.Name, room, got, sent)
				}
			}
		}
	})
}

// A namespace that ends is unsubscribed from, and so are rooms without members. Two joins
// within the time that rooms linger cause no commands.
func TestNothingStaysSubscribed(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		prefix := newPrefix()
		all := hostsWith(t, mode, prefix, 1, on(server.Addr()))
		count := func() int {
			if mode == "sharded" {
				return len(server.Must("PUBSUB", "SHARDCHANNELS", prefix+"*").([]any))
			}
			return len(server.Must("PUBSUB", "CHANNELS", prefix+"*").([]any)) + int(server.Must("PUBSUB", "NUMPAT").(int64))
		}
		h := all[0]
		own := map[string]int{"classic": 6, "pattern": 5, "sharded": 4, "streams": 3}[mode]
		clusterhost.Eventually(t, "the subscriptions of a server with one socket", func() bool { return count() == own })
		other := clusterhost.On(t, "other", "/other", h.Cluster, many(600)...)
		if err := other.Space.(adapter.JoinWaiter).WaitJoined(many(600)); err != nil && !errors.Is(err, adapter.ErrDegraded) {
			t.Error(err)
		}
		want := own + 600
		if mode == "pattern" || mode == "streams" {
			want = own
		}
		clusterhost.Eventually(t, "the subscriptions", func() bool { return count() > want })
		other.Space.Remove(other)
		_ = other.Space.Close()
		clusterhost.Eventually(t, "the end of the subscriptions", func() bool { return count() == own })
	})
}

// Modes that do not fit are programmer errors.
func TestInvalidUse(t *testing.T) {
	for name, use := range map[string]func(){
		"a classic mode": func() { redisadapter.Sharded(on("x"), redisadapter.ModeClassic, nil) },
		"by pattern": func() {
			redisadapter.Sharded(on("x"), redisadapter.ModeSharded, &redisadapter.Options{ByPattern: true})
		},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "redisadapter: ") {
					t.Errorf("Sharded with %s: %q", name, text)
				}
			}()
			use()
		}()
	}
}
