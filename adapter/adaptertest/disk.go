// SPDX-License-Identifier: MIT

// This file holds Disk, a place for durable Stores that fail when a test says so.

package adaptertest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"socketio/adapter"
)

// A Disk keeps in memory what its Stores store. They are durable: a Store has what earlier
// ones of the same Disk have stored. One of them is open at a time. A Disk tests how a
// server uses a durable Store: how it restarts, and what it does when the Store is slow or
// fails. All methods may be called from any goroutine.
type Disk struct {
	// Immutable after the first Store.
	//
	// Fault, if not nil, is called before each operation, without locks: "Log", "Append",
	// "MarkLost", "Since", "Save", "AddReplies", "Take", "Drop", "Expire". The operation fails with its error.
	// Fault may wait until ctx ends, which it does at Close and Kill too.
	Fault func(ctx context.Context, operation string) error

	all adapter.Store // opened once, and never closed

	mu   sync.Mutex // guards the fields below
	open *diskStore
	// Of the Store that is open: the sessions that have not ended, and those that were
	// taken and neither saved nor dropped since.
	live, taken map[diskKey]adapter.Session
}

type diskKey struct{ namespace, secret string }

// NewDisk returns an empty Disk.
func NewDisk() *Disk {
	return &Disk{all: adapter.NewMemoryStore(), live: make(map[diskKey]adapter.Session), taken: make(map[diskKey]adapter.Session)}
}

// Store returns a Store of the Disk, to be opened by a server.
func (d *Disk) Store() adapter.Store {
	s := &diskStore{disk: d}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

// Kill ends the open Store as if its process had been killed: it stores nothing more.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		d.open.end(adapter.ErrStoreClosed)
		d.open = nil
	}
}

// A diskStore is a Store of a Disk.
type diskStore struct {
	disk *Disk
	ctx  context.Context // ends at Close and Kill
	end  context.CancelCauseFunc
}

func (s *diskStore) Open(n adapter.Node, r adapter.Retention) error {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return errTwoStores
	}
	if err := d.all.Open(n, r); err != nil {
		return err
	}
	d.open = s
	for key, session := range d.live { // of a Store that was killed
		session.Ended = time.Now()
		d.taken[key] = session
	}
	clear(d.live)
	for key, session := range d.taken {
		if err := d.all.Save(s.ctx, key.namespace, &session); err != nil {
			return err
		}
	}
	clear(d.taken)
	return nil
}

var errTwoStores = errors.New("adaptertest: another Store of the Disk is open")

func (s *diskStore) Durable() bool { return true }

// fault is called before each operation. The returned context ends at Close too; done is
// called after the operation.
func (s *diskStore) fault(ctx context.Context, operation string) (_ context.Context, done func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	done = func() { stop(); cancel(nil) }
	if fault := s.disk.Fault; fault != nil && s.ctx.Err() == nil {
		err = fault(ctx, operation)
	}
	if s.ctx.Err() != nil {
		err = adapter.ErrStoreClosed
	}
	return ctx, done, err
}

// begin is fault for an operation that changes the Disk, which done unlocks.
func (s *diskStore) begin(ctx context.Context, operation string) (_ context.Context, done func(), err error) {
	ctx, release, err := s.fault(ctx, operation)
	if err != nil {
		return ctx, release, err
	}
	s.disk.mu.Lock()
	if s.ctx.Err() != nil { // killed meanwhile
		err = adapter.ErrStoreClosed
	}
	return ctx, func() { s.disk.mu.Unlock(); release() }, err
}

func (s *diskStore) Log(namespace string) (adapter.Log, error) {
	_, done, err := s.fault(s.ctx, "Log")
	defer done()
	if err != nil {
		return nil, err
	}
	l, err := s.disk.all.Log(namespace)
	return &diskLog{Log: l, store: s}, err
}

func (s *diskStore) Save(ctx context.Context, namespace string, session *adapter.Session) error {
	ctx, done, err := s.begin(ctx, "Save")
	defer done()
	if err != nil {
		return err
	}
	key := diskKey{namespace, session.Secret}
	delete(s.disk.taken, key)
	if session.Ended.IsZero() {
		s.disk.live[key] = *session
	} else {
		delete(s.disk.live, key)
	}
	return s.disk.all.Save(ctx, namespace, session)
}

func (s *diskStore) AddReplies(ctx context.Context, namespace, secret string, data []byte) error {
	ctx, done, err := s.begin(ctx, "AddReplies")
	defer done()
	if err != nil {
		return err
	}
	if err = s.disk.all.(adapter.ReplyStore).AddReplies(ctx, namespace, secret, data); err == nil {
		key := diskKey{namespace, secret}
		session := s.disk.live[key]
		session.Replies = slices.Concat(session.Replies, data)
		s.disk.live[key] = session
	}
	return err
}

func (s *diskStore) Take(ctx context.Context, namespace, secret string) (*adapter.Session, error) {
	ctx, done, err := s.begin(ctx, "Take")
	defer done()
	if err != nil {
		return nil, err
	}
	session, err := s.disk.all.Take(ctx, namespace, secret)
	if err == nil {
		s.disk.taken[diskKey{namespace, secret}] = *session
		delete(s.disk.live, diskKey{namespace, secret})
	}
	return session, err
}

func (s *diskStore) Drop(ctx context.Context, namespace, secret string) error {
	ctx, done, err := s.begin(ctx, "Drop")
	defer done()
	if err != nil {
		return err
	}
	key := diskKey{namespace, secret}
	delete(s.disk.live, key)
	delete(s.disk.taken, key)
	return s.disk.all.Drop(ctx, namespace, secret)
}

func (s *diskStore) Expire(ctx context.Context, before time.Time, expired func(string, *adapter.Session)) (bool, error) {
	ctx, done, err := s.fault(ctx, "Expire")
	defer done()
	if err != nil {
		return false, err
	}
	return s.disk.all.Expire(ctx, before, expired)
}

func (s *diskStore) Close(context.Context) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.end(adapter.ErrStoreClosed)
	if s.disk.open == s {
		s.disk.open = nil
	}
	return nil
}

// A diskLog is a Log of a diskStore.
type diskLog struct {
	adapter.Log
	store *diskStore
	gone  sync.Once
}

func (l *diskLog) Append(r *adapter.Record) error {
	_, done, err := l.store.begin(l.store.ctx, "Append")
	defer done()
	if err != nil {
		return err
	}
	return l.Log.Append(r)
}

func (l *diskLog) MarkLost(after uint64) error {
	_, done, err := l.store.fault(l.store.ctx, "MarkLost")
	defer done()
	if err != nil {
		return err
	}
	return l.Log.MarkLost(after)
}

func (l *diskLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[adapter.KeptEvent, error] {
	return func(yield func(adapter.KeptEvent, error) bool) {
		ctx, done, err := l.store.fault(ctx, "Since")
		defer done()
		if err != nil {
			yield(adapter.KeptEvent{}, err)
			return
		}
		for e, err := range l.Log.Since(ctx, after, upTo) {
			if !yield(e, err) {
				return
			}
		}
	}
}

func (l *diskLog) Close() (err error) {
	l.gone.Do(func() { err = l.Log.Close() })
	return err
}
