// SPDX-License-Identifier: MIT

// This file holds Store: a directory with events and sessions.

package diskstore

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"socketio/adapter"
)

// Options configure a Store. A zero field means its default.
type Options struct {
	// Sync makes each write reach the disk itself before an event is sent, or a client
	// has its session; this takes as long as the disk takes, and events that are emitted
	// meanwhile share the next write. Without it, a write ends in the memory of the
	// operating system: it survives the end of the process, by kill -9 too, but not a
	// loss of power or a crash of the system. After such a loss the Store begins anew,
	// and clients are not recovered.
	Sync bool

	files  files         // for tests
	boot   string        // for tests
	writes time.Duration // for tests: the limit of a write
}

// writeLimit is how long a write may take before its event is sent without being stored.
const writeLimit = 8 * time.Second

// A Store is an adapter.Store in a directory. The events are in segments, which are
// written only at their end; the sessions, and the numbers of the logs, are in a database.
type Store struct {
	// Immutable after Open.
	dir      string
	files    files
	lock     *os.File // held while it is open
	state    *state
	table    *table
	events   *events
	sessions *sessions
	notes    []note // what was found, for the log
}

// A note is a line for the log.
type note struct {
	text  string
	attrs []any
}

// Open opens a directory, which is created if it does not exist. The Store is then passed
// to Options.Recovery, whose server closes it. One process at a time can use a directory:
// Open waits for another one until ctx ends, and then returns an error that names it. The
// files are readable for the user of the process only, because the sessions contain the
// secrets of clients. o may be nil. The directory must be on a local disk.
//
// What is found damaged is left out, and the clients that would need it are not recovered;
// the server logs it. An error of Open means that the directory can't be used.
func Open(ctx context.Context, dir string, o *Options) (*Store, error) {
	opts := Options{files: system{}, boot: bootID(), writes: writeLimit}
	if o != nil {
		opts.Sync = o.Sync
		if o.files != nil {
			opts.files = o.files
		}
		if o.boot != "" {
			opts.boot = o.boot
		}
		if o.writes != 0 {
			opts.writes = o.writes
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("diskstore: %w", err)
	}
	lock, err := acquire(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, files: opts.files, lock: lock}
	if err := s.open(&opts); err != nil {
		s.release()
		return nil, fmt.Errorf("diskstore: %s can't be used: %w", dir, err)
	}
	return s, nil
}

// open opens the files of a locked directory.
func (s *Store) open(o *Options) error {
	st, before, kind, err := openState(s.dir, o.writes)
	if err != nil {
		return err
	}
	s.state = st
	if kind == stateDamaged || kind == stateFound && !before.trusted(o.boot) {
		if err := s.clear("sessions.db"); err != nil {
			return err
		}
	}
	if err := st.begin(stateText{sync: o.Sync, boot: o.boot, lost: before.lost}); err != nil {
		return err
	}
	if kind == stateMissing {
		if err := syncDir(s.dir); err != nil {
			return err
		}
	}
	damaged := kind == stateDamaged
	if err = s.load(o); errors.Is(err, errDamaged) {
		damaged = true
		if err := s.setAside(); err != nil {
			return err
		}
		err = s.load(o)
	}
	if err != nil {
		return err
	}
	switch {
	case damaged:
		s.sessions.damaged = time.Now()
		s.note("the stored sessions of recovery are damaged: their clients are not recovered", "dir", s.dir)
	case kind == stateFound && !before.trusted(o.boot):
		s.note("the store of recovery begins anew, because the system has stopped while it was open: clients of that time are not recovered; Options.Sync of package diskstore survives that", "dir", s.dir)
	}
	if before.lost {
		return s.markAllLost()
	}
	return nil
}

// load reads the sessions and the events.
func (s *Store) load(o *Options) (err error) {
	if s.table, err = openTable(filepath.Join(s.dir, "sessions.db"), o.Sync, o.writes); err != nil {
		return err
	}
	rows := make(map[uint64]logRow)
	err = s.table.view(func(tx *bbolt.Tx) error { return readLogs(tx, rows) })
	if err != nil {
		return err
	}
	s.sessions = newSessions(s.table)
	if err := s.sessions.load(); err != nil {
		return err
	}
	s.events = newEvents(s.dir, s.files, s.table, s.state, o.Sync, o.writes)
	damages, err := s.events.load(rows)
	if len(damages) > 0 {
		s.note("events of recovery are damaged: clients that have missed them are not recovered", "dir", s.dir, "where", strings.Join(damages, ", "))
	}
	return err
}

func readLogs(tx *bbolt.Tx, rows map[uint64]logRow) error {
	return each(tx, bucketLogs, func(key, value []byte) error {
		row, err := parseLogRow(value)
		if err != nil || len(key) != 8 {
			return errDamaged
		}
		rows[logID(key)] = row
		return nil
	})
}

// clear removes the segments, and then other files.
func (s *Store) clear(others ...string) error {
	names, _, err := segmentNames(s.dir)
	if err != nil {
		return err
	}
	for _, name := range others {
		names = append(names, filepath.Join(s.dir, name))
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(s.dir)
}

// setAside renames a damaged table, and removes the segments, which are of no use without
// it. An earlier one is replaced.
func (s *Store) setAside() error {
	if s.events != nil {
		s.events.closeFiles()
	}
	if s.table != nil {
		s.table.release()
		s.table = nil
	}
	if err := s.clear(); err != nil {
		return err
	}
	name := filepath.Join(s.dir, "sessions.db")
	return os.Rename(name, name+".damaged")
}

// markAllLost marks in each log that an event was lost in it.
func (s *Store) markAllLost() error {
	for _, l := range s.events.logs {
		if err := l.MarkLost(l.next); err != nil {
			return err
		}
	}
	return s.state.set(context.Background(), func(t *stateText) { t.lost = false })
}

func (s *Store) note(text string, attrs ...any) { s.notes = append(s.notes, note{text, attrs}) }

// Open is called by the server.
func (s *Store) Open(n adapter.Node, r adapter.Retention) error {
	for _, note := range s.notes {
		n.Logger.Warn(note.text, note.attrs...)
	}
	s.events.retain(r.MaxBytes)
	s.sessions.retain(r)
	return nil
}

// Durable returns true.
func (s *Store) Durable() bool { return true }

// Log returns the log of a namespace.
func (s *Store) Log(namespace string) (adapter.Log, error) { return s.events.log(namespace) }

// Save stores a session.
func (s *Store) Save(ctx context.Context, namespace string, session *adapter.Session) error {
	return closed(s.sessions.save(ctx, namespace, session))
}

// AddReplies adds to the replies of a session.
func (s *Store) AddReplies(ctx context.Context, namespace, secret string, data []byte) error {
	return closed(s.sessions.addReplies(ctx, namespace, secret, data))
}

// Take returns a session, which nobody can take again before the next Open. Its file has
// it until it is saved again or dropped.
func (s *Store) Take(_ context.Context, namespace, secret string) (*adapter.Session, error) {
	session, err := s.sessions.take(namespace, secret)
	return session, closed(err)
}

// Drop removes a session.
func (s *Store) Drop(ctx context.Context, namespace, secret string) error {
	return closed(s.sessions.drop(ctx, namespace, secret))
}

// Expire drops what is older than a time.
func (s *Store) Expire(ctx context.Context, before time.Time, expired func(namespace string, s *adapter.Session)) (left bool, err error) {
	events := s.events.trim(before)
	sessions, err := s.sessions.expire(ctx, before, expired)
	if err == nil {
		err = s.events.forget(ctx, s.sessions.has)
	}
	return events || sessions, closed(err)
}

// closed translates the error of a store that is closed.
func closed(err error) error {
	if errors.Is(err, errClosing) {
		return adapter.ErrStoreClosed
	}
	return err
}

// Close syncs everything and gives the directory back. If ctx ends before, it does so when
// the disk answers.
func (s *Store) Close(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.close() }() // ends when the disk answers
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for what is being written, because the files must not be closed under it.
func (s *Store) close() error {
	ctx := context.Background()
	err := s.events.commits.close(ctx, adapter.ErrStoreClosed)
	if err == nil {
		err = s.events.saveNumbers()
	}
	if err == nil {
		err = s.events.syncAll()
	}
	if e := s.table.close(ctx); err == nil {
		err = e
	}
	if err == nil {
		err = s.state.set(ctx, func(t *stateText) { t.clean = true })
	}
	_ = s.state.commits.close(ctx, errClosing)
	s.table = nil
	s.release()
	return err
}

// release closes the files, and unlocks the directory.
func (s *Store) release() {
	if s.events != nil {
		s.events.closeFiles()
	}
	if s.table != nil {
		s.table.release()
	}
	if s.state != nil {
		_ = s.state.file.Close()
	}
	_ = s.lock.Close()
}

// log returns the log of a namespace.
func (v *events) log(namespace string) (adapter.Log, error) {
	for {
		v.mu.Lock()
		l := v.logs[namespace]
		if l != nil {
			l.users++
			v.mu.Unlock()
			if l.ready != nil {
				<-l.ready
			}
			if l.err == nil {
				return l, nil
			}
			continue // it has been removed
		}
		l = &eventLog{events: v, namespace: namespace, epoch: newEpoch(), ready: make(chan struct{}), users: 1}
		v.logs[namespace] = l
		v.mu.Unlock()
		row := logRow{namespace: namespace, epoch: l.epoch}
		err := v.table.update(context.Background(), func(tx *bbolt.Tx) error {
			id, err := tx.Bucket(bucketLogs).NextSequence() // never again, since segments may have events of logs that were forgotten
			if err != nil {
				return err
			}
			l.id = id
			return put(tx, bucketLogs, logKey(id), appendLogRow(nil, &row))
		})
		if err != nil {
			v.mu.Lock()
			l.err = err
			delete(v.logs, namespace)
			v.mu.Unlock()
		}
		close(l.ready)
		if err != nil {
			return nil, closed(err)
		}
		return l, nil
	}
}

func newEpoch() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// forget removes the logs of namespaces that have ended, if nothing is left of them.
func (v *events) forget(ctx context.Context, hasSessions func(namespace string) bool) error {
	var names []string
	v.mu.Lock()
	for name, l := range v.logs {
		if l.users == 0 && len(l.kept) == 0 {
			names = append(names, name)
		}
	}
	v.mu.Unlock()
	names = slices.DeleteFunc(names, hasSessions)
	var ids []uint64
	v.mu.Lock()
	for _, name := range names {
		if l := v.logs[name]; l != nil && l.users == 0 && len(l.kept) == 0 {
			delete(v.logs, name)
			ids = append(ids, l.id)
		}
	}
	v.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	return v.table.update(ctx, func(tx *bbolt.Tx) error {
		for _, id := range ids {
			if err := remove(tx, bucketLogs, logKey(id)); err != nil {
				return err
			}
		}
		return nil
	})
}
