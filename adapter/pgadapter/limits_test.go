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
	"socketio/internal/clusterhost"
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
					all[0].Sent[""]++
					text := fmt.Sprintf("%shost0//%d", strings.Repeat(" ", size-300+150*extra), all[0].Sent[""])
					if _, err := all[0].Space.Broadcast(&adapter.Packet{Message: text}, adapter.Target{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			number := mustEmit(t, all[0])
			clusterhost.Eventually(t, "the last event", func() bool { return all[1].Heard("host0", "") == number })
			if lost := all[1].Lost(); lost != 0 {
				t.Errorf("%d events have not come", lost)
			}
		})
	}
}

func mustEmit(t *testing.T, h *clusterhost.Host) (number int) {
	t.Helper()
	number, err := h.Emit("")
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
		var all []*clusterhost.Host
		o := &pgadapter.Options{}
		for i := range 2 {
			h := clusterhost.NewIn(t, fmt.Sprint("host", i), name, modes[mode](server.Config(), o))
			all = append(all, h)
		}
		clusterhost.Settled(t, all)
	}
}

// The queue of notifications is full: events fail with an error that says so, until it has
// room again. The server has a function that fails as Postgres does then: before version 17,
// which has max_notify_queue_pages, the queue takes 8 GB.
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
			clusterhost.Eventually(t, "the error", func() bool { _, err := h.Emit(""); return errors.Is(err, pgadapter.ErrNotifyQueueFull) })
			clusterhost.Eventually(t, "a degraded state", func() bool { return errors.Is(h.Health().Degraded, pgadapter.ErrNotifyQueueFull) })
			server.Must(nil, "ALTER FUNCTION full_queue.pg_notify RENAME TO pg_notify_of_before")
			clusterhost.Exchange(t, all)
			clusterhost.Settled(t, all)
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
	clusterhost.Eventually(t, "notifications in the queue", func() bool {
		clusterhost.Exchange(t, all)
		var usage float64
		server.Must(&usage, "SELECT pg_notification_queue_usage()")
		return usage > 0
	})
	clusterhost.Settled(t, all)
}

// Events wait in a queue of bounded size while Postgres does not take them.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			o := options(newPrefix())
			o.MaxQueue = 1 << 20
			h := clusterhost.New(t, "host", modes[mode](server.Config(), o))
			clusterhost.Settled(t, []*clusterhost.Host{h})
			server.Pause()
			large := &adapter.Packet{Message: strings.Repeat("x", 100<<10)}
			var err error
			for range 1000 {
				if _, err = h.Space.Broadcast(large, adapter.Target{Rooms: []string{"nobody"}}); err != nil {
					break
				}
			}
			server.Resume()
			if !errors.Is(err, pgadapter.ErrQueueFull) {
				t.Errorf("Broadcast: %v, want ErrQueueFull", err)
			}
			clusterhost.Exchange(t, []*clusterhost.Host{h})
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
	var all []*clusterhost.Host
	for i := range 2 {
		all = append(all, clusterhost.New(t, fmt.Sprint("host", i), pgadapter.Notify(server.ConfigOf("chat", server.Addr()), o)))
	}
	clusterhost.Settled(t, all)
	large := func(number int) {
		t.Helper()
		p := &adapter.Packet{Message: fmt.Sprint(strings.Repeat(" ", 9000), "L//", number)}
		if _, err := all[0].Space.Broadcast(p, adapter.Target{}); err != nil {
			t.Fatal(err)
		}
	}
	large(1)
	clusterhost.Eventually(t, "a degraded state", func() bool {
		err := all[0].Health().Degraded
		return err != nil && strings.Contains(err.Error(), "permission denied for table p_attachments")
	})
	if lost := all[0].Stats().Lost; lost != 1 {
		t.Errorf("%d messages are lost, of which Postgres has refused one", lost)
	}
	clusterhost.Exchange(t, all)
	server.Must(nil, "GRANT SELECT, INSERT, DELETE ON p_attachments TO chat")
	server.Must(nil, "GRANT USAGE ON SEQUENCE p_attachments_id_seq TO chat")
	large(2)
	clusterhost.Eventually(t, "a large event", func() bool { return all[1].Heard("L", "") == 2 })

	server.Must(nil, "CREATE ROLE owner LOGIN")
	server.Must(nil, "CREATE SCHEMA chat AUTHORIZATION owner")
	own := options("q")
	own.Table, own.TablePrefix = "chat.attachments", "chat.q_"
	all = nil
	for i := range 2 {
		all = append(all, clusterhost.New(t, fmt.Sprint("own", i), pgadapter.Outbox(server.ConfigOf("owner", server.Addr()), own)))
	}
	clusterhost.Settled(t, all)
}
