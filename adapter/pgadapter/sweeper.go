// SPDX-License-Identifier: MIT

// This file removes what is old.

package pgadapter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A sweeper cleans the tables now and then.
type sweeper struct {
	links           *links
	schema          *schema
	keepAttachments time.Duration
	writer          *writer // nil in Notify
}

// run cleans until ctx ends. Errors are left to the next time: the connections that send and
// receive tell when Postgres is down.
func (s *sweeper) run(ctx context.Context) {
	for {
		t := time.NewTimer(sweepEvery/2 + rand.N(sweepEvery))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		s.links.forget(time.Now().Add(-sweepEvery))
		_ = s.sweep(ctx)
	}
}

// sweep removes a bounded number of old rows, and partitions of the log.
func (s *sweeper) sweep(ctx context.Context) error {
	err := s.links.do(ctx, s.sweepAttachments)
	if s.writer == nil {
		return err
	}
	return errors.Join(err,
		s.links.do(ctx, func(l *link) error { return s.schema.partitions(ctx, l) }),
		s.links.do(ctx, s.sweepWriters),
		s.links.do(ctx, s.sweepLog))
}

const (
	sweptRows  = 1000 // in one statement
	sweptTimes = 20
)

// sweepAttachments removes old attachments, unless another server does it now. The table of
// Node.js has no index of the time: the oldest rows are found by their numbers.
func (s *sweeper) sweepAttachments(l *link) error {
	sql := fmt.Sprintf(`DELETE FROM %s WHERE id IN (SELECT id FROM (SELECT id, created_at FROM %[1]s ORDER BY id LIMIT %d) AS oldest
WHERE created_at < now() - make_interval(secs => $1) AND (SELECT pg_try_advisory_xact_lock($2)))`, s.schema.attachments, sweptRows)
	for range sweptTimes {
		tag, err := l.Exec(context.Background(), sql, s.keepAttachments.Seconds(), s.schema.lock("sweep "+s.schema.attachments))
		if err != nil || tag.RowsAffected() < sweptRows {
			return err
		}
	}
	return nil
}

// sweepWriters removes the rows of servers that have ended long ago.
func (s *sweeper) sweepWriters(l *link) error {
	ctx, table := context.Background(), s.schema.table("writers")
	if _, err := l.Exec(ctx, "UPDATE "+table+" SET seen = now() WHERE node = $1", s.writer.node); err != nil {
		return err
	}
	_, err := l.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE node IN (SELECT node FROM %[1]s WHERE seen < now() - interval '1 day' LIMIT %d FOR UPDATE SKIP LOCKED)",
		table, sweptRows))
	return err
}

// sweepLog drops the partitions of the log whose entries are all too old. It records the
// number of the latest entry of each namespace that is removed, in the same transaction.
func (s *sweeper) sweepLog(l *link) error {
	ctx := context.Background()
	var now time.Time
	if err := l.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return err
	}
	rows, _ := l.Query(ctx, "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)", s.schema.table("log"))
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		end, ok := partitionEnd(strings.TrimPrefix(name, plain(s.schema.prefix)))
		if !ok || end.After(now.Add(-s.schema.keep)) {
			continue
		}
		if err := s.schema.drop(l, strings.TrimPrefix(name, plain(s.schema.prefix))); err != nil {
			return err
		}
	}
	return nil
}
