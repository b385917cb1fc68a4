// SPDX-License-Identifier: MIT

// This file holds what the listener does for a log: it reads what has come.

package pgadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// pageRows is how many entries of a log are read at once.
const pageRows = 200

// A reader reads the logs of namespaces on the connection of the listener.
type reader struct {
	schema   *schema
	channel  string // of wake-ups
	receiver cluster.LogReceiver
	writer   *writer
	poke     func() // makes the listener read

	ready atomic.Bool // the tables exist

	// The fields below are of the goroutine of the listener.

	identified bool // epoch is that of this connection
	epoch      string
	batch      adapter.Batch // what the entries of a page have caused

	mu     sync.Mutex // guards the fields below
	spaces map[string]*reading
}

// A reading is how far a log was read. Another takes its place when the log is opened again.
type reading struct {
	opened bool
	dirty  bool   // there may be more
	first  uint64 // the token of the first entry since, or 0
	after  uint64 // the number of the latest entry that was read
	lost   uint64 // the latest token that is not in the log, or 0
}

// open begins to read a log.
func (r *reader) open(space string) {
	r.mu.Lock()
	r.spaces[space] = &reading{dirty: true}
	r.mu.Unlock()
	r.poke()
}

// adding is called before an entry is sent.
func (r *reader) adding(space string, token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.spaces[space]; one != nil && one.first == 0 {
		one.first = token
	}
}

// close is the reverse of open.
func (r *reader) close(space string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.spaces, space)
}

// woken is called when entries have come, in namespaces with a line for each.
func (r *reader) woken(spaces string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if spaces == "" {
		for _, one := range r.spaces {
			one.dirty = true
		}
		return
	}
	for space := range strings.SplitSeq(spaces, "\n") {
		if one := r.spaces[space]; one != nil {
			one.dirty = true
		}
	}
}

// settle records that the entries with tokens up to one are in the log, or never will be.
func (r *reader) settle(space string, token uint64) {
	r.mu.Lock()
	if one := r.spaces[space]; one != nil {
		one.lost, one.dirty = max(one.lost, token), true
	}
	r.mu.Unlock()
	r.poke()
}

// begin is called for a new connection, which may have missed wake-ups.
func (r *reader) begin() {
	r.identified = false
	r.woken("")
}

// current returns what is read of a namespace, or nil. one, if not nil, must be it.
func (r *reader) current(space string, one *reading) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.spaces[space]; one == nil || now == one {
		return now
	}
	return nil
}

// read reads what has come. more reports whether to call it again at once.
func (r *reader) read(ctx context.Context, link *link) (more bool, err error) {
	if !r.ready.Load() {
		return false, nil // the writer says when
	}
	defer link.within(ctx, answersIn)()
	if !r.identified {
		if err := r.identify(link); err != nil {
			return false, err
		}
	}
	fresh, due := r.due()
	if len(fresh) > 0 {
		if err := r.find(link, fresh); err != nil {
			return false, err
		}
	}
	if len(due) == 0 {
		return len(fresh) > 0, nil
	}
	return true, r.page(link, due)
}

// identify looks whether the log is the one of before: positions are void in another one,
// also in that of a standby that was promoted, which may not have all of it.
func (r *reader) identify(link *link) error {
	var epoch string
	err := link.QueryRow(context.Background(), "SELECT epoch || '-' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM "+
		r.schema.table("epoch")+" LIMIT 1").Scan(&epoch)
	if err != nil {
		return err
	}
	if r.epoch != "" && epoch != r.epoch {
		r.mu.Lock()
		for space, one := range r.spaces {
			r.spaces[space] = &reading{dirty: true, lost: one.lost}
		}
		r.mu.Unlock()
	}
	r.identified, r.epoch = true, epoch
	return nil
}

// due returns the namespaces whose end is not known, and those that may have more.
func (r *reader) due() (fresh, due map[string]*reading) {
	fresh, due = make(map[string]*reading), make(map[string]*reading)
	r.mu.Lock()
	defer r.mu.Unlock()
	for space, one := range r.spaces {
		switch {
		case !one.opened:
			fresh[space] = one
		case one.dirty:
			one.dirty = false
			due[space] = one
		}
	}
	return fresh, due
}

// find finds the ends of logs. If entries of this node that were sent since open are before
// the end, a log begins with the first of them. Earlier tokens are settled.
func (r *reader) find(link *link, fresh map[string]*reading) error {
	sql := fmt.Sprintf(`SELECT nsp, greatest(
    (SELECT max(number) FROM %s AS l WHERE l.nsp = o.nsp), (SELECT number FROM %s AS t WHERE t.nsp = o.nsp), 0
), coalesce((SELECT max(token) FROM %[1]s AS l WHERE l.nsp = o.nsp AND number >= $3 AND node = $4 AND (first = 0 OR token < first)), 0
), coalesce((SELECT min(number) FROM %[1]s AS l WHERE l.nsp = o.nsp AND number >= $3 AND node = $4 AND first > 0 AND token >= first), 0)
FROM unnest($1::text[], $2::bigint[]) AS o (nsp, first)`, r.schema.table("log"), r.schema.table("trimmed"))
	spaces, firsts := make([]string, 0, len(fresh)), make([]int64, 0, len(fresh))
	asked := make(map[string]uint64)
	r.mu.Lock()
	for space, one := range fresh {
		asked[space] = one.first
		spaces, firsts = append(spaces, space), append(firsts, int64(one.first)) //nolint:gosec // and back
	}
	r.mu.Unlock()
	began := max(r.writer.began.Load(), 1)
	rows, _ := link.Query(context.Background(), sql, spaces, firsts, int64(began), r.writer.node) //nolint:gosec // a number
	var space string
	var last, token, own int64
	_, err := pgx.ForEachRow(rows, []any{&space, &last, &token, &own}, func() error {
		if own > 0 {
			last = own - 1
		}
		one := fresh[space]
		r.mu.Lock()
		current := r.spaces[space] == one && one.first == asked[space] // otherwise it is found again
		if !current {
			r.mu.Unlock()
			return nil
		}
		one.opened, one.dirty, one.after = true, true, uint64(last) //nolint:gosec // it is positive
		settled := uint64(token)                                    //nolint:gosec // as above
		if own == 0 {
			settled, one.lost = max(one.lost, settled), 0
		}
		r.mu.Unlock()
		r.receiver.LogOpened(space, r.epoch, uint64(last)) //nolint:gosec // as above
		if settled > 0 {
			r.receiver.Settled(space, settled)
		}
		return nil
	})
	return err
}

// A pageRead reads one page of some logs.
type pageRead struct {
	*reader
	link *link
	due  map[string]*reading
	lost map[string]uint64 // of each, when the reading began
	done map[string]uint64 // the latest token of each that was in the log then
	rows map[string]int    // that have come
}

// page reads the next entries of logs. The first statement locks the log, so that no entry
// is removed between the others.
func (r *reader) page(link *link, due map[string]*reading) error {
	defer r.batch.Flush()
	p := pageRead{r, link, due, make(map[string]uint64), make(map[string]uint64), make(map[string]int)}
	spaces, after := make([]string, 0, len(due)), make([]int64, 0, len(due))
	for space := range due {
		p.done[space] = r.writer.last(space)
	}
	r.mu.Lock()
	for space, one := range due {
		p.lost[space] = one.lost
		spaces, after = append(spaces, space), append(after, int64(one.after)) //nolint:gosec // a number
	}
	r.mu.Unlock()
	var b pgx.Batch
	b.Queue("SELECT FROM " + r.schema.table("log") + " WHERE false")
	b.Queue(fmt.Sprintf(`SELECT o.nsp, t.number, coalesce((SELECT min(token) FROM %s AS l WHERE l.nsp = o.nsp AND number > t.number AND node = $3), 0)
FROM unnest($1::text[], $2::bigint[]) AS o (nsp, after) JOIN %s AS t ON t.nsp = o.nsp AND t.number > o.after`, r.schema.table("log"), r.schema.table("trimmed")),
		spaces, after, r.writer.node)
	b.Queue(fmt.Sprintf(`SELECT o.nsp, l.number, l.time, CASE WHEN l.node = $3 THEN l.token ELSE 0 END, l.data
FROM unnest($1::text[], $2::bigint[]) AS o (nsp, after),
LATERAL (SELECT * FROM %s AS l WHERE l.nsp = o.nsp AND l.number > o.after ORDER BY l.number LIMIT %d) AS l`, r.schema.table("log"), pageRows),
		spaces, after, r.writer.node)
	results := link.SendBatch(context.Background(), &b)
	_, err := results.Exec()
	if err == nil {
		err = p.gaps(results)
	}
	if err == nil {
		err = p.entries(results)
	}
	if err = errors.Join(err, results.Close()); err != nil {
		return err
	}
	p.end()
	return nil
}

// gaps passes on what was removed before it was read.
func (p *pageRead) gaps(results pgx.BatchResults) error {
	rows, _ := results.Query()
	var space string
	var number, next int64
	_, err := pgx.ForEachRow(rows, []any{&space, &number, &next}, func() error {
		one := p.due[space]
		p.advance(one, uint64(number)) //nolint:gosec // it is positive
		if p.current(space, one) == nil {
			return nil
		}
		p.receiver.Gap(space, uint64(number)) //nolint:gosec // as above
		gone := p.done[space]                 // the tokens of all entries of this node that were removed
		if next > 0 {
			gone = uint64(next) - 1 //nolint:gosec // it was a uint64
		}
		if gone > 0 {
			p.receiver.Settled(space, gone)
		}
		return nil
	})
	return err
}

// entries passes entries on.
func (p *pageRead) entries(results pgx.BatchResults) error {
	rows, _ := results.Query()
	var space string
	var number, token int64
	var e cluster.Entry
	_, err := pgx.ForEachRow(rows, []any{&space, &number, &e.Time, &token, &e.Data}, func() error {
		one := p.due[space]
		p.rows[space]++
		e.Number, e.Token = uint64(number), uint64(token) //nolint:gosec // they were uint64
		if e.Token != 0 {
			p.writer.since.Store(max(e.Number, p.writer.since.Load()))
		}
		if e.Number > one.after {
			p.advance(one, e.Number)
			if p.current(space, one) != nil {
				if lost := p.lost[space]; lost != 0 && e.Token > lost {
					p.settled(space, one, lost)
				}
				p.give(space, e)
			}
		}
		e.Data = nil
		if p.link.PgConn().Frontend().ReadBufferLen() == 0 {
			p.batch.Flush() // the next entry may be awaited
		}
		return nil
	})
	return err
}

// give calls Entry.
func (r *reader) give(space string, e cluster.Entry) {
	if many, ok := r.receiver.(cluster.BatchLogReceiver); ok {
		many.EntryMany(&r.batch, space, e)
		return
	}
	r.receiver.Entry(space, e)
}

func (r *reader) advance(one *reading, number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.after = max(one.after, number)
}

// end looks which logs have more. Of the others everything was read that was there when the
// page began.
func (p *pageRead) end() {
	for space, one := range p.due {
		if p.rows[space] == pageRows {
			p.mu.Lock()
			one.dirty = true
			p.mu.Unlock()
		} else if lost := p.lost[space]; lost != 0 && p.current(space, one) != nil {
			p.settled(space, one, lost)
		}
	}
}

// settled passes on that tokens are settled.
func (p *pageRead) settled(space string, one *reading, token uint64) {
	p.lost[space] = 0
	p.mu.Lock()
	if one.lost == token {
		one.lost = 0
	}
	p.mu.Unlock()
	p.receiver.Settled(space, token)
}
