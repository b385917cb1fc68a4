// SPDX-License-Identifier: MIT

// This file holds eventLog: the events of a namespace.

package diskstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"socketio/adapter"
)

var errTooLarge = errors.New("diskstore: an event of more than 512 MiB")

// An eventLog is an adapter.Log.
type eventLog struct {
	// Immutable.
	events           *events
	namespace, epoch string
	ready            chan struct{} // closed when the table has the log; nil if it had it

	id uint64 // written before ready is closed

	next  uint64 // the number of the latest event; owned by the goroutine of events.commits
	saved uint64 // next, as the table knows it; the same

	suspect bool // while loading: a segment before this point is damaged

	// Guarded by events.mu.
	err     error // the table could not store the log
	users   int
	kept    []location
	dropped uint64 // the number of the latest event before kept
	damaged uint64 // the events up to it can't be read, if they are not trimmed
	lost    uint64 // 1 + what MarkLost was called with, at most; or 0

	mu    sync.Mutex // guards the field below
	turns map[uint64]chan struct{}
	last  atomic.Uint64 // delivered; written by one goroutine at a time
}

func (l *eventLog) Epoch() string { return l.epoch }

func (l *eventLog) Last() uint64 { return l.last.Load() }

func (l *eventLog) Append(r *adapter.Record) error {
	if !l.used() {
		return adapter.ErrStoreClosed
	}
	e := &entry{log: l, KeptEvent: r.KeptEvent}
	if e.Size() > maxBody/2 {
		return errTooLarge
	}
	if err := l.events.commits.do(context.Background(), e); err != nil {
		return err
	}
	l.await(e.Number)
	defer l.delivered(e.Number)
	r.Deliver(e.Number)
	return nil
}

// await waits until the event before the one with the given number is delivered, by the
// goroutine that has appended it.
func (l *eventLog) await(number uint64) {
	l.mu.Lock()
	if l.last.Load() == number-1 {
		l.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	if l.turns == nil {
		l.turns = make(map[uint64]chan struct{})
	}
	l.turns[number] = turn
	l.mu.Unlock()
	<-turn
}

func (l *eventLog) delivered(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last.Store(number)
	if turn := l.turns[number+1]; turn != nil {
		delete(l.turns, number+1)
		close(turn)
	}
}

// sinceBatch is how many events Since finds at once.
const sinceBatch = 64

func (l *eventLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[adapter.KeptEvent, error] {
	return func(yield func(adapter.KeptEvent, error) bool) {
		for after < upTo {
			batch, err := l.find(after, upTo)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(adapter.KeptEvent{}, err)
				return
			}
			if len(batch) == 0 {
				return
			}
			for _, at := range batch {
				e, err := at.read()
				if err != nil {
					if _, trimmed := l.find(after, upTo); trimmed != nil {
						err = trimmed // in the meantime
					}
					yield(adapter.KeptEvent{}, err)
					return
				}
				if !yield(e, nil) {
					return
				}
				after = e.Number
			}
		}
	}
}

// find returns where the next events of a range are.
func (l *eventLog) find(after, upTo uint64) ([]location, error) {
	l.events.mu.Lock()
	defer l.events.mu.Unlock()
	first, end := l.dropped, l.dropped+uint64(len(l.kept))
	switch {
	case after < l.damaged:
		return nil, errDamaged
	case after < first:
		return nil, adapter.ErrTrimmed
	case after >= end:
		return nil, nil
	}
	return slices.Clone(l.kept[after-first : min(end, upTo, after+sinceBatch)-first]), nil
}

// used reports whether the log was opened more often than closed.
func (l *eventLog) used() bool {
	l.events.mu.Lock()
	defer l.events.mu.Unlock()
	return l.users > 0
}

func (l *eventLog) Close() error {
	l.events.mu.Lock()
	defer l.events.mu.Unlock()
	l.users--
	return nil
}

// MarkLost records that an event which is not in the log was sent after the one with the
// given number.
func (l *eventLog) MarkLost(after uint64) error {
	l.events.mu.Lock()
	l.lost = max(l.lost, after+1)
	l.events.mu.Unlock()
	err := l.events.table.update(context.Background(), func(tx *bbolt.Tx) error {
		return l.changeRow(tx, func(row *logRow) { row.lost = max(row.lost, after+1) })
	})
	if err != nil { // the disk may be full, but the state is on it
		return l.events.state.set(context.Background(), func(s *stateText) { s.lost = true })
	}
	return nil
}

// Lost returns the largest number that MarkLost was called with.
func (l *eventLog) Lost() (after uint64, ok bool) {
	l.events.mu.Lock()
	defer l.events.mu.Unlock()
	return l.lost - min(l.lost, 1), l.lost > 0
}

// changeRow changes what the table knows of the log.
func (l *eventLog) changeRow(tx *bbolt.Tx, change func(*logRow)) error {
	value := tx.Bucket(bucketLogs).Get(logKey(l.id))
	if value == nil {
		return nil // it was forgotten
	}
	row, err := parseLogRow(value)
	if err != nil {
		return errDamaged
	}
	change(&row)
	return put(tx, bucketLogs, logKey(l.id), appendLogRow(nil, &row))
}

// load adds the location of an event that was found in a segment.
func (l *eventLog) load(number uint64, at location) {
	switch {
	case number == l.next+1:
	case number > l.dropped && number <= l.next: // it replaces what a failed write has left
		l.kept = l.kept[:number-l.dropped-1]
	default:
		l.skipTo(number - 1)
	}
	l.kept = append(l.kept, at)
	l.next = number
}

// skipTo makes the events up to a number unreadable. They are damaged, or were trimmed if
// none of them was found and nothing is damaged.
func (l *eventLog) skipTo(number uint64) {
	if len(l.kept) > 0 || l.suspect {
		l.damaged = number
	}
	l.kept, l.dropped, l.next = nil, number, number
}

// recover ends loading. unread bounds the events that can't be read at the end.
func (l *eventLog) recover(unread uint64) {
	if l.saved > l.next {
		l.skipTo(l.saved)
	}
	if unread > 0 {
		l.skipTo(l.next + unread + 1)
	}
	l.last.Store(l.next)
}
