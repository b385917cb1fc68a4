// SPDX-License-Identifier: MIT

// This file tests what is removed, and what is not lost.

package pgadapter_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
)

// A logTap is the receiver of a bus, which keeps what comes.
type logTap struct {
	nobody
	mu      sync.Mutex
	opened  bool
	entries []cluster.Entry
	settled uint64
}

func (l *logTap) LogOpened(string, string, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = true
}

func (l *logTap) Entry(_ string, e cluster.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

func (l *logTap) Settled(_ string, token uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled = token
}

// came returns the entries that have come.
func (l *logTap) came() []cluster.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entries
}

// openLog opens a bus and its log of "/".
func openLog(t *testing.T, server *pgtest.Server, o *pgadapter.Options) (cluster.LogBus, *logTap) {
	b, l := pgadapter.NewLogBus(server.Config(), o), new(logTap)
	if err := b.Open(l); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	b.OpenLog("/")
	clusterhost.Eventually(t, "the end of the log", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.opened })
	return b, l
}

func mustAppend(t *testing.T, b cluster.LogBus, token uint64) {
	t.Helper()
	if err := b.Append("/", token, fmt.Appendf(nil, `{"token":%d}`, token)); err != nil {
		t.Fatal(err)
	}
}

// Old partitions of the log are dropped whole, and Read tells that their entries are gone;
// those of the present stay. Attachments and the rows of servers that ended long ago are
// removed.
func TestOldRowsAreRemoved(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	o := options("p")
	b, l := openLog(t, server, o)
	mustAppend(t, b, 1)
	mustAppend(t, b, 2)
	clusterhost.Eventually(t, "two entries", func() bool { return len(l.came()) == 2 })
	server.Must(nil, `CREATE TABLE p_log_300_300 PARTITION OF p_log FOR VALUES FROM (to_timestamp(300)) TO (to_timestamp(600))`)
	server.Must(nil, "UPDATE p_log SET time = to_timestamp(400) WHERE token = 1")
	server.Must(nil, "INSERT INTO p_writers VALUES ('old', 1, now() - interval '2 days')")
	server.Must(nil, "INSERT INTO p_attachments (created_at, payload) SELECT now() - interval '1 hour', 'x' FROM generate_series(1, 2500)")
	server.Must(nil, "INSERT INTO p_attachments (payload) VALUES ('new')")
	first, second := l.came()[0].Number, l.came()[1].Number
	read := func(after uint64) (count int, err error) {
		for _, err = range b.Read(t.Context(), "/", after, second) {
			if err == nil {
				count++
			}
		}
		return count, err
	}
	if count, err := read(first - 1); count != 2 || err != nil {
		t.Errorf("Read before the end of a partition: %d entries, %v", count, err)
	}
	if err := pgadapter.Sweep(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := read(first - 1); !errors.Is(err, adapter.ErrTrimmed) {
		t.Errorf("Read of what was removed: %v", err)
	}
	if count, err := read(first); count != 1 || err != nil {
		t.Errorf("Read of the rest: %d entries, %v", count, err)
	}
	for sql, want := range map[string]int{
		"SELECT count(*) FROM p_attachments": 1, "SELECT count(*) FROM p_writers": 1, "SELECT count(*) FROM p_log": 1,
		"SELECT count(*) FROM pg_class WHERE relname = 'p_log_300_300'": 0,
	} {
		var got int
		if server.Must(&got, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	mustAppend(t, b, 3)
	clusterhost.Eventually(t, "another entry", func() bool { return len(l.came()) == 3 })
}

// A partition that is missing is created when an entry needs it.
func TestPartitionsAreCreated(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	b, l := openLog(t, server, options("p"))
	mustAppend(t, b, 1)
	clusterhost.Eventually(t, "an entry", func() bool { return len(l.came()) == 1 })
	server.Must(nil, `DO $$ DECLARE r record; BEGIN FOR r IN SELECT inhrelid::regclass AS part FROM pg_inherits WHERE inhparent = 'p_log'::regclass
LOOP EXECUTE 'DROP TABLE ' || r.part; END LOOP; END $$`)
	mustAppend(t, b, 2)
	clusterhost.Eventually(t, "another entry", func() bool { return len(l.came()) == 2 })
}

// While the connection that sends is ended again and again, each entry comes once, in order:
// what was under way is looked up, and what is not there is sent again.
func TestEntriesSurviveLostConnections(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	b, l := openLog(t, server, options("p"))
	other, heard := openLog(t, server, options("p"))
	_ = other
	const count = 2000
	sent := make(map[uint64]bool)
	for token := uint64(1); token <= count; token++ {
		if b.Append("/", token, fmt.Appendf(nil, `{"token":%d}`, token)) == nil {
			sent[token] = true
		}
		if token%200 == 0 {
			killConnections(server, "%pg_notify%")
		}
	}
	clusterhost.Eventually(t, "the fate of all entries", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.settled >= count || len(l.entries) > 0 && l.entries[len(l.entries)-1].Token == count
	})
	came := make(map[uint64]bool)
	last := uint64(0)
	l.mu.Lock()
	entries, settled := l.entries, l.settled
	l.mu.Unlock()
	for _, e := range entries {
		if e.Token <= last {
			t.Errorf("token %d has come after %d", e.Token, last)
		}
		last, came[e.Token] = e.Token, true
	}
	for token := range sent {
		if !came[token] && token > settled {
			t.Errorf("token %d was appended; it has not come, and is not settled", token)
		}
	}
	t.Logf("%d appended, %d have come, settled %d", len(sent), len(came), settled)
	clusterhost.Eventually(t, "the other server", func() bool { return len(heard.came()) == len(came) })
}
