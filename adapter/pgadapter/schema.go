// SPDX-License-Identifier: MIT

// This file holds the tables.

package pgadapter

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// A schema has the names of the tables, as identifiers of SQL, and creates them.
type schema struct {
	attachments string
	prefix      string // of the tables of Outbox, not quoted; "" in Notify
	keep        time.Duration
	skip        bool
	made        bool // of the sender: they exist
}

// table returns the name of a table of Outbox.
func (s *schema) table(name string) string { return quote(s.prefix + name) }

// lock is the number of the lock for the tables of Outbox, or for the creation of tables.
func (s *schema) lock(what string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("socketio " + what + " " + s.prefix))
	return int64(h.Sum64()) //nolint:gosec // any number
}

// attachmentsSQL is the statement that Node.js documents.
func (s *schema) attachmentsSQL() string {
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
    id bigserial UNIQUE,
    created_at timestamptz DEFAULT NOW(),
    payload bytea
);
`, s.attachments)
}

// outboxSQL creates the tables of Outbox.
func (s *schema) outboxSQL() string {
	names := []string{"@by_number", quote(plain(s.prefix) + "log_by_number"), "@by_owner", quote(plain(s.prefix) + "sessions_by_owner")}
	for _, name := range outboxTables {
		names = append(names, "@"+name, s.table(name))
	}
	return strings.NewReplacer(names...).Replace(`CREATE SEQUENCE IF NOT EXISTS @numbers;
CREATE TABLE IF NOT EXISTS @log (
    nsp text NOT NULL,
    number bigint NOT NULL,
    time timestamptz NOT NULL,
    node text NOT NULL,
    token bigint NOT NULL,
    data bytea NOT NULL
) PARTITION BY RANGE (time);
CREATE INDEX IF NOT EXISTS @by_number ON @log (nsp, number);
CREATE TABLE IF NOT EXISTS @epoch (epoch text NOT NULL);
INSERT INTO @epoch SELECT replace(gen_random_uuid()::text, '-', '') WHERE NOT EXISTS (SELECT FROM @epoch);
CREATE TABLE IF NOT EXISTS @trimmed (nsp text PRIMARY KEY, number bigint NOT NULL);
CREATE TABLE IF NOT EXISTS @writers (node text PRIMARY KEY, fence bigint NOT NULL, seen timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS @sessions (
    nsp text NOT NULL,
    secret text NOT NULL,
    owner text NOT NULL,
    stored timestamptz NOT NULL,
    ended timestamptz,
    expiring boolean NOT NULL DEFAULT false,
    data bytea NOT NULL,
    PRIMARY KEY (nsp, secret)
);
CREATE INDEX IF NOT EXISTS @by_owner ON @sessions (owner, ended);
CREATE TABLE IF NOT EXISTS @replies (
    nsp text NOT NULL,
    secret text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    data bytea NOT NULL,
    PRIMARY KEY (nsp, secret, number),
    FOREIGN KEY (nsp, secret) REFERENCES @sessions ON DELETE CASCADE
);
`)
}

// outboxTables are the tables of Outbox, and a sequence.
var outboxTables = []string{"numbers", "log", "epoch", "trimmed", "writers", "sessions", "replies"}

// plain returns a name without its schema.
func plain(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// Schema returns the SQL that creates the tables of Outbox. The first statement alone is
// for Notify. Outbox also needs partitions of the log, which it creates itself: its role
// must own the tables, or be a member of the role that does.
func Schema(o *Options) string {
	opts := o.withDefaults()
	s := newSchema(&opts, true)
	return s.attachmentsSQL() + s.outboxSQL()
}

func newSchema(o *Options, outbox bool) *schema {
	s := &schema{attachments: quote(o.Table), keep: o.KeepEvents, skip: o.TablesExist}
	if outbox {
		s.prefix = o.TablePrefix
	}
	return s
}

// ensure creates the tables, unless they exist.
func (s *schema) ensure(ctx context.Context, link *link) error {
	if !s.made && !s.skip {
		if err := s.create(ctx, link); err != nil {
			return fmt.Errorf("creating the tables: %w", err)
		}
	}
	if s.prefix != "" {
		if err := s.partitions(ctx, link); err != nil {
			return fmt.Errorf("creating the partitions of the log: %w", err)
		}
	}
	s.made = true
	return nil
}

// create creates what is missing. Servers that start at the same time wait for each other.
func (s *schema) create(ctx context.Context, link *link) error {
	defer link.within(ctx, answersIn)()
	ctx = context.Background()
	missing := false
	for _, name := range s.tables() {
		var absent bool
		if err := link.QueryRow(ctx, "SELECT to_regclass($1) IS NULL", name).Scan(&absent); err != nil {
			return err
		}
		missing = missing || absent
	}
	if !missing {
		return nil
	}
	sql := s.attachmentsSQL()
	if s.prefix != "" {
		sql += s.outboxSQL()
	}
	return link.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d); %s COMMIT", s.lock("tables"), sql)).Close()
}

// tables returns the names of those that must exist.
func (s *schema) tables() []string {
	names := []string{s.attachments}
	if s.prefix != "" {
		for _, name := range outboxTables {
			names = append(names, s.table(name))
		}
	}
	return names
}

// part is the time that a partition of the log covers.
func (s *schema) part() time.Duration { return max(s.keep/3, 20*time.Second).Truncate(time.Second) }

// partitions creates the partitions of the log for the present and for some time after it.
func (s *schema) partitions(ctx context.Context, link *link) error {
	defer link.within(ctx, answersIn)()
	ctx = context.Background()
	var now time.Time
	if err := link.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return err
	}
	const ahead = 2
	var missing []string
	for i := range int64(1 + ahead) {
		length := int64(s.part() / time.Second)
		begin := now.Unix()/length*length + i*length
		name := fmt.Sprint("log_", length, "_", begin)
		var absent bool
		if err := link.QueryRow(ctx, "SELECT to_regclass($1) IS NULL", s.table(name)).Scan(&absent); err != nil {
			return err
		}
		if absent {
			missing = append(missing, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s PARTITION OF %s FOR VALUES FROM (to_timestamp(%d)) TO (to_timestamp(%d));",
				s.table(name), s.table("log"), begin, begin+length))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	// Those who wait for the lock keep others waiting.
	return link.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = '2s'; SELECT pg_advisory_xact_lock(%d); %s COMMIT",
		s.lock("tables"), strings.Join(missing, " "))).Close()
}

// partitionEnd returns the time at which a partition ends, from its name without the prefix.
func partitionEnd(name string) (end time.Time, ok bool) {
	var length, begin int64
	if n, err := fmt.Sscanf(name, "log_%d_%d", &length, &begin); n != 2 || err != nil {
		return time.Time{}, false
	}
	return time.Unix(begin+length, 0), true
}

// drop drops a partition of the log. Those who read the log meanwhile are not kept waiting
// for longer than a second.
func (s *schema) drop(link *link, name string) error {
	part := s.table(name)
	return link.PgConn().Exec(context.Background(), fmt.Sprintf(`BEGIN; SET LOCAL lock_timeout = '1s'; SELECT pg_advisory_xact_lock(%d);
LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE;
INSERT INTO %s AS t SELECT nsp, max(number) FROM %s GROUP BY nsp ON CONFLICT (nsp) DO UPDATE SET number = greatest(t.number, EXCLUDED.number);
DROP TABLE %[4]s; COMMIT`, s.lock("tables"), s.table("log"), s.table("trimmed"), part)).Close()
}

// appendSQL adds one entry to the log, and wakes the servers: what a writer does in four
// statements. The number is taken when the lock is held.
func (s *schema) appendSQL() string {
	return fmt.Sprintf(`WITH l AS MATERIALIZED (SELECT pg_advisory_xact_lock($1)),
e AS (INSERT INTO %s (nsp, number, time, node, token, data) SELECT $2::text, nextval('%s'), clock_timestamp(), $3::text, 0, $4::bytea FROM l RETURNING nsp)
SELECT pg_notify($5::text, nsp) FROM e`, s.table("log"), s.table("numbers"))
}
