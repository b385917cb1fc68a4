// SPDX-License-Identifier: MIT

// This file holds the bus with a log.

package pgadapter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A logBus is the cluster.LogBus of Outbox.
type logBus struct {
	*bus
	writer   *writer
	reader   *reader
	sessions *sessions
}

var _ cluster.LogBus = (*logBus)(nil)

func newLogBus(config *pgx.ConnConfig, o *Options) *logBus {
	b := &logBus{bus: newBus(config, o, hashed(o.Prefix), false)}
	schema := b.sender.schema
	b.reader = &reader{schema: schema, channel: wakeChannel(o.Prefix), spaces: make(map[string]*reading), poke: b.table.poke}
	b.writer = &writer{schema: schema, node: newUID(), channel: b.reader.channel, reader: b.reader, lost: make(map[string]uint64), done: make(map[string]uint64)}
	b.reader.writer = b.writer
	b.sessions = &sessions{links: b.links, table: schema.table("sessions"), replies: schema.table("replies")}
	b.sender.writer, b.listener.reader, b.sweeper.writer = b.writer, b.reader, b.writer
	return b
}

// Open implements cluster.Bus.
func (b *logBus) Open(r cluster.Receiver) error {
	receiver, ok := r.(cluster.LogReceiver)
	if !ok {
		return errors.New("pgadapter: the receiver of a bus with a log is not a cluster.LogReceiver")
	}
	b.reader.receiver = receiver
	return b.bus.Open(r)
}

// CheckNamespace overrides that of a bus without a log: names may have any length.
func (b *logBus) CheckNamespace(string) error { return nil }

// OpenLog implements cluster.LogBus.
func (b *logBus) OpenLog(namespace string) { b.reader.open(namespace) }

// CloseLog implements cluster.LogBus.
func (b *logBus) CloseLog(namespace string) { b.reader.close(namespace) }

// Append implements cluster.LogBus.
func (b *logBus) Append(namespace string, token uint64, data []byte) error {
	if err := b.state.publishes(); err != nil {
		return err
	}
	b.reader.adding(namespace, token)
	return b.queue.Put(message{space: namespace, token: token, data: data})
}

// Position implements cluster.LogBus.
func (b *logBus) Position(_ string, number uint64) string { return strconv.FormatUint(number, 10) }

// Number implements cluster.LogBus.
func (b *logBus) Number(namespace, position string) (number uint64, ok bool) {
	number, err := strconv.ParseUint(position, 10, 63)
	return number, err == nil && number > 0 && b.Position(namespace, number) == position
}

// Sessions implements cluster.LogBus.
func (b *logBus) Sessions() cluster.Sessions { return b.sessions }

// pageBytes is the size after which a page of Read ends.
const pageBytes = 4 << 20

// Read implements cluster.LogBus. No connection is held while the caller handles a page.
func (b *logBus) Read(ctx context.Context, namespace string, after, upTo uint64) iter.Seq2[cluster.Entry, error] {
	return func(yield func(cluster.Entry, error) bool) {
		for after < upTo {
			page, err := b.page(ctx, namespace, after, upTo)
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Number
			}
			if err != nil {
				yield(cluster.Entry{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

// page reads some entries after a number. The first statement locks the log, so that no
// entry is removed between the others.
func (b *logBus) page(ctx context.Context, namespace string, after, upTo uint64) (page []cluster.Entry, err error) {
	s := b.sender.schema
	err = b.links.do(ctx, func(l *link) error {
		var batch pgx.Batch
		batch.Queue("SELECT FROM " + s.table("log") + " WHERE false")
		batch.Queue("SELECT coalesce(max(number), 0) FROM "+s.table("trimmed")+" WHERE nsp = $1", namespace)
		batch.Queue(fmt.Sprintf(`SELECT number, time, data FROM (
    SELECT number, time, data, sum(octet_length(data)) OVER (ORDER BY number) - octet_length(data) AS before FROM (
        SELECT number, time, data FROM %s WHERE nsp = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT %d
    ) AS next
) AS page WHERE before < %d ORDER BY number`, s.table("log"), pageRows, pageBytes), namespace, int64(after), int64(upTo)) //nolint:gosec // Number allows no more
		results := l.SendBatch(context.Background(), &batch)
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
		var trimmed int64
		if err := results.QueryRow().Scan(&trimmed); err != nil {
			return errors.Join(err, results.Close())
		}
		rows, _ := results.Query()
		var number int64
		var e cluster.Entry
		_, err := pgx.ForEachRow(rows, []any{&number, &e.Time, &e.Data}, func() error {
			e.Number = uint64(number) //nolint:gosec // it is positive
			page = append(page, e)
			e.Data = nil
			return nil
		})
		if err := errors.Join(err, results.Close()); err != nil {
			return err
		}
		if uint64(trimmed) > after { //nolint:gosec // it is positive
			page = nil
			return adapter.ErrTrimmed
		}
		return nil
	})
	return page, err
}
