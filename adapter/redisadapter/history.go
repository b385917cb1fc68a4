// SPDX-License-Identifier: MIT

// This file reads entries of before.

package redisadapter

import (
	"context"
	"iter"

	"github.com/redis/rueidis"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// maxReads is how many clients' entries are read at once, on as many connections to each
// Redis server.
const maxReads = 4

// A history reads the entries of streams for clients that have come back.
type history struct {
	finder *finder
	count  int
	tokens chan struct{} // one for each reading
}

func newHistory(f *finder, count int) *history {
	return &history{finder: f, count: count, tokens: make(chan struct{}, maxReads)}
}

// read ranges over the entries of a namespace after one number up to another.
func (h *history) read(ctx context.Context, stream, namespace string, follows func(number, after uint64) bool, after, upTo uint64) iter.Seq2[cluster.Entry, error] {
	return func(yield func(cluster.Entry, error) bool) {
		select {
		case h.tokens <- struct{}{}:
			defer func() { <-h.tokens }()
		case <-ctx.Done():
			yield(cluster.Entry{}, ctx.Err())
			return
		}
		client, err := h.finder.client(ctx, stream)
		if err != nil {
			yield(cluster.Entry{}, err)
			return
		}
		stopped := false
		err = client.Dedicated(func(c rueidis.DedicatedClient) error {
			return h.pages(ctx, c, stream, follows, after, upTo, func(r row) bool {
				if r.field(fieldNamespace) == namespace {
					stopped = !yield(r.entry(""), nil)
				}
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(cluster.Entry{}, err)
		}
	}
}

// pages calls each for the entries of a stream, until it returns false.
func (h *history) pages(ctx context.Context, c rueidis.DedicatedClient, stream string, follows func(number, after uint64) bool, after, upTo uint64, each func(row) bool) error {
	if after >= upTo {
		return nil
	}
	const first = 16 // nobody knows how large they are
	count := min(first, h.count)
	for begun := false; ; begun = true {
		// It begins with the entry before, if that is still there.
		m, err := c.Do(ctx, c.B().Xrange().Key(stream).Start(formatID(after)).End(formatID(upTo)).Count(int64(count)+1).Build()).ToMessage()
		if err != nil {
			return down(err)
		}
		rows, err := readRows(m)
		if err != nil {
			return err
		}
		switch {
		case len(rows) > 0 && rows[0].number == after:
			rows = rows[1:]
		case begun:
			return adapter.ErrTrimmed // meanwhile
		default:
			if len(rows) > 0 && follows(rows[0].number, after) {
				break
			}
			if err := h.whole(ctx, c, stream, after, rows); err != nil {
				return err
			}
		}
		for _, r := range rows {
			if !each(r) {
				return nil
			}
			after = r.number
		}
		if len(rows) < count || after >= upTo {
			return nil
		}
		count = nextCount(rows, h.count)
	}
}

// whole returns nil if nothing was removed after an entry that is not there itself; the
// entries after it begin with rows.
func (h *history) whole(ctx context.Context, c rueidis.DedicatedClient, stream string, after uint64, rows []row) error {
	if len(rows) > 0 && rows[0].number == after+1 {
		return nil
	}
	s, err := summarize(c.Do(ctx, c.B().XinfoStream().Key(stream).Build()))
	switch {
	case err != nil:
		return down(err)
	case after == 0 && !s.trimmed, after >= s.last, s.first != 0 && s.first < after:
		return nil // entries are removed from the beginning
	}
	return adapter.ErrTrimmed
}
