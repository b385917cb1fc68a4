// SPDX-License-Identifier: MIT

// This file tests what a server needs Redis to permit.

package redisadapter_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// aclLines returns the lines of docs/cluster.md for a prefix, as arguments of ACL SETUSER.
func aclLines(t *testing.T, prefix string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	users := make(map[string][]string)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(strings.NewReplacer("socket.io", prefix, "sio:session:", prefix+":session:").Replace(line)); len(words) > 3 && words[0] == "ACL" && words[1] == "SETUSER" {
			users[words[2]] = words
		}
	}
	if len(users) == 0 {
		t.Fatal("docs/cluster.md has no line with ACL SETUSER")
	}
	return users
}

// The users of the documentation can do what a server does, and no more.
func TestUsersOfTheDocumentation(t *testing.T) {
	each(t, func(t *testing.T, mode string) {
		server := redistest.Start(t)
		prefix := newPrefix()
		user := map[string]string{"classic": "chat", "pattern": "chat-pattern", "sharded": "chat-sharded", "streams": "chat-streams"}[mode]
		words := aclLines(t, prefix)[user]
		server.Must(words...)
		redis := on(server.Addr())
		redis.Username, redis.Password = user, "secret"
		all := hostsWith(t, mode, prefix, 2, redis, "room")
		clusterhost.Exchange(t, all)
		if mode == "streams" {
			keepSessions(t, all[0].Store().(adapter.SharedStore))
		}
		conn, err := redistest.Dial(server.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Do("AUTH", user, "secret"); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"GET", "other"}, {"KEYS", "*"}, {"FLUSHALL"}, {"CONFIG", "GET", "*"}, {"PUBLISH", "other#/#", "x"}, {"SUBSCRIBE", "other#/#"}} {
			if _, err := conn.Do(command...); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
				t.Errorf("%v: %v, want NOPERM", command, err)
			}
		}
	})
}

// A server that may publish to some channels only says so.
func TestPermissionIsMissing(t *testing.T) {
	server := redistest.Start(t)
	prefix := newPrefix()
	server.Must("ACL", "SETUSER", "few", "on", ">secret", "+@all", "resetchannels", "&"+prefix+"-nodes#", "&"+prefix+"-re*", "&"+prefix+"#/#room*")
	redis := on(server.Addr())
	redis.Username, redis.Password = "few", "secret"
	h := clusterhost.New(t, "a", redisadapter.Classic(redis, &redisadapter.Options{Prefix: prefix}), "room")
	clusterhost.Eventually(t, "a degraded state", func() bool {
		_, _ = h.Space.Broadcast(&adapter.Packet{Message: "nobody//1"}, adapter.Target{Except: []string{h.ID()}})
		why := h.Health().Degraded
		return why != nil && strings.Contains(why.Error(), "NOPERM")
	})
	if err := h.Health().Degraded; errors.Is(err, redisadapter.ErrDown) {
		t.Errorf("Redis is not down: %v", err)
	}
	if h.Stats().Lost == 0 {
		t.Error("what Redis has refused is not counted")
	}
}

// keepSessions does what a server does with sessions.
func keepSessions(t *testing.T, store adapter.SharedStore) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), clusterhost.Limit)
	defer cancel()
	one := &adapter.Session{ID: "id", Secret: "one", Data: []byte("{}")}
	two := &adapter.Session{ID: "id2", Secret: "two", Data: []byte("{}")}
	if err := store.Open(adapter.Node{ID: "a", Logger: slog.New(slog.DiscardHandler)}, adapter.Retention{Window: time.Minute, MaxBytes: 1 << 20, MaxSessions: 100}); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(store.Save(ctx, "/", one), store.Save(ctx, "/", two))
	err = errors.Join(err, store.(adapter.ReplyStore).AddReplies(ctx, "/", "one", []byte{1}))
	one.Ended = time.Now()
	err = errors.Join(err, store.Save(ctx, "/", one))
	if found, findErr := store.Find(ctx, "/", "one"); findErr != nil || found.ID != one.ID {
		t.Errorf("Find: %+v, %v", found, findErr)
	}
	count := 0
	left, expireErr := store.Expire(ctx, time.Now().Add(time.Hour), func(string, *adapter.Session) { count++ })
	if err = errors.Join(err, expireErr, store.Drop(ctx, "/", "two")); err != nil || count != 1 || !left {
		t.Errorf("%d sessions have expired, left %v: %v", count, left, err)
	}
}
