// SPDX-License-Identifier: MIT

// This file reads what clients have missed that come back at the same time: once for all.

package cluster

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"socketio/adapter"
)

const (
	// maxReadings is how many readings of a log run at once.
	maxReadings = 2
	// A page has at most so many records and about so many bytes. Of each reading three at
	// most are in memory.
	pageRecords = 256
	pageBytes   = 1 << 20
	// farther is how many times farther than the client that has waited longest the others of
	// a reading may go back.
	farther = 2
)

// A record is an entry that clients may have missed.
type record struct {
	number uint64
	event  *adapter.KeptEvent // nil: an event was lost
	after  uint64             // the event was lost after the entry with this number
}

// sharedReads reads a log for clients that come back.
type sharedReads struct {
	source func(ctx context.Context, after, upTo uint64) iter.Seq2[record, error]
	start  func(run func()) bool // on another goroutine; false if the node is closed
	ctx    context.Context       // of the node

	mu      sync.Mutex // guards the fields below
	waiting []*reading
	running int
}

// A reading is what one client wants.
type reading struct {
	ctx         context.Context
	after, upTo uint64
	pages       chan []record // closed at the end, after err is set
	err         error
}

// read ranges over the records after one number up to another. Those of a page may be in use
// for other clients.
func (r *sharedReads) read(ctx context.Context, after, upTo uint64) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if after >= upTo {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		one := &reading{ctx: ctx, after: after, upTo: upTo, pages: make(chan []record, 1)}
		if !r.add(one) {
			yield(record{}, errLogClosed)
			return
		}
		for {
			select {
			case page, ok := <-one.pages:
				if !ok {
					if one.err != nil {
						yield(record{}, one.err)
					}
					return
				}
				for _, rec := range page {
					if rec.number > after && rec.number <= upTo && !yield(rec, nil) {
						return
					}
				}
			case <-ctx.Done():
				yield(record{}, ctx.Err())
				return
			}
		}
	}
}

func (r *sharedReads) add(one *reading) bool {
	r.mu.Lock()
	r.waiting = append(r.waiting, one)
	starts := r.running < maxReadings
	if starts {
		r.running++
	}
	r.mu.Unlock()
	return !starts || r.start(r.run)
}

// run reads for those who wait, until nobody does.
func (r *sharedReads) run() {
	for {
		group := r.take()
		if group == nil {
			return
		}
		r.serve(group)
	}
}

// take returns those of the waiting that are read for together, sorted by where they begin:
// the first, and the others unless they go back much farther. If nobody waits it returns
// nil, and run must end.
func (r *sharedReads) take() (group []*reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(one *reading) bool { return one.ctx.Err() != nil })
	if len(r.waiting) == 0 {
		r.waiting = nil
		r.running--
		return nil
	}
	first := r.waiting[0]
	most := farther * (first.upTo - first.after)
	var rest []*reading
	for _, one := range r.waiting {
		if one.after >= first.after || first.after-one.after <= most {
			group = append(group, one)
		} else {
			rest = append(rest, one)
		}
	}
	r.waiting = rest
	slices.SortFunc(group, func(a, b *reading) int { return cmp.Compare(a.after, b.after) })
	return group
}

// serve reads for a group. What one of them misses may be removed while that of another is
// not: it is found in a few steps which these are.
func (r *sharedReads) serve(group []*reading) {
	for from := 0; len(group) > 0; from = len(group) / 2 {
		last, err := r.pass(group[from:])
		if !errors.Is(err, adapter.ErrTrimmed) {
			for _, one := range group[from:] {
				one.end(err)
			}
			group = group[:from]
			continue
		}
		group = slices.DeleteFunc(group, func(one *reading) bool {
			switch {
			case one.ended():
				return true
			case one.after <= last:
				one.end(err)
				return true
			}
			return false
		})
	}
}

// pass reads once for a group, and ends those that have all. It returns the number of the
// last record that was read, or where the group begins, and why it has ended.
func (r *sharedReads) pass(group []*reading) (last uint64, err error) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	last = group[0].after
	var gone atomic.Int64 // those who wait no longer
	upTo := last
	for _, one := range group {
		upTo = max(upTo, one.upTo)
		defer context.AfterFunc(one.ctx, func() {
			if gone.Add(1) == int64(len(group)) {
				cancel() // nobody waits any longer
			}
		})()
	}
	var page []record
	size := 0
	for rec, err := range r.source(ctx, last, upTo) {
		if err != nil {
			hand(group, page)
			return last, err
		}
		last = rec.number
		page = append(page, rec)
		if rec.event != nil {
			size += rec.event.Size()
		}
		if len(page) == pageRecords || size >= pageBytes {
			hand(group, page)
			page, size = nil, 0
		}
	}
	hand(group, page)
	return last, nil
}

// hand gives a page to those of a group that want something of it. It waits for them.
func hand(group []*reading, page []record) {
	if len(page) == 0 {
		return
	}
	first, last := page[0].number, page[len(page)-1].number
	for _, one := range group {
		if one.ended() || one.after >= last || one.upTo < first {
			continue
		}
		select {
		case one.pages <- page:
			if one.upTo <= last {
				one.end(nil)
			}
		case <-one.ctx.Done():
		}
	}
}

// end ends a reading, unless it has ended. One goroutine calls it and ended.
func (one *reading) end(err error) {
	if !one.ended() {
		one.err = err
		close(one.pages)
		one.after = one.upTo
	}
}

func (one *reading) ended() bool { return one.after == one.upTo }
