// SPDX-License-Identifier: MIT

// This file tests reading a log for several clients at once.

package cluster

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
)

// A countedLog has entries with the numbers 1 to end, of which those up to trimmed are gone.
// Each reading takes a moment, and so do some entries of it.
type countedLog struct {
	end, trimmed uint64

	mu    sync.Mutex // guards the fields below
	calls int
	given int   // entries
	why   error // why the latest reading was ended
}

func (l *countedLog) read(ctx context.Context, after, upTo uint64) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		l.mu.Lock()
		l.calls++
		l.mu.Unlock()
		time.Sleep(time.Millisecond)
		for n := after + 1; n <= min(upTo, l.end); n++ {
			if n%100 == 0 {
				time.Sleep(time.Millisecond)
			}
			err := ctx.Err()
			l.mu.Lock()
			l.given++
			l.why = err
			trimmed := l.trimmed
			l.mu.Unlock()
			if err != nil {
				yield(record{}, err)
				return
			}
			if n <= trimmed {
				yield(record{}, adapter.ErrTrimmed)
				return
			}
			if !yield(record{number: n, event: &adapter.KeptEvent{Number: n}}, nil) {
				return
			}
		}
	}
}

func (l *countedLog) trim(upTo uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trimmed = upTo
}

// reads returns the readings of a log.
func (l *countedLog) reads(ctx context.Context) *sharedReads {
	return &sharedReads{source: l.read, start: func(run func()) bool { go run(); return true }, ctx: ctx}
}

// wantRange reads and fails the test unless it gets each number, once and in order.
func wantRange(t *testing.T, r *sharedReads, after, upTo uint64) {
	next := after + 1
	for rec, err := range r.read(t.Context(), after, upTo) {
		if err != nil || rec.number != next {
			t.Errorf("after %d: %d, %v; want %d", after, rec.number, err, next)
			return
		}
		next++
	}
	if next != upTo+1 {
		t.Errorf("after %d: ended before %d, want up to %d", after, next, upTo)
	}
}

// Clients that come back at once have the log read a few times, not once for each.
func TestSharedReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &countedLog{end: 2000}
		r := l.reads(t.Context())
		var all sync.WaitGroup
		for i := range uint64(500) {
			all.Go(func() { wantRange(t, r, 1000+i%300, 1800+i%200) })
		}
		all.Wait()
		if l.calls > 4 || l.given > 4*1000 {
			t.Errorf("%d readings of %d entries for 500 clients", l.calls, l.given)
		}
		synctest.Wait()
		if r.running != 0 || len(r.waiting) != 0 {
			t.Errorf("%d readings run, and %d wait", r.running, len(r.waiting))
		}
		wantRange(t, r, 5, 7)
	})
}

// One whose entries were removed costs the others nothing, and it is found soon who these
// are.
func TestSharedReadsOfATrimmedLog(t *testing.T) {
	for _, trimmed := range []uint64{0, 1, 137, 499, 500} {
		synctest.Test(t, func(t *testing.T) {
			l := &countedLog{end: 1000, trimmed: trimmed}
			r := l.reads(t.Context())
			var all sync.WaitGroup
			for i := range uint64(500) {
				all.Go(func() {
					if i >= trimmed {
						wantRange(t, r, i, 1000)
						return
					}
					for _, err := range r.read(t.Context(), i, 1000) {
						if !errors.Is(err, adapter.ErrTrimmed) {
							t.Errorf("after %d: %v", i, err)
						}
						return
					}
				})
			}
			all.Wait()
			if l.calls > 32 {
				t.Errorf("%d removed: %d readings for 500 clients", trimmed, l.calls)
			}
		})
	}
}

// What is removed while it is read is missed by those who have not had it yet.
func TestSharedReadsWhileTheLogIsTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &countedLog{end: 1000}
		r := l.reads(t.Context())
		early := func(after uint64) {
			for rec, err := range r.read(t.Context(), after, 1000) {
				if err != nil {
					if !errors.Is(err, adapter.ErrTrimmed) {
						t.Error(err)
					}
					return
				}
				if rec.number > 700 {
					t.Errorf("after %d: %d", after, rec.number)
				}
			}
			t.Errorf("after %d: nothing is missing", after)
		}
		var all sync.WaitGroup
		all.Go(func() { early(0) })
		synctest.Wait()
		all.Go(func() { early(200) })
		all.Go(func() { wantRange(t, r, 800, 1000) })
		time.Sleep(4500 * time.Microsecond)
		l.trim(700)
		all.Wait()
	})
}

// A client that goes does not end the reading for others. When all have gone it ends.
func TestSharedReadsOfClientsThatGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &countedLog{end: 100_000}
		r := l.reads(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			for rec, err := range r.read(ctx, 0, 1000) {
				if rec.number > 256 && err == nil {
					cancel() // what it has is used up
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		})
		all.Go(func() { wantRange(t, r, 0, 1000) })
		all.Go(func() {
			for rec := range r.read(t.Context(), 0, 1000) {
				if rec.number == 3 {
					return
				}
			}
		})
		all.Wait()
		gone, leave := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer leave()
		for _, err := range r.read(gone, 0, 100_000) {
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		time.Sleep(10 * time.Millisecond)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.why == nil || l.given > 10_000 {
			t.Errorf("%d entries were read; %v", l.given, l.why)
		}
	})
}

// Who has missed little is not read for together with who has missed much.
func TestSharedReadsGroups(t *testing.T) {
	r := &sharedReads{}
	add := func(after, upTo uint64) {
		r.waiting = append(r.waiting, &reading{ctx: t.Context(), after: after, upTo: upTo})
	}
	for _, after := range []uint64{900, 0, 950, 700, 699, 980} {
		add(after, 1000)
	}
	for _, want := range [][]uint64{{700, 900, 950, 980}, {0, 699}} {
		group := r.take()
		for i, one := range group {
			if len(group) != len(want) || one.after != want[i] {
				t.Errorf("%d of a group of %d begins after %d, want %v", i, len(group), one.after, want)
			}
		}
	}
}

// A node that has ended reads nothing.
func TestSharedReadsAfterTheEnd(t *testing.T) {
	l := &countedLog{end: 10}
	r := l.reads(t.Context())
	r.start = func(func()) bool { return false }
	for _, err := range r.read(t.Context(), 0, 10) {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}
