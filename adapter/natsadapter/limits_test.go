// SPDX-License-Identifier: MIT

// This file tests the beginning and the end of a server, its bounds, and what it needs NATS
// to permit.

package natsadapter_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
)

// A server that starts while NATS is down serves its clients, and is connected later.
func TestNATSStartsLater(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		server.Kill()
		o := natsadapter.Options{Prefix: newPrefix()}
		all := []*clusterhost.Host{clusterhost.New(t, "a", modes[mode](server.URL(), &o), "room"), clusterhost.New(t, "b", modes[mode](server.URL(), &o), "room")}
		fails(t, all)
		server.Restart()
		clusterhost.Settled(t, all)
	})
}

// Close ends with its context, although NATS does not answer.
func TestCloseWhileNATSIsFrozen(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		c := modes[mode](server.URL(), &natsadapter.Options{Prefix: newPrefix()})
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
		_ = c.Close(ctx) // an error only if something could not be sent
		if _, err := h.Emit(""); err == nil {
			t.Error("Emit after Close returns no error")
		}
	})
}

// A server that can't send does not block, and its memory does not grow.
func TestQueueIsBounded(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		const most = 1 << 20
		server := natstest.Start(t, natstest.JetStream)
		o := natsadapter.Options{Prefix: newPrefix(), MaxQueue: most, Cluster: cluster.Options{EchoTimeout: time.Hour}}
		all := []*clusterhost.Host{clusterhost.New(t, "a", modes[mode](server.URL(), &o), "room"), clusterhost.New(t, "b", modes[mode](server.URL(), &o), "room")}
		clusterhost.Settled(t, all)
		server.Pause()
		text := strings.Repeat("x", 10_000)
		var full error
		for i := 1; full == nil && i < 40*most/len(text); i++ { // the buffers of the kernel have their limits too
			_, full = all[0].Space.Broadcast(&adapter.Packet{Message: fmt.Sprintf("c/%s/%d", text, i)}, adapter.Target{Except: []string{all[0].ID()}})
		}
		if !errors.Is(full, natsadapter.ErrQueueFull) && !errors.Is(full, natsadapter.ErrDown) {
			t.Errorf("the error of Emit: %v", full)
		}
		server.Resume()
		clusterhost.Settled(t, all)
	})
}

// More arrives than a server handles: it says so, counts it, and goes on.
func TestSlowServer(t *testing.T) {
	server := natstest.Start(t, natstest.JetStream)
	prefix, counts := newPrefix(), new(natsadapter.Counts)
	o := natsadapter.Options{Prefix: prefix, MaxPending: 50, Counts: counts}
	slow := clusterhost.New(t, "slow", natsadapter.Core(server.URL(), &o), "room")
	fast := clusterhost.New(t, "fast", natsadapter.Core(server.URL(), &natsadapter.Options{Prefix: prefix}), "room")
	all := []*clusterhost.Host{slow, fast}
	clusterhost.Settled(t, all)
	release := slow.Hold()
	for range 200 {
		_, _ = fast.Emit("room")
	}
	clusterhost.Eventually(t, "the loss of messages", func() bool { return counts.Slow.Load() > 0 })
	release()
	clusterhost.Exchange(t, all)
	clusterhost.Settled(t, all)
	if n := counts.Connected.Load(); n < 2 {
		t.Errorf("%d connections, want another one after the loss", n)
	}
	if n := slow.Stats().Lost; n == 0 {
		t.Error("the messages that found no room are not counted")
	}
}

// permissions returns the block of docs/cluster.md that begins with the name of a user, for
// a prefix.
func permissions(t *testing.T, user, prefix string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)\n( *\\{ user: " + user + ",.*?\n *\\}\\})\n").FindSubmatch(text)
	if m == nil {
		t.Fatalf("docs/cluster.md has no permissions of the user %s", user)
	}
	return strings.ReplaceAll(string(m[1]), "socketio", prefix)
}

// The users of the documentation can do what a server does, and no more.
func TestUsersOfTheDocumentation(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		prefix := newPrefix()
		user := map[string]string{"core": "chat", "JetStream": "chat-log"}[mode]
		server := natstest.Start(t, natstest.JetStream+"authorization { users: [\n"+permissions(t, user, prefix)+"\n] }\n")
		counts := new(natsadapter.Counts)
		var all []*clusterhost.Host
		for _, name := range []string{"a", "b"} {
			o := natsadapter.Options{Prefix: prefix, Counts: counts, NATS: []nats.Option{nats.UserInfo(user, "secret"), nats.CustomInboxPrefix("_INBOX_" + prefix)}}
			all = append(all, clusterhost.New(t, name, modes[mode](server.URL(), &o), "room"))
		}
		clusterhost.Settled(t, all)
		if n := counts.Denied.Load(); n > 0 {
			t.Errorf("NATS has refused something %d times", n)
		}
		nc, err := nats.Connect(server.URL(), nats.UserInfo(user, "secret"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		for _, subject := range []string{"other.nodes", ">", "_INBOX.>", prefix + "x.nodes"} {
			before := nc.LastError()
			if _, err := nc.SubscribeSync(subject); err != nil {
				t.Fatal(err)
			}
			_ = nc.Flush()
			if err := nc.LastError(); err == before || !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("subscribing to %s: %v, want a refusal", subject, err)
			}
		}
	})
}

// A room that can't be subscribed is lost, and its joins say so; the others work. So does
// everything when the permission is given.
func TestPermissionIsMissing(t *testing.T) {
	const users = "authorization { users: [ { user: few, password: secret, permissions: { publish: \">\", subscribe: { allow: \">\", deny: %q } } } ] }\n"
	server := natstest.Start(t, fmt.Sprintf(users, "*.ns.*.room.secret"))
	prefix, counts := newPrefix(), new(natsadapter.Counts)
	o := natsadapter.Options{Prefix: prefix, Counts: counts, NATS: []nats.Option{nats.UserInfo("few", "secret")}}
	all := []*clusterhost.Host{clusterhost.New(t, "a", natsadapter.Core(server.URL(), &o), "room"), clusterhost.New(t, "b", natsadapter.Core(server.URL(), &o), "room")}
	clusterhost.Settled(t, all)
	all[1].Space.Join(all[1], []string{"secret"})
	clusterhost.Eventually(t, "a refusal", func() bool { return counts.Denied.Load() > 0 })
	if err := all[1].Space.(adapter.JoinWaiter).WaitJoined([]string{"secret"}); !errors.Is(err, adapter.ErrDegraded) {
		t.Errorf("the join of a room that can't be subscribed: %v", err)
	}
	clusterhost.Exchange(t, all)
	server.Configure(fmt.Sprintf(users, "nothing"))
	all[0].Sent["secret"] = 0
	clusterhost.Eventually(t, "an event to the room", func() bool {
		n, _ := emitTo(all[0], "secret")
		return clusterhost.HoldsWithin(100*time.Millisecond, func() bool { return all[1].Heard("a", "secret") >= n })
	})
	// The permission is taken away: the server says so.
	server.Configure(fmt.Sprintf(users, "*.ns.*.room.secret"))
	clusterhost.Eventually(t, "a degraded state", func() bool { return all[1].Health().Degraded != nil })
}

// emitTo is Emit for a room without a member at the host.
func emitTo(h *clusterhost.Host, room string) (number int, err error) {
	h.Sent[room]++
	_, err = h.Space.Broadcast(&adapter.Packet{Message: fmt.Sprintf("%s/%s/%d", h.Name, room, h.Sent[room])}, adapter.Target{Rooms: []string{room}})
	return h.Sent[room], err
}

// An event larger than NATS takes is refused at once.
func TestEventIsTooLarge(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream+"max_payload: 10000\n")
		o := natsadapter.Options{Prefix: newPrefix()}
		all := []*clusterhost.Host{clusterhost.New(t, "a", modes[mode](server.URL(), &o), "room"), clusterhost.New(t, "b", modes[mode](server.URL(), &o), "room")}
		clusterhost.Settled(t, all)
		_, err := all[0].Space.Broadcast(&adapter.Packet{Message: "c//" + strings.Repeat("9", 10_000)}, adapter.Target{Except: []string{all[0].ID()}})
		if !errors.Is(err, cluster.ErrTooLarge) {
			t.Errorf("the error of Emit: %v", err)
		}
		clusterhost.Exchange(t, all)
	})
}

// Names that NATS does not take, and long ones, keep rooms and namespaces apart.
func TestNamesOfAllKinds(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		prefix := newPrefix()
		long := strings.Repeat("long ", 100)
		rooms := []string{"a.b", "a b", "*", ">", "\u65e5\u672c", long, long + "x", "="}
		for _, space := range []string{"/", "/a.*.>", "/" + long} {
			var all []*clusterhost.Host
			for _, name := range []string{"a", "b"} {
				o := natsadapter.Options{Prefix: prefix + fmt.Sprint(len(space))}
				all = append(all, clusterhost.NewIn(t, name, space, modes[mode](server.URL(), &o), rooms...))
			}
			clusterhost.Settled(t, all)
		}
	})
}

// The packages of a user's program are those of nats.go and of this repository.
func TestFewRequirements(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n\tgithub.com/") + strings.Count(string(text), "\n\tgolang.org/"); n > 6 || strings.Contains(string(text), "nats-server") {
		t.Errorf("go.mod requires %d modules:\n%s", n, text)
	}
}

// A start is no outage, and the log does not say so.
func TestStartIsNoOutage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		server := natstest.Start(t, natstest.JetStream)
		c := modes[mode](server.URL(), &natsadapter.Options{Prefix: newPrefix()})
		changed := func(h adapter.Health) { t.Errorf("degraded at the start: %v", h.Degraded) }
		if err := c.Open(adapter.Node{ID: "a", Logger: slog.New(slog.DiscardHandler), Changed: changed}); err != nil {
			t.Fatal(err)
		}
		h := clusterhost.On(t, "a", "", c, "room")
		clusterhost.Eventually(t, "a heartbeat and an event that come back", func() bool {
			_, _ = h.Emit("room")
			return c.Stats().Own > 5
		})
		_ = h.Space.Close()
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
