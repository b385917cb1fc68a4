// SPDX-License-Identifier: MIT

// This file holds the sessions of clients that may come back.

package pgadapter

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// sessions is the cluster.Sessions of Outbox.
type sessions struct {
	links   *links
	table   string
	replies string // the table of those that were added

	reported []sessionKey // used by Expire
}

// A sessionKey names a session that Expire has reported, or can't read, and has not removed
// yet.
type sessionKey struct{ namespace, secret string }

var _ cluster.ReplySessions = (*sessions)(nil)

// exec sends a statement and returns how many rows it has affected. See sql.
func (s *sessions) exec(ctx context.Context, sql string, args ...any) (rows int64, err error) {
	err = s.links.do(ctx, func(l *link) error {
		tag, err := l.Exec(context.Background(), s.sql(sql), args...)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// sql returns a statement. TABLE stands for the table of sessions, REPLIES for that of the
// replies that were added, and ADDED for those of the session s, together.
func (s *sessions) sql(sql string) string {
	sql = strings.ReplaceAll(sql, "ADDED", "(SELECT string_agg(r.data, ''::bytea ORDER BY r.number) FROM REPLIES AS r WHERE r.nsp = s.nsp AND r.secret = s.secret)")
	return strings.NewReplacer("TABLE", s.table, "REPLIES", s.replies).Replace(sql)
}

// Put implements cluster.Sessions.
func (s *sessions) Put(ctx context.Context, namespace, owner string, session *adapter.Session) error {
	data, err := nodewire.AppendSession(nil, &nodewire.SessionRecord{Namespace: namespace, Owner: owner, Session: *session})
	if err != nil {
		return err
	}
	var ended *time.Time
	if !session.Ended.IsZero() {
		ended = &session.Ended
	}
	stored := false
	err = s.links.do(ctx, func(l *link) error {
		return l.QueryRow(context.Background(), s.sql(`WITH put AS (
    INSERT INTO TABLE AS s (nsp, secret, owner, stored, ended, data) VALUES ($1, $2, $3, clock_timestamp(), $4, $5)
    ON CONFLICT (nsp, secret) DO UPDATE SET stored = EXCLUDED.stored, ended = EXCLUDED.ended, data = EXCLUDED.data
    WHERE s.owner = EXCLUDED.owner AND NOT s.expiring RETURNING s.nsp, s.secret
), old AS (DELETE FROM REPLIES AS r USING put WHERE r.nsp = put.nsp AND r.secret = put.secret)
SELECT EXISTS (SELECT FROM put)`), namespace, session.Secret, owner, ended, data).Scan(&stored)
	})
	if err == nil && !stored {
		return cluster.ErrTaken
	}
	return err
}

// AddReplies implements cluster.ReplySessions. It locks the session, so that who takes that
// finds the replies.
func (s *sessions) AddReplies(ctx context.Context, namespace, owner, secret string, data []byte) error {
	return s.links.do(ctx, func(l *link) error {
		tag, err := l.Exec(context.Background(), s.sql(`WITH s AS (
    SELECT nsp, secret FROM TABLE WHERE nsp = $1 AND secret = $2 AND owner = $3 AND ended IS NULL AND NOT expiring FOR SHARE
) INSERT INTO REPLIES (nsp, secret, data) SELECT nsp, secret, $4::bytea FROM s`), namespace, secret, owner, data)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		var other bool
		if err := l.QueryRow(context.Background(), s.sql("SELECT owner <> $3 FROM TABLE WHERE nsp = $1 AND secret = $2 AND NOT expiring"),
			namespace, secret, owner).Scan(&other); err != nil || !other {
			return noSession(cmp.Or(err, pgx.ErrNoRows))
		}
		return cluster.ErrTaken
	})
}

// Get implements cluster.Sessions.
func (s *sessions) Get(ctx context.Context, namespace, secret string) (session *adapter.Session, owner string, err error) {
	var data, added []byte
	err = s.links.do(ctx, func(l *link) error {
		return l.QueryRow(context.Background(), s.sql("SELECT owner, data, ADDED FROM TABLE AS s WHERE nsp = $1 AND secret = $2 AND NOT expiring"),
			namespace, secret).Scan(&owner, &data, &added)
	})
	if err != nil {
		return nil, "", noSession(err)
	}
	session, err = decodeSession(data, added)
	return session, owner, err
}

// noSession returns ErrNoSession for no rows.
func noSession(err error) error {
	if noRows(err) {
		return adapter.ErrNoSession
	}
	return err
}

func decodeSession(data, added []byte) (*adapter.Session, error) {
	r, err := nodewire.DecodeSession(data)
	if err != nil {
		return nil, err
	}
	r.Replies = append(r.Replies, added...)
	return &r.Session, nil
}

// Take implements cluster.Sessions.
func (s *sessions) Take(ctx context.Context, namespace, secret, by, from string, live bool) (*adapter.Session, error) {
	var data, added []byte
	err := s.links.do(ctx, func(l *link) error {
		err := l.QueryRow(context.Background(), s.sql(`UPDATE TABLE SET owner = $3, stored = clock_timestamp()
WHERE nsp = $1 AND secret = $2 AND owner = $4 AND NOT expiring AND (ended IS NOT NULL OR $5) RETURNING data`),
			namespace, secret, by, from, live).Scan(&data)
		if err == nil { // not in the same statement, which does not see what was added while it has waited for the session
			return l.QueryRow(context.Background(), s.sql("SELECT ADDED FROM TABLE AS s WHERE nsp = $1 AND secret = $2"), namespace, secret).Scan(&added)
		}
		if !noRows(err) {
			return err
		}
		var there bool
		if err := l.QueryRow(context.Background(), s.sql("SELECT EXISTS (SELECT FROM TABLE WHERE nsp = $1 AND secret = $2 AND NOT expiring)"),
			namespace, secret).Scan(&there); err != nil {
			return err
		}
		if there {
			return cluster.ErrTaken
		}
		return adapter.ErrNoSession
	})
	if err != nil {
		return nil, err
	}
	return decodeSession(data, added)
}

// Drop implements cluster.Sessions.
func (s *sessions) Drop(ctx context.Context, namespace, secret, owner string) error {
	_, err := s.exec(ctx, "DELETE FROM TABLE WHERE nsp = $1 AND secret = $2 AND owner = $3 AND NOT expiring", namespace, secret, owner)
	return err
}

// Owned implements cluster.Sessions.
func (s *sessions) Owned(ctx context.Context, namespace, owner string, secrets []string) (owned []string, err error) {
	if len(secrets) == 0 {
		return nil, ctx.Err()
	}
	err = s.links.do(ctx, func(l *link) error {
		rows, _ := l.Query(context.Background(), s.sql("SELECT secret FROM TABLE WHERE nsp = $1 AND secret = ANY($2) AND owner = $3 AND NOT expiring"), namespace, secrets, owner)
		owned, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return owned, err
}

// An expiring is a session that Expire has taken.
type expiring struct {
	sessionKey
	session *adapter.Session // nil if it can't be read
}

// Expire implements cluster.Sessions.
func (s *sessions) Expire(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	if err := s.remove(ctx, by); err != nil {
		return true, err
	}
	dead, err := s.dead(ctx, by, alive)
	if err != nil {
		return true, err
	}
	taken, err := s.expire(ctx, by, before, dead, limit)
	if err != nil {
		return true, err
	}
	for _, one := range taken {
		if one.session != nil {
			expired(one.namespace, one.session)
		}
		s.reported = append(s.reported, one.sessionKey)
	}
	if err := s.remove(ctx, by); err != nil {
		return true, err
	}
	err = s.links.do(ctx, func(l *link) error {
		return l.QueryRow(context.Background(), s.sql("SELECT EXISTS (SELECT FROM TABLE)")).Scan(&left)
	})
	return left || err != nil, err
}

// dead returns the owners of sessions that are not alive. They are found one after the other
// in the index, since there are few.
func (s *sessions) dead(ctx context.Context, by string, alive func(owner string) bool) (dead []string, err error) {
	dead = []string{}
	err = s.links.do(ctx, func(l *link) error {
		rows, _ := l.Query(context.Background(), s.sql(`WITH RECURSIVE o AS (
    (SELECT owner FROM TABLE ORDER BY owner LIMIT 1)
    UNION ALL SELECT (SELECT owner FROM TABLE AS s WHERE s.owner > o.owner ORDER BY owner LIMIT 1) FROM o WHERE o.owner IS NOT NULL
) SELECT owner FROM o WHERE owner IS NOT NULL`))
		owners, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, owner := range owners {
			if owner != by && !alive(owner) {
				dead = append(dead, owner)
			}
		}
		return err
	})
	return dead, err
}

// expire marks sessions as taken by Expire, and returns them. Those of this node that are
// marked already were not reported: the answer of Postgres was lost.
func (s *sessions) expire(ctx context.Context, by string, before time.Time, dead []string, limit int) (taken []expiring, err error) {
	err = s.links.do(ctx, func(l *link) error {
		rows, _ := l.Query(context.Background(), s.sql(`UPDATE TABLE AS s SET owner = $1, expiring = true FROM (
    SELECT nsp, secret FROM TABLE WHERE owner = $1 AND (expiring OR ended < $2)
    OR owner = ANY($3) AND (expiring OR ended < $2 OR ended IS NULL AND stored < $2)
    LIMIT $4 FOR UPDATE SKIP LOCKED
) AS old WHERE s.nsp = old.nsp AND s.secret = old.secret RETURNING s.nsp, s.secret, s.data, ADDED`), by, before, dead, limit)
		var key sessionKey
		var data, added []byte
		_, err := pgx.ForEachRow(rows, []any{&key.namespace, &key.secret, &data, &added}, func() error {
			session, err := decodeSession(data, added)
			if err != nil {
				session = nil // nobody can read it
			}
			taken, data, added = append(taken, expiring{key, session}), nil, nil
			return nil
		})
		return err
	})
	return taken, err
}

// remove removes the sessions that were reported.
func (s *sessions) remove(ctx context.Context, by string) error {
	if len(s.reported) == 0 {
		return nil
	}
	namespaces, secrets := make([]string, len(s.reported)), make([]string, len(s.reported))
	for i, key := range s.reported {
		namespaces[i], secrets[i] = key.namespace, key.secret
	}
	_, err := s.exec(ctx, `DELETE FROM TABLE AS s USING unnest($1::text[], $2::text[]) AS o (nsp, secret)
WHERE s.nsp = o.nsp AND s.secret = o.secret AND s.owner = $3 AND s.expiring`, namespaces, secrets, by)
	if err == nil {
		s.reported = nil
	}
	return err
}
