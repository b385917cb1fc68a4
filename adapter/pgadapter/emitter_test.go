// SPDX-License-Identifier: MIT

// This file tests emitters.

package pgadapter_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
)

// dial returns a connection to a server.
func dial(t *testing.T, s *pgtest.Server) *pgx.Conn {
	t.Helper()
	c, err := pgx.ConnectConfig(t.Context(), s.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// A tap receives notifications.
type tap struct {
	t    *testing.T
	conn *pgx.Conn
}

func newTap(t *testing.T, s *pgtest.Server, channels ...string) tap {
	c := dial(t, s)
	for _, channel := range channels {
		if _, err := c.Exec(t.Context(), "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			t.Fatal(err)
		}
	}
	return tap{t, c}
}

// next returns the next notification, and its attachment in hexadecimal digits.
func (p tap) next() (channel, data string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), clusterhost.Limit)
	defer cancel()
	n, err := p.conn.WaitForNotification(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	var id string
	if i := strings.Index(n.Payload, `"attachmentId":"`); i > 0 {
		id = strings.TrimSuffix(n.Payload[i+len(`"attachmentId":"`):], `"}`)
		var payload []byte
		if err := p.conn.QueryRow(ctx, "SELECT payload FROM socket_io_attachments WHERE id = $1::text::bigint", id).Scan(&payload); err != nil {
			p.t.Fatal(err)
		}
		return n.Channel, n.Payload[:i] + " " + hex.EncodeToString(payload)
	}
	return n.Channel, n.Payload
}

// An emitter notifies as the one of npm does, with the name of the namespace, which that
// forgets.
func TestEmitter(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	db := dial(t, s)
	if _, err := db.Exec(t.Context(), strings.SplitAfter(pgadapter.Schema(nil), ";")[0]); err != nil {
		t.Fatal(err)
	}
	e := pgadapter.NewEmitter(db, nil)
	wire := newTap(t, s, "socket.io#/", "socket.io#/n")
	for i, c := range []struct {
		name          string
		do            func(e *pgadapter.Emitter) error
		channel, data string
	}{
		{"emit", func(e *pgadapter.Emitter) error { return e.Emit("hello", 1, "a") }, "socket.io#/",
			`{"type":3,"data":{"packet":{"type":2,"data":["hello",1,"a"]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"emitter","nsp":"/","count":1}`},
		{"the same again", func(e *pgadapter.Emitter) error { return e.Emit("hello", 1, "a") }, "socket.io#/",
			`{"type":3,"data":{"packet":{"type":2,"data":["hello",1,"a"]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"emitter","nsp":"/","count":2}`},
		{"a room", func(e *pgadapter.Emitter) error { return e.To("room1").Volatile().Compress(false).Emit("hello") }, "socket.io#/",
			`{"type":3,"data":{"packet":{"type":2,"data":["hello"]},"opts":{"rooms":["room1"],"except":[],"flags":{"volatile":true,"compress":false}}},"uid":"emitter","nsp":"/","count":3}`},
		{"bytes", func(e *pgadapter.Emitter) error { return e.Of("n").Emit("x", []byte{1, 2}) }, "socket.io#/n",
			`{"uid":"emitter", 84a47479706503a46461746182a67061636b657482a47479706502a46461746192a178c4020102a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964a7656d6974746572a36e7370a22f6e`},
		{"join", func(e *pgadapter.Emitter) error { return e.In("room1").SocketsJoin("r2") }, "socket.io#/",
			`{"type":4,"data":{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["r2"]},"uid":"emitter","nsp":"/","count":4}`},
		{"leave", func(e *pgadapter.Emitter) error { return e.Except("room1").SocketsLeave("r2", "r3") }, "socket.io#/",
			`{"type":5,"data":{"opts":{"rooms":[],"except":["room1"],"flags":{}},"rooms":["r2","r3"]},"uid":"emitter","nsp":"/","count":5}`},
		{"close", func(e *pgadapter.Emitter) error { return e.CloseConns() }, "socket.io#/",
			`{"type":6,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"close":true},"uid":"emitter","nsp":"/","count":6}`},
		{"an event for servers", func(e *pgadapter.Emitter) error { return e.ServerSideEmit("sse") }, "socket.io#/",
			`{"type":9,"data":{"packet":["sse"]},"uid":"emitter","nsp":"/","count":7}`},
	} {
		if err := c.do(e); err != nil {
			t.Fatalf("%d %s: %v", i, c.name, err)
		}
		if channel, data := wire.next(); channel != c.channel || data != c.data {
			t.Errorf("%s: %s\n     %s, want %s\n     %s", c.name, channel, data, c.channel, c.data)
		}
	}
	for what, got := range map[string]struct{ err, want error }{
		"a reserved name": {e.Emit("disconnect"), socketio.ErrReservedEvent},
		"a large event":   {e.Emit("x", strings.Repeat("x", 17<<20)), cluster.ErrTooLarge},
		"a long name":     {e.Of(strings.Repeat("n", 60)).Emit("x"), pgadapter.ErrNamespace},
		"nobody":          {e.To().Emit("x"), nil},
	} {
		if !errors.Is(got.err, got.want) {
			t.Errorf("%s: %v, want %v", what, got.err, got.want)
		}
	}
}

// Servers receive what emitters send: also in transactions, when these end.
func TestServersHearEmitters(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	for mode, newEmitter := range map[string]func(pgadapter.Executor, *pgadapter.EmitterOptions) *pgadapter.Emitter{
		"notify": pgadapter.NewEmitter, "outbox": pgadapter.NewOutboxEmitter,
	} {
		t.Run(mode, func(t *testing.T) {
			o := options(newPrefix())
			h := clusterhost.New(t, "host", modes[mode](s.Config(), o), "room")
			clusterhost.Settled(t, []*clusterhost.Host{h, clusterhost.New(t, "another", modes[mode](s.Config(), o), "room")})
			db, opts := dial(t, s), &pgadapter.EmitterOptions{Prefix: o.Prefix, Table: o.Table, TablePrefix: o.TablePrefix}
			number := 0
			emit := func(db pgadapter.Executor) {
				t.Helper()
				number++
				if err := newEmitter(db, opts).To("room").Emit(fmt.Sprintf("E//%d", number)); err != nil {
					t.Fatal(err)
				}
			}
			emit(db)
			clusterhost.Eventually(t, "an event", func() bool { return h.Heard("E", "") == 1 })
			tx, err := db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			emit(tx)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			emit(db)
			clusterhost.Eventually(t, "the event after a transaction that was rolled back", func() bool { return h.Heard("E", "") == 3 })
			if tx, err = db.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			emit(tx)
			emit(tx)
			if clusterhost.HoldsWithin(50*time.Millisecond, func() bool { return h.Heard("E", "") > 3 }) {
				t.Error("an event has come before its transaction has ended")
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			clusterhost.Eventually(t, "the events of a transaction", func() bool { return h.Heard("E", "") == 5 })
			if err := newEmitter(db, opts).In("room").SocketsJoin("other"); err != nil {
				t.Fatal(err)
			}
			clusterhost.Eventually(t, "a socket that was moved", func() bool { return len(h.Space.Members(adapter.Target{Rooms: []string{"other"}})) == 1 })
		})
	}
}
