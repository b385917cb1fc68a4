// SPDX-License-Identifier: MIT

// This file holds what the sender does for a log: entries get their numbers in the order in
// which their transactions end, and after a lost connection it is known which are there.

package pgadapter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// A writer adds entries to the log. One lock is held from the first entry of a transaction
// to its end, so that numbers become visible in their order. A transaction whose connection
// was lost may still end: its writer has a fence in a row of its own, under the same lock,
// which the next connection raises. What is not in the log then never will be.
type writer struct {
	schema  *schema
	node    string // in entries
	channel string // of wake-ups
	reader  *reader
	fence   int64         // of the goroutine of the sender
	since   atomic.Uint64 // entries that may not be known have greater numbers
	began   atomic.Uint64 // the latest number before the first connection, and 1

	mu   sync.Mutex        // guards the fields below
	lost map[string]uint64 // the latest token of each namespace that is not in the log
	done map[string]uint64 // the latest one that is
}

// registerSQL raises the fence, and returns it with the latest number.
func (w *writer) registerSQL() string {
	return fmt.Sprintf(`INSERT INTO %s AS w (node, fence, seen) VALUES ($1, 1, now())
ON CONFLICT (node) DO UPDATE SET fence = w.fence + 1, seen = now()
RETURNING fence, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM %s)`, w.schema.table("writers"), w.schema.table("numbers"))
}

// freeSQL ends transactions of other servers that hold the lock and do not go on, because
// the server is frozen or cut off.
const freeSQL = `SELECT count(pg_terminate_backend(a.pid)) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = $1
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND a.wait_event = 'ClientRead' AND a.state_change < now() - interval '2 seconds'`

// register makes the writer the only one of its node, and returns those of the messages of
// the connection before that are not in the log. It also makes sure that what is in the log
// survives the end of Postgres.
func (w *writer) register(ctx context.Context, link *link, left []message) (unsent []message, err error) {
	defer link.within(ctx, answersIn)()
	ctx = context.Background()
	if _, err := link.Exec(ctx, "SELECT set_config('synchronous_commit', 'local', false) WHERE current_setting('synchronous_commit') = 'off'"); err != nil {
		return nil, err
	}
	if _, err := link.Exec(ctx, freeSQL, w.schema.lock("log")); err != nil && codeOf(err) == "" {
		return nil, err
	}
	tx, err := link.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // it does nothing after Commit
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", w.schema.lock("log")); err != nil {
		return nil, err
	}
	var last int64
	if err := tx.QueryRow(ctx, w.registerSQL(), w.node).Scan(&w.fence, &last); err != nil {
		return nil, err
	}
	if unsent, err = w.missing(ctx, tx, left); err != nil {
		return nil, err
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	w.since.Store(uint64(last))               //nolint:gosec // it is positive
	w.began.CompareAndSwap(0, uint64(last)+1) //nolint:gosec // as above
	w.settle()
	if !w.reader.ready.Swap(true) {
		w.reader.poke()
	}
	return unsent, nil
}

// missing returns those of messages that are not in the log. Notifications are in the
// transaction of the entries beside them, and are lost without entries.
func (w *writer) missing(ctx context.Context, tx pgx.Tx, left []message) (unsent []message, err error) {
	spaces := spacesOf(left)
	if len(spaces) == 0 {
		return nil, nil
	}
	type key struct {
		space string
		token uint64
	}
	there := make(map[key]bool)
	rows, _ := tx.Query(ctx, "SELECT nsp, token FROM "+w.schema.table("log")+" WHERE nsp = ANY($1) AND number > $2 AND node = $3",
		spaces, int64(w.since.Load()), w.node) //nolint:gosec // numbers are those of bigint
	var space string
	var token int64
	if _, err := pgx.ForEachRow(rows, []any{&space, &token}, func() error {
		there[key{space, uint64(token)}] = true //nolint:gosec // it was a uint64
		return nil
	}); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(left, func(m message) bool {
		return m.token == 0 && len(there) > 0 || m.token != 0 && there[key{m.space, m.token}]
	}), nil
}

// spacesOf returns the namespaces of entries.
func spacesOf(all []message) (spaces []string) {
	for _, m := range all {
		if m.token != 0 && !slices.Contains(spaces, m.space) {
			spaces = append(spaces, m.space)
		}
	}
	return spaces
}

// maxWake bounds the notification of a batch. One that is "" stands for all namespaces.
const maxWake = 6000

// queue adds the statements for entries: the lock, the fence, the entries, and the wake-up.
// A division by zero ends the transaction of a writer that is not the latest of its node.
func (w *writer) queue(b *pgx.Batch, entries []message) {
	spaces, tokens, data := make([]string, len(entries)), make([]int64, len(entries)), make([][]byte, len(entries))
	for i, m := range entries {
		spaces[i], tokens[i], data[i] = m.space, int64(m.token), m.data //nolint:gosec // and back
	}
	b.Queue("SELECT pg_advisory_xact_lock($1)", w.schema.lock("log"))
	b.Queue("SELECT 1 / count(*) FROM "+w.schema.table("writers")+" WHERE node = $1 AND fence = $2", w.node, w.fence)
	b.Queue(fmt.Sprintf(`INSERT INTO %s (nsp, number, time, node, token, data)
SELECT nsp, nextval('%s'), clock_timestamp(), $1, token, data FROM (
    SELECT * FROM unnest($2::text[], $3::bigint[], $4::bytea[]) WITH ORDINALITY AS t (nsp, token, data, i) ORDER BY i
) AS t`, w.schema.table("log"), w.schema.table("numbers")), w.node, spaces, tokens, data)
	wake := strings.Join(spacesOf(entries), "\n")
	if len(wake) > maxWake {
		wake = ""
	}
	b.Queue("SELECT pg_notify($1, $2)", w.channel, wake)
}

// lose records that messages will not be in the log, unless a transaction under way has
// them.
func (w *writer) lose(all []message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range all {
		if m.token != 0 {
			w.lost[m.space] = max(w.lost[m.space], m.token)
		}
	}
}

// settle tells the reader which entries were lost. No transaction is under way.
func (w *writer) settle() {
	w.mu.Lock()
	lost := w.lost
	if len(lost) > 0 {
		w.lost = make(map[string]uint64)
	}
	w.mu.Unlock()
	for space, token := range lost {
		w.reader.settle(space, token)
	}
}

// committed records that entries are in the log.
func (w *writer) committed(entries []message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range entries {
		w.done[m.space] = m.token
	}
}

// last returns the latest token of a namespace that is known to be in the log, or 0.
func (w *writer) last(space string) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[space]
}
