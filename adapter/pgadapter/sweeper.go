// SPDX-License-Identifier: MIT

// This file removes what is old.

package pgadapter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// A sweeper cleans the tables now and then.
type sweeper struct {
	links           *links
	schema          *schema
	keepAttachments time.Duration
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

// sweep removes a bounded number of old rows, unless another server does it now.
func (s *sweeper) sweep(ctx context.Context) error {
	return s.links.do(ctx, func(l *link) error { return s.sweepAttachments(l) })
}

const (
	sweptRows  = 1000 // in one statement
	sweptTimes = 20
)

// sweepAttachments removes old attachments. The table of Node.js has no index of the time:
// the oldest rows are found by their numbers.
func (s *sweeper) sweepAttachments(l *link) error {
	sql := fmt.Sprintf(`DELETE FROM %s WHERE id IN (SELECT id FROM (SELECT id, created_at FROM %[1]s ORDER BY id LIMIT %d) AS oldest
WHERE created_at < now() - make_interval(secs => $1)) AND pg_try_advisory_xact_lock($2)`, s.schema.attachments, sweptRows)
	for range sweptTimes {
		tag, err := l.Exec(context.Background(), sql, s.keepAttachments.Seconds(), s.schema.lock("sweep"))
		if err != nil || tag.RowsAffected() < sweptRows {
			return err
		}
	}
	return nil
}
