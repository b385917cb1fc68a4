// SPDX-License-Identifier: MIT

// This file reads a stream.

package redisadapter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// A tailReader reads the entries of a stream as they are added, on a connection of its own.
type tailReader struct {
	stream string
	key    string // has the epoch
	count  int    // the most entries at once
	block  time.Duration
	finder *finder
	feed   *feed
	tokens func() map[string]uint64 // of the appender
	news   func()                   // the state may have changed

	mu   sync.Mutex // guards the field below
	down error      // why nothing is read
}

// err returns why nothing is read, or nil.
func (t *tailReader) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.down
}

func (t *tailReader) fail(err error) {
	t.mu.Lock()
	changed := (t.down == nil) != (err == nil)
	t.down = err
	t.mu.Unlock()
	if changed {
		t.news()
	}
}

// run reads until ctx ends.
func (t *tailReader) run(ctx context.Context) {
	var p pause
	for ctx.Err() == nil {
		began := time.Now()
		if err := t.serve(ctx); ctx.Err() == nil && p > 0 { // otherwise it may be there again soon
			t.fail(down(err))
		}
		if time.Since(began) > steadyAfter {
			p = 0
		}
		poke(t.finder.kicked)
		if !p.wait(ctx) {
			return
		}
	}
}

// serve reads on one connection, until it breaks.
func (t *tailReader) serve(ctx context.Context) error {
	conn, release, err := t.finder.dedicate(ctx, t.stream)
	if err == nil {
		defer release()
		err = t.check(ctx, conn, 0)
	}
	if err != nil {
		t.fail(down(err))
		return err
	}
	t.fail(nil)
	count := t.count
	for ctx.Err() == nil {
		_, last, _ := t.feed.state()
		rows, whole, err := t.next(ctx, conn, last, count)
		if err != nil {
			return err
		}
		if !whole && len(rows) > 0 {
			if err := t.check(ctx, conn, rows[0].number); err != nil {
				return err
			}
		}
		t.feed.deliver(rows)
		count = nextCount(rows, t.count)
	}
	return ctx.Err()
}

// next waits for entries after one. whole reports whether nothing between is missing: the
// entry before is still there.
func (t *tailReader) next(ctx context.Context, conn rueidis.DedicatedClient, last uint64, count int) (rows []row, whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.block+answersIn)
	defer cancel()
	id := formatID(last)
	results := conn.DoMulti(ctx,
		conn.B().Xread().Count(int64(count)).Block(t.block.Milliseconds()).Streams().Key(t.stream).Id(id).Build(),
		conn.B().Xrange().Key(t.stream).Start(id).End(id).Build())
	reply, err := results[0].ToMessage()
	if rueidis.IsRedisNil(err) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	streams, err := reply.AsMap()
	if err != nil {
		return nil, false, errReply
	}
	if rows, err = readRows(streams[t.stream]); err != nil {
		return nil, false, err
	}
	before, err := results[1].ToMessage()
	if err != nil {
		return nil, false, err
	}
	kept, err := before.ToArray()
	return rows, len(kept) > 0, err
}

// pageBytes is about how many bytes are read at once.
const pageBytes = 1 << 20

// nextCount returns how many entries to read after some, so that they have about
// pageBytes.
func nextCount(rows []row, most int) int {
	size := 0
	for _, r := range rows {
		size += r.size()
	}
	if size < pageBytes {
		return most
	}
	return max(1, min(most, pageBytes*len(rows)/size))
}

// A summary is what XINFO says about a stream.
type summary struct {
	first, end uint64 // the first and the last entry, or 0
	last       uint64 // the latest entry that was ever added
	trimmed    bool   // some were removed
}

func summarize(r rueidis.RedisResult) (s summary, err error) {
	info, err := r.AsMap()
	if e, ok := rueidis.IsRedisErr(err); ok && strings.Contains(e.Error(), "no such key") {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	generated := info["last-generated-id"]
	id, err := generated.ToString()
	if err != nil {
		return s, errReply
	}
	s.last, _ = parseID(id)
	for name, number := range map[string]*uint64{"first-entry": &s.first, "last-entry": &s.end} {
		entry := info[name]
		if parts, err := entry.ToArray(); err == nil && len(parts) > 0 {
			id, _ := parts[0].ToString()
			*number, _ = parseID(id)
		}
	}
	length, added := info["length"], info["entries-added"]
	n, err1 := length.AsInt64()
	all, err2 := added.AsInt64()
	s.trimmed = err1 != nil || err2 != nil || n != all
	return s, nil
}

// newEpoch returns 16 random hexadecimal digits.
func newEpoch() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// check compares the stream with what was read of it. The first time it finds the end.
// Later it finds out whether entries were removed before they were read, or the log is
// another. next is the entry that was read next, or 0.
func (t *tailReader) check(ctx context.Context, conn rueidis.DedicatedClient, next uint64) error {
	ctx, cancel := context.WithTimeout(ctx, answersIn)
	defer cancel()
	known, last, ready := t.feed.state()
	id, tokens := formatID(last), t.tokens()
	results := conn.DoMulti(ctx,
		conn.B().Set().Key(t.key).Value(newEpoch()).Nx().Build(),
		conn.B().Get().Key(t.key).Build(),
		conn.B().XinfoStream().Key(t.stream).Build(),
		conn.B().Xrange().Key(t.stream).Start(id).End(id).Build())
	if err := results[0].Error(); err != nil && !rueidis.IsRedisNil(err) {
		return err
	}
	epoch, err := results[1].ToString()
	if err != nil {
		return err
	}
	s, err := summarize(results[2])
	if err != nil {
		return err
	}
	there, err := results[3].ToArray()
	switch {
	case err != nil:
		return err
	case !ready:
		if s.end == 0 {
			s.end = s.last
		}
		t.feed.open(epoch, s.end)
		return nil
	case epoch != known:
		return t.replaced(ctx, conn, epoch)
	case len(there) > 0:
		return nil
	case last == 0 && !s.trimmed:
		return nil
	case s.last < last, s.first != 0 && s.first < last, !s.trimmed:
		// What was read is not there, although it was not removed from the beginning: Redis
		// has lost the end of the stream, or all of it.
		if epoch, err = t.replace(ctx, conn, known); err == nil {
			err = t.replaced(ctx, conn, epoch)
		}
		return err
	}
	if next == 0 {
		next = s.first
	}
	if next == 0 {
		next = s.last + 1 // everything was removed
	}
	t.feed.gap(next - 1)
	t.feed.settle(s.last, tokens)
	return nil
}

// replaceScript gives a log another epoch, unless it has another already. The other servers
// learn it from an entry, which Node.js ignores. It returns the epoch.
const replaceScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('XADD', KEYS[2], '*', '` + fieldEpoch + `', ARGV[2])
end
return redis.call('GET', KEYS[1])`

// replace gives the log another epoch.
func (t *tailReader) replace(ctx context.Context, conn rueidis.DedicatedClient, known string) (epoch string, err error) {
	return conn.Do(ctx, conn.B().Eval().Script(replaceScript).Numkeys(2).Key(t.key, t.stream).Arg(known, newEpoch()).Build()).ToString()
}

// replaced goes on with another log, after the last entry that has been read and is there.
// What this server has added to the one before is settled.
func (t *tailReader) replaced(ctx context.Context, conn rueidis.DedicatedClient, epoch string) error {
	_, last, _ := t.feed.state()
	tokens := t.tokens()
	there, err := lastOf(ctx, conn, t.stream, formatID(last))
	if err != nil {
		return err
	}
	end, err := lastOf(ctx, conn, t.stream, "+")
	if err != nil {
		return err
	}
	t.feed.open(epoch, there)
	t.feed.settle(end, tokens)
	return nil
}

// lastOf returns the number of the last entry of a stream up to an id, or 0.
func lastOf(ctx context.Context, conn rueidis.DedicatedClient, stream, upTo string) (uint64, error) {
	return readEnd(conn.Do(ctx, conn.B().Xrevrange().Key(stream).End(upTo).Start("-").Count(1).Build()))
}

// readEnd reads the number of the one entry of a reply, or 0.
func readEnd(r rueidis.RedisResult) (uint64, error) {
	m, err := r.ToMessage()
	if err != nil {
		return 0, err
	}
	rows, err := readRows(m)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].number, nil
}
