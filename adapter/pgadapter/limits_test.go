// SPDX-License-Identifier: MIT

// This file tests bounds: sizes of notifications, names, queues, permissions.

package pgadapter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
)

// Notifications of just less and just more than Postgres takes, and much larger ones,
// between small ones, arrive in order, with all their bytes.
func TestSizesKeepTheOrder(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			all := hosts(t, mode, 2, server.Config())
			for _, size := range []int{7999, 8000, 8001, 900 << 10, 7500} {
				for extra := range 3 {
					for range 3 {
						mustEmit(t, all[0])
					}
					all[0].sent[""]++
					text := fmt.Sprintf("%shost0//%d", strings.Repeat(" ", size-300+150*extra), all[0].sent[""])
					if _, err := all[0].space.Broadcast(&adapter.Packet{Message: text}, adapter.Target{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			number := mustEmit(t, all[0])
			eventually(t, "the last event", func() bool { return all[1].heard("host0", "") == number })
			if lost := all[1].lost(); lost != 0 {
				t.Errorf("%d events have not come", lost)
			}
		})
	}
}

func mustEmit(t *testing.T, h *host) (number int) {
	t.Helper()
	number, err := h.emit("")
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// Of panics for a namespace whose channel has more than 63 bytes with Notify. Outbox has
// each.
func TestNamesOfNamespaces(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	longest := "/" + strings.Repeat("n", 63-len("socket.io#/"))
	of := func(c *cluster.Cluster, name string) (panics string) {
		io := socketio.NewServer(&socketio.Options{Cluster: c})
		defer func() {
			if err := io.Close(); err != nil {
				t.Error(err)
			}
		}()
		defer func() {
			if r := recover(); r != nil {
				panics = fmt.Sprint(r)
			}
		}()
		io.Of(name)
		return ""
	}
	if got := of(pgadapter.Notify(server.Config(), nil), longest); got != "" {
		t.Errorf("Of panics for a name that fits: %s", got)
	}
	if got := of(pgadapter.Notify(server.Config(), nil), longest+"n"); !strings.Contains(got, "has 64 bytes, at most 63") {
		t.Errorf("Of a name that is too long panics with %q", got)
	}
	if got := of(pgadapter.Outbox(server.Config(), nil), longest+"n"); got != "" {
		t.Errorf("Of panics for a name of Outbox: %s", got)
	}
	for mode, name := range map[string]string{"notify": longest, "outbox": "/" + strings.Repeat("n", 254)} {
		var all []*host
		o := &pgadapter.Options{}
		for i := range 2 {
			h := &host{nsp: name}
			h.open(t, fmt.Sprint("host", i), modes[mode](server.Config(), o))
			all = append(all, h)
		}
		settled(t, all)
	}
}

// The queue of notifications is full: events fail with an error that says so, until it has
// room again. The server has a function that fails as Postgres does then.
func TestNotifyQueueIsFull(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	server.Must(nil, "CREATE ROLE chat LOGIN SUPERUSER")
	server.Must(nil, "CREATE SCHEMA full_queue")
	server.Must(nil, `CREATE FUNCTION full_queue.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE 'too many notifications in the NOTIFY queue' USING ERRCODE = '54000'; END $$`)
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			all := hosts(t, mode, 2, server.ConfigOf("chat", server.Addr()), "room")
			server.Must(nil, "ALTER ROLE chat SET search_path = full_queue, pg_catalog, public")
			killConnections(server, "%")
			h := all[0]
			eventually(t, "the error", func() bool { _, err := h.emit(""); return errors.Is(err, pgadapter.ErrNotifyQueueFull) })
			eventually(t, "a degraded state", func() bool { return errors.Is(h.Health().Degraded, pgadapter.ErrNotifyQueueFull) })
			server.Must(nil, "ALTER FUNCTION full_queue.pg_notify RENAME TO pg_notify_of_before")
			exchange(t, all)
			settled(t, all)
			server.Must(nil, "ALTER FUNCTION full_queue.pg_notify_of_before RENAME TO pg_notify")
			server.Must(nil, "ALTER ROLE chat RESET search_path")
		})
	}
}

// A session that listens and stays in a transaction keeps notifications in the queue.
// Servers receive what they send meanwhile.
func TestListenerInATransaction(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	slow := dial(t, server)
	all := hosts(t, "notify", 2, server.Config(), "room")
	for _, sql := range []string{"LISTEN something", "BEGIN", "SELECT 1"} {
		if _, err := slow.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "notifications in the queue", func() bool {
		exchange(t, all)
		var usage float64
		server.Must(&usage, "SELECT pg_notification_queue_usage()")
		return usage > 0
	})
	settled(t, all)
}

// Events wait in a queue of bounded size while Postgres does not take them.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			o := options(newPrefix())
			o.MaxQueue = 1 << 20
			h := newHost(t, "host", modes[mode](server.Config(), o))
			settled(t, []*host{h})
			server.Pause()
			large := &adapter.Packet{Message: strings.Repeat("x", 100<<10)}
			var err error
			for range 1000 {
				if _, err = h.space.Broadcast(large, adapter.Target{Rooms: []string{"nobody"}}); err != nil {
					break
				}
			}
			server.Resume()
			if !errors.Is(err, pgadapter.ErrQueueFull) {
				t.Errorf("Broadcast: %v, want ErrQueueFull", err)
			}
			exchange(t, []*host{h})
		})
	}
}

// Without the right to store attachments, small events are sent and the log says what is
// refused. The rights that docs/cluster.md names are enough.
func TestPermissions(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	server.Must(nil, "CREATE ROLE chat LOGIN")
	o := options("p")
	o.TablesExist = true
	server.Must(nil, strings.SplitAfter(pgadapter.Schema(o), ";")[0])
	var all []*host
	for i := range 2 {
		all = append(all, newHost(t, fmt.Sprint("host", i), pgadapter.Notify(server.ConfigOf("chat", server.Addr()), o)))
	}
	settled(t, all)
	large := func(number int) {
		t.Helper()
		p := &adapter.Packet{Message: fmt.Sprint(strings.Repeat(" ", 9000), "L//", number)}
		if _, err := all[0].space.Broadcast(p, adapter.Target{}); err != nil {
			t.Fatal(err)
		}
	}
	large(1)
	eventually(t, "a degraded state", func() bool {
		err := all[0].Health().Degraded
		return err != nil && strings.Contains(err.Error(), "permission denied for table p_attachments")
	})
	exchange(t, all)
	server.Must(nil, "GRANT SELECT, INSERT, DELETE ON p_attachments TO chat")
	server.Must(nil, "GRANT USAGE ON SEQUENCE p_attachments_id_seq TO chat")
	large(2)
	eventually(t, "a large event", func() bool { return all[1].heard("L", "") == 2 })

	server.Must(nil, "CREATE ROLE owner LOGIN")
	server.Must(nil, "CREATE SCHEMA chat AUTHORIZATION owner")
	own := options("q")
	own.Table, own.TablePrefix = "chat.attachments", "chat.q_"
	all = nil
	for i := range 2 {
		all = append(all, newHost(t, fmt.Sprint("own", i), pgadapter.Outbox(server.ConfigOf("owner", server.Addr()), own)))
	}
	settled(t, all)
}
