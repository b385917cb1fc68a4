// SPDX-License-Identifier: MIT

// This file holds events: the events of all logs, in segments, and how they are written,
// trimmed and found again.

package diskstore

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"socketio/adapter"
)

// events writes the events of all logs into segments, one batch at a time.
type events struct {
	// Immutable after open.
	dir   string
	files files
	sync  bool
	table *table
	state *state
	size  int64 // of a segment, after which the next one begins

	commits group[*entry]

	// Owned by the goroutine of commits, after open.
	active *segment // nil if the next batch begins one
	latest uint64   // the number of the latest segment
	buf    []byte

	mu       sync.Mutex // guards the fields below, and what the logs say; nothing is called while it is held
	maxBytes int
	logs     map[string]*eventLog
	segments []*segment
	arrivals []arrival // one for each event that is kept, the oldest first
	bytes    int       // of the events
}

// An arrival is an event in one of the logs.
type arrival struct {
	of   *eventLog
	in   *segment
	at   int64 // milliseconds since 1970
	size int   // see adapter.KeptEvent.Size
}

// An entry is an event on its way into a segment.
type entry struct {
	log *eventLog
	adapter.KeptEvent
	location
}

func newEvents(dir string, f files, t *table, st *state, sync bool, limit time.Duration) *events {
	v := &events{dir: dir, files: f, table: t, state: st, sync: sync, size: maxSegment, maxBytes: math.MaxInt, logs: make(map[string]*eventLog)}
	v.commits = group[*entry]{write: v.write, stored: v.stored, undo: v.undo, limit: limit}
	return v
}

// Segments are an eighth of Retention.MaxBytes, within these bounds.
const (
	minSegment = 64 << 10
	maxSegment = 8 << 20
)

// retain sets the bound of the events.
func (v *events) retain(maxBytes int) {
	v.size = min(max(int64(maxBytes)/8, minSegment), maxSegment)
	v.mu.Lock()
	v.maxBytes = maxBytes
	old := v.trimLocked(v.overLocked())
	v.mu.Unlock()
	v.remove(old)
}

// write writes a batch of events.
func (v *events) write(batch []*entry) error {
	if v.active != nil && v.active.size >= v.size {
		v.active = nil
	}
	if v.active == nil {
		if err := v.begin(); err != nil {
			return err
		}
	}
	v.buf = v.buf[:0]
	now := time.Now()
	for _, e := range batch {
		e.log.next++
		e.Number, e.Time = e.log.next, now
		start := len(v.buf)
		v.buf = appendRecord(v.buf, e.log.id, &e.KeptEvent)
		e.location = location{v.active, v.active.size + int64(start), len(v.buf) - start}
	}
	err := v.active.put(v.buf, v.sync)
	if cap(v.buf) > 1<<20 {
		v.buf = nil
	}
	if err != nil {
		v.numberBack(batch)
		if v.sync || v.active.torn {
			v.active = nil // what a failed sync leaves in a file is unknown
		}
	}
	return err
}

// numberBack takes back the numbers of a batch that is not stored.
func (v *events) numberBack(batch []*entry) {
	for _, e := range batch {
		e.log.next--
	}
}

// undo takes back a batch that was written too late.
func (v *events) undo(batch []*entry) {
	v.numberBack(batch)
	if v.active != nil {
		v.active.size = batch[0].off
		v.active.cut()
		v.active = nil
	}
}

// stored makes a batch visible, and trims for it.
func (v *events) stored(batch []*entry) {
	v.mu.Lock()
	for _, e := range batch {
		size := e.Size()
		e.log.kept = append(e.log.kept, e.location)
		v.arrivals = append(v.arrivals, arrival{e.log, e.in, e.Time.UnixMilli(), size})
		v.bytes += size
		e.in.live++
	}
	old := v.trimLocked(v.overLocked())
	v.mu.Unlock()
	v.remove(old)
}

// overLocked returns how many events have to go for the bound: at the bound one eighth of
// the bytes.
func (v *events) overLocked() (n int) {
	if v.bytes <= v.maxBytes {
		return 0
	}
	for bytes := v.bytes; n < len(v.arrivals) && bytes > v.maxBytes/8*7; n++ {
		bytes -= v.arrivals[n].size
	}
	return n
}

// trimLocked forgets the oldest n events. It returns the segments without events, which
// the caller passes to remove.
func (v *events) trimLocked(n int) (old []*segment) {
	for _, a := range v.arrivals[:n] {
		v.bytes -= a.size
		a.of.kept = a.of.kept[1:]
		a.of.dropped++
		a.in.live--
	}
	v.arrivals = slices.Delete(v.arrivals, 0, n)
	last := len(v.segments) - 1 // may be written to
	for i, s := range v.segments {
		if s.live == 0 && i < last {
			old = append(old, s)
		}
	}
	if len(old) > 0 {
		v.segments = slices.DeleteFunc(v.segments, func(s *segment) bool { return slices.Contains(old, s) })
	}
	return old
}

// remove deletes segments. One that can't be deleted is read again by the next process,
// which deletes it.
func (v *events) remove(old []*segment) {
	for _, s := range old {
		_ = s.file.Close()
		_ = v.files.Remove(s.name)
	}
}

// trim forgets the events before a time. left reports whether others are kept.
func (v *events) trim(before time.Time) (left bool) {
	v.mu.Lock()
	n := 0
	for n < len(v.arrivals) && v.arrivals[n].at < before.UnixMilli() {
		n++
	}
	old := v.trimLocked(n)
	left = len(v.arrivals) > 0
	v.mu.Unlock()
	v.remove(old)
	return left
}

// begin begins a segment. Before, the table learns the numbers up to there, because older
// segments may be removed.
func (v *events) begin() error {
	if err := v.saveNumbers(); err != nil {
		return err
	}
	name := segmentName(v.dir, v.latest+1)
	f, err := v.files.Create(name)
	if err != nil {
		return err
	}
	v.latest++
	s := &segment{name: name, file: f}
	err = s.put([]byte(magic), v.sync)
	if err == nil && v.sync {
		err = v.files.SyncDir(v.dir)
	}
	if err != nil {
		v.remove([]*segment{s})
		return err
	}
	v.active = s
	v.mu.Lock()
	v.segments = append(v.segments, s)
	old := v.trimLocked(0) // the one before, if it is empty
	v.mu.Unlock()
	v.remove(old)
	return nil
}

// saveNumbers saves the latest numbers of the logs. It runs on the goroutine of commits,
// or while that does not run.
func (v *events) saveNumbers() error {
	v.mu.Lock()
	var logs []*eventLog
	for _, l := range v.logs {
		if l.saved != l.next && l.err == nil {
			logs = append(logs, l)
		}
	}
	v.mu.Unlock()
	if len(logs) == 0 {
		return nil
	}
	err := v.table.update(context.Background(), func(tx *bbolt.Tx) error {
		for _, l := range logs {
			if err := l.changeRow(tx, func(row *logRow) { row.last = l.next }); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		for _, l := range logs {
			l.saved = l.next
		}
	}
	return err
}

// A loaded is an event that load has found.
type loaded struct {
	of     *eventLog
	number uint64
	location
	arrival
}

// load reads what earlier processes have stored. It returns what is damaged, as a list of
// texts. It is called before all other methods.
func (v *events) load(rows map[uint64]logRow) (damages []string, err error) {
	byID := make(map[uint64]*eventLog)
	for id, row := range rows {
		l := &eventLog{events: v, id: id, namespace: row.namespace, epoch: row.epoch, damaged: row.damaged, lost: row.lost, saved: row.last}
		byID[id], v.logs[row.namespace] = l, l
	}
	names, latest, err := segmentNames(v.dir)
	if err != nil {
		return nil, err
	}
	v.latest = latest
	var all []loaded
	unread := int64(0) // of the latest segment
	for _, name := range names {
		s, rest, err := v.loadSegment(name, byID, &all)
		if err != nil {
			return nil, err
		}
		if unread = rest; rest > 0 {
			damages = append(damages, fmt.Sprintf("%s from byte %d on", filepath.Base(name), s.size))
			for _, l := range byID {
				l.suspect = true
			}
		}
		v.segments = append(v.segments, s)
	}
	for _, l := range byID {
		l.recover(uint64(unread) / (headerSize + minBody))
	}
	v.mu.Lock()
	for _, e := range all {
		if l := e.of; e.number > l.dropped && e.number <= l.next && l.kept[e.number-l.dropped-1] == e.location {
			v.arrivals = append(v.arrivals, e.arrival)
			v.bytes += e.arrival.size
			e.location.in.live++
		}
	}
	old := v.trimLocked(0)
	v.mu.Unlock()
	v.remove(old)
	if len(damages) == 0 {
		return nil, nil
	}
	return damages, v.table.update(context.Background(), func(tx *bbolt.Tx) error {
		for _, l := range byID {
			if err := l.changeRow(tx, func(row *logRow) { row.last, row.damaged = l.next, l.damaged }); err != nil {
				return err
			}
			l.saved = l.next
		}
		return nil
	})
}

// loadSegment reads a segment. rest is the length of what is damaged at its end.
func (v *events) loadSegment(name string, byID map[uint64]*eventLog, all *[]loaded) (s *segment, rest int64, err error) {
	f, size, err := v.files.Open(name)
	if err != nil {
		return nil, 0, err
	}
	s = &segment{name: name, file: f}
	data, err := readAll(f, size)
	if err != nil {
		return s, max(size, 1), nil // an error of the disk
	}
	valid, damaged := scan(data, func(off int64, size int, id uint64, e *adapter.KeptEvent) {
		l := byID[id]
		if l == nil {
			return // of a namespace that was forgotten
		}
		at := location{s, off, size}
		l.load(e.Number, at)
		*all = append(*all, loaded{l, e.Number, at, arrival{l, s, e.Time.UnixMilli(), e.Size()}})
	})
	s.size = valid
	if damaged {
		rest = int64(len(data)) - valid
	}
	return s, rest, nil
}

// syncAll syncs all segments.
func (v *events) syncAll() error {
	v.mu.Lock()
	segments := slices.Clone(v.segments)
	v.mu.Unlock()
	for _, s := range segments {
		if err := s.file.Sync(); err != nil {
			return err
		}
	}
	return v.files.SyncDir(v.dir)
}

// closeFiles closes all segments.
func (v *events) closeFiles() {
	v.mu.Lock()
	segments := v.segments
	v.segments = nil
	v.mu.Unlock()
	for _, s := range segments {
		_ = s.file.Close()
	}
}
