// SPDX-License-Identifier: MIT

// This file has a file system that fails: it is full, its syncs fail, it stalls, or it
// loses what was not synced.

package diskstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
)

// faulty is the file system of the operating system, with faults. The zero value has none.
type faulty struct {
	system

	mu      sync.Mutex
	full    bool
	noSync  error
	noOpen  error         // of files that exist
	stalls  chan struct{} // writes wait until it is closed
	steps   []string      // "write", "sync", and what tests add
	synced  map[string][]byte
	named   map[string]bool // names that a SyncDir has seen
	created map[string]bool
}

func newFaulty() *faulty {
	return &faulty{synced: make(map[string][]byte), named: make(map[string]bool), created: make(map[string]bool)}
}

// A faultyFile is a file of a faulty file system.
type faultyFile struct {
	*os.File
	fs *faulty
}

func (f *faulty) Create(name string) (file, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return nil, syscall.ENOSPC
	}
	of, err := f.system.Create(name)
	if err != nil {
		return nil, err
	}
	f.created[name] = true
	return &faultyFile{of.(*os.File), f}, nil
}

func (f *faulty) Open(name string) (file, int64, error) {
	if f.noOpen != nil {
		return nil, 0, f.noOpen
	}
	of, size, err := f.system.Open(name)
	if err != nil {
		return nil, 0, err
	}
	return &faultyFile{of.(*os.File), f}, size, nil
}

func (f *faulty) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.created {
		f.named[name] = true
	}
	return f.system.SyncDir(dir)
}

func (f *faulty) note(step string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps = append(f.steps, step)
}

func (f *faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	full, stalls := f.fs.full, f.fs.stalls
	f.fs.steps = append(f.fs.steps, "write")
	f.fs.mu.Unlock()
	if stalls != nil {
		<-stalls
	}
	if full {
		n, _ := f.File.WriteAt(b[:len(b)/2], off) // as much as there is room for
		return n, syscall.ENOSPC
	}
	return f.File.WriteAt(b, off)
}

func (f *faultyFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.fs.noSync != nil {
		return f.fs.noSync
	}
	f.fs.steps = append(f.fs.steps, "sync")
	b, err := os.ReadFile(f.Name())
	if err == nil {
		f.fs.synced[f.Name()] = b
	}
	return err
}

// losePower makes the directory what it is after a loss of power.
func (f *faulty) losePower(t *testing.T, dir string) {
	t.Helper()
	names, _, err := segmentNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !f.named[name] {
			err = os.Remove(name)
		} else {
			err = os.WriteFile(name, f.synced[name], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A stand is a store in a directory, with what tests need.
type stand struct {
	t   *testing.T
	dir string
	o   Options
	log strings.Builder
	*Store
}

func newStand(t *testing.T, o Options) *stand {
	t.Helper()
	s := &stand{t: t, dir: t.TempDir(), o: o}
	t.Cleanup(func() {
		if s.Store != nil {
			s.close()
		}
	})
	return s.open()
}

var retention = adapter.Retention{Window: time.Hour, MaxBytes: 16 << 20, MaxSessions: 1000}

func (s *stand) open() *stand {
	s.t.Helper()
	store, err := Open(context.Background(), s.dir, &s.o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.log.Reset()
	if err := store.Open(adapter.Node{ID: "n", Logger: slog.New(slog.NewTextHandler(&s.log, nil))}, retention); err != nil {
		s.t.Fatal(err)
	}
	s.Store = store
	return s
}

func (s *stand) close() {
	s.t.Helper()
	if err := s.Close(context.Background()); err != nil {
		s.t.Errorf("Close: %v", err)
	}
	s.Store = nil
}

// abandon ends the store as the end of its process would.
func (s *stand) abandon() {
	s.events.closeFiles()
	if !s.table.broken.Load() {
		_ = s.table.db.Close() // writes nothing
		s.table = nil
	}
	s.release()
	s.Store = nil
}

func (s *stand) namespace(name string) adapter.Log {
	s.t.Helper()
	l, err := s.Log(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// add appends an event and returns its number.
func add(l adapter.Log, text string) (number uint64, err error) {
	r := &adapter.Record{Deliver: func(n uint64) { number = n }}
	r.Event.JSON = fmt.Appendf(nil, "[%q]", text)
	err = l.Append(r)
	return number, err
}

func (s *stand) add(l adapter.Log, text string) uint64 {
	s.t.Helper()
	n, err := add(l, text)
	if err != nil {
		s.t.Fatalf("Append: %v", err)
	}
	return n
}

// events returns the events of a log after a number, and the error.
func since(l adapter.Log, after uint64) (texts []string, err error) {
	for e, err := range l.Since(context.Background(), after, l.Last()) {
		if err != nil {
			return texts, err
		}
		texts = append(texts, fmt.Sprintf("%d%s", e.Number, e.Event.JSON))
	}
	return texts, nil
}

func (s *stand) want(l adapter.Log, after uint64, want ...string) {
	s.t.Helper()
	if got, err := since(l, after); err != nil || !slices.Equal(got, want) {
		s.t.Errorf("the events are %q (%v), want %q", got, err, want)
	}
}

// With Sync, an event is delivered after its write, and after the sync that follows it;
// without, after its write.
func TestStoredBeforeDelivered(t *testing.T) {
	for _, sync := range []bool{false, true} {
		fs := newFaulty()
		s := newStand(t, Options{Sync: sync, files: fs})
		l := s.namespace("/")
		s.add(l, "first")
		fs.set(func() { fs.steps = nil })
		for i := range 3 {
			r := &adapter.Record{Deliver: func(n uint64) { fs.note("deliver") }}
			r.Event.JSON = fmt.Appendf(nil, "[%d]", i)
			if err := l.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		want := strings.Repeat("write deliver ", 3)
		if sync {
			want = strings.Repeat("write sync deliver ", 3)
		}
		if got := strings.Join(fs.steps, " ") + " "; got != want {
			t.Errorf("Sync %v: %s", sync, got)
		}
	}
}

// With Sync, what was delivered is there after a loss of power, whatever else is not.
func TestLossOfPower(t *testing.T) {
	fs := newFaulty()
	s := newStand(t, Options{Sync: true, files: fs, boot: "one"})
	a, b := s.namespace("/a"), s.namespace("/b")
	epoch := a.Epoch()
	var all sync.WaitGroup
	for _, l := range []adapter.Log{a, b} {
		for g := range 3 {
			all.Go(func() {
				for i := range 20 {
					if _, err := add(l, fmt.Sprint(g, i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	if err := s.Save(context.Background(), "/a", someSession()); err != nil {
		t.Fatal(err)
	}
	before, _ := since(a, 0)
	s.abandon()
	fs.losePower(t, s.dir)
	s.o.boot = "two"
	s.open()
	a, b = s.namespace("/a"), s.namespace("/b")
	if a.Epoch() != epoch || a.Last() != 60 || b.Last() != 60 {
		t.Fatalf("epoch %v, last %d and %d", a.Epoch() == epoch, a.Last(), b.Last())
	}
	s.want(a, 0, before...)
	if _, err := s.Take(context.Background(), "/a", "secret"); err != nil {
		t.Error(err)
	}
}

// Without Sync the store begins anew after a loss of power, because it can't know what is
// missing; unless it was closed.
func TestLossOfPowerWithoutSync(t *testing.T) {
	s := newStand(t, Options{boot: "one"})
	l := s.namespace("/")
	epoch := l.Epoch()
	s.add(l, "a")
	s.close()
	s.o.boot = "two"
	s.open()
	l = s.namespace("/")
	s.want(l, 0, `1["a"]`)
	s.add(l, "b")
	s.abandon() // killed
	s.open()
	l = s.namespace("/")
	s.want(l, 0, `1["a"]`, `2["b"]`)
	if l.Epoch() != epoch {
		t.Error("the epoch has changed")
	}
	s.abandon()
	s.o.boot = "three"
	s.open()
	if l = s.namespace("/"); l.Epoch() == epoch || l.Last() != 0 {
		t.Error("the log goes on, though its end may be missing")
	}
	if !strings.Contains(s.log.String(), "Options.Sync") {
		t.Errorf("the log says %s", s.log.String())
	}
}

// A full disk: Append fails and nothing is delivered; when there is room again, it goes on
// with the next number. What was half written is not read.
func TestFullFileSystem(t *testing.T) {
	for _, sync := range []bool{false, true} {
		fs := newFaulty()
		s := newStand(t, Options{Sync: sync, files: fs})
		l := s.namespace("/")
		s.add(l, "a")
		fs.set(func() { fs.full = true })
		for range 3 {
			if n, err := add(l, "lost"); !errors.Is(err, syscall.ENOSPC) || n != 0 {
				t.Fatalf("number %d is delivered (%v)", n, err)
			}
		}
		fs.set(func() { fs.full = false })
		if n := s.add(l, "b"); n != 2 {
			t.Errorf("the next number is %d", n)
		}
		s.want(l, 0, `1["a"]`, `2["b"]`)
		s.abandon()
		s.open()
		s.want(s.namespace("/"), 0, `1["a"]`, `2["b"]`)
	}
}

// After a sync that failed nobody knows what the disk has: the events were not delivered as
// stored, and their numbers go to others, in another file.
func TestSyncFails(t *testing.T) {
	fs := newFaulty()
	s := newStand(t, Options{Sync: true, files: fs})
	l := s.namespace("/")
	s.add(l, "a")
	fs.set(func() { fs.noSync = syscall.EIO })
	if n, err := add(l, "lost"); !errors.Is(err, syscall.EIO) || n != 0 {
		t.Fatalf("number %d is delivered (%v)", n, err)
	}
	fs.set(func() { fs.noSync = nil })
	s.add(l, "b")
	s.abandon()
	s.open()
	s.want(s.namespace("/"), 0, `1["a"]`, `2["b"]`)
}

// An event whose write comes to the disk later than its callers can wait is not stored,
// and is not there later either.
func TestStalledDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFaulty()
		s := newStand(t, Options{files: fs})
		l := s.namespace("/")
		s.add(l, "a")
		stalls := make(chan struct{})
		fs.set(func() { fs.stalls = stalls })
		began := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if n, err := add(l, "late"); !errors.Is(err, errStalled) || n != 0 {
					t.Errorf("number %d is delivered (%v)", n, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != writeLimit {
			t.Errorf("they wait %v", took)
		}
		if _, err := add(l, "while it stalls"); !errors.Is(err, errStalled) || time.Since(began) != writeLimit {
			t.Errorf("Append waits for a disk that is known to stall: %v", err)
		}
		fs.set(func() { fs.stalls = nil })
		close(stalls)
		synctest.Wait()
		s.add(l, "b")
		s.want(l, 0, `1["a"]`, `2["b"]`)
		s.abandon()
		s.open()
		s.want(s.namespace("/"), 0, `1["a"]`, `2["b"]`)
	})
}

// Close makes those that wait return.
func TestCloseWhileTheDiskStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := newFaulty()
		s := newStand(t, Options{files: fs})
		l := s.namespace("/")
		s.add(l, "a")
		stalls := make(chan struct{})
		fs.set(func() { fs.stalls = stalls })
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := add(l, "written"); first <- err }()
		synctest.Wait()
		go func() { _, err := add(l, "waits"); second <- err }()
		synctest.Wait()
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Close(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("Close: %v", err)
		}
		if err := <-second; !errors.Is(err, adapter.ErrStoreClosed) {
			t.Errorf("Append: %v", err)
		}
		close(stalls)
		if err := <-first; err != nil {
			t.Errorf("Append: %v", err)
		}
		synctest.Wait()
		s.open() // the directory is free
		s.want(s.namespace("/"), 0, `1["a"]`, `2["written"]`)
	})
}

// That an event was lost is known to the next process, even if the disk was full.
func TestLostIsRemembered(t *testing.T) {
	s := newStand(t, Options{})
	l := s.namespace("/")
	if _, ok := l.(*eventLog).Lost(); ok {
		t.Error("an event is lost")
	}
	s.add(l, "a")
	s.add(l, "b")
	if err := l.(*eventLog).MarkLost(1); err != nil {
		t.Fatal(err)
	}
	s.abandon()
	s.open()
	l = s.namespace("/")
	if after, ok := l.(*eventLog).Lost(); after != 1 || !ok {
		t.Error(after, ok)
	}
	s.table.broken.Store(true) // nothing can be written into the table
	if err := l.(*eventLog).MarkLost(2); err != nil {
		t.Fatal(err)
	}
	s.table.broken.Store(false)
	s.abandon()
	for range 2 {
		s.open()
		l = s.namespace("/")
		if after, ok := l.(*eventLog).Lost(); after != 2 || !ok {
			t.Error(after, ok)
		}
		s.close()
	}
}

// Files are removed when their events are.
func TestFilesAreRemoved(t *testing.T) {
	s := newStand(t, Options{})
	retention := retention
	retention.MaxBytes = 8 * minSegment
	if err := s.Open(adapter.Node{Logger: slog.New(slog.DiscardHandler)}, retention); err != nil {
		t.Fatal(err)
	}
	quiet, l := s.namespace("/quiet"), s.namespace("/")
	s.add(quiet, "first")
	long := strings.Repeat("x", 1000)
	for i := range 2000 {
		s.add(l, fmt.Sprint(i, long))
		if i%100 == 0 {
			if size := segmentBytes(t, s.dir); size > 10*minSegment {
				t.Fatalf("after %d events there are %d bytes", i, size)
			}
		}
	}
	if _, err := since(quiet, 0); !errors.Is(err, adapter.ErrTrimmed) {
		t.Errorf("the first event: %v", err)
	}
	last := l.Last()
	s.close()
	s.open()
	if n := s.namespace("/quiet").Last(); n != 1 {
		t.Errorf("the last number of a quiet namespace is %d", n)
	}
	l = s.namespace("/")
	if l.Last() != last {
		t.Errorf("the last number is %d, want %d", l.Last(), last)
	}
	if got, err := since(l, last-100); len(got) != 100 || err != nil {
		t.Errorf("%d events (%v)", len(got), err)
	}
	if _, err := s.Expire(context.Background(), time.Now().Add(time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	if names, _, _ := segmentNames(s.dir); len(names) > 1 {
		t.Errorf("all events have expired, but there are %d files", len(names))
	}
	s.close()
	s.open()
	if l := s.namespace("/"); l.Last() != last {
		t.Errorf("the last number is %d, want %d", l.Last(), last)
	}
}

func segmentBytes(t *testing.T, dir string) (size int64) {
	names, _, err := segmentNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// What is left of a namespace that has ended is forgotten, and its events do not come back
// in another one.
func TestNamespacesAreForgotten(t *testing.T) {
	s := newStand(t, Options{})
	l := s.namespace("/old")
	s.add(l, "old")
	_ = l.Close()
	if _, err := s.Expire(context.Background(), time.Now().Add(time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	if len(s.events.logs) != 0 {
		t.Error("the namespace is still there")
	}
	s.abandon()
	s.open() // the file of the event is still there
	again := s.namespace("/new")
	if again.Last() != 0 {
		t.Error("a new namespace has events")
	}
	s.close()
	s.open()
	if again = s.namespace("/new"); again.Last() != 0 {
		t.Error("a new namespace has events")
	}
	if s.namespace("/old").Epoch() == l.Epoch() {
		t.Error("the numbering begins again with the same epoch")
	}
}

// A session whose expiry the process did not survive is reported again.
func TestExpiryIsReportedAtLeastOnce(t *testing.T) {
	s := newStand(t, Options{})
	if err := s.Save(context.Background(), "/", someSession()); err != nil {
		t.Fatal(err)
	}
	reports := 0
	for range 2 {
		func() {
			defer func() { _ = recover() }()
			_, _ = s.Expire(context.Background(), time.Now(), func(string, *adapter.Session) { reports++; panic("crash") })
		}()
		s.abandon()
		s.open()
	}
	if _, err := s.Expire(context.Background(), time.Now(), func(string, *adapter.Session) { reports++ }); err != nil || reports != 3 {
		t.Errorf("%d reports (%v)", reports, err)
	}
	s.abandon()
	s.open()
	if _, err := s.Take(context.Background(), "/", "secret"); !errors.Is(err, adapter.ErrNoSession) {
		t.Errorf("a session that has expired: %v", err)
	}
}

// A second process waits for the directory, and is told what to do.
func TestDirectoryInUse(t *testing.T) {
	s := newStand(t, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), lockPeriod/2)
	defer cancel()
	_, err := Open(ctx, s.dir, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprintf("process %d: stop it", os.Getpid())) {
		t.Errorf("the error is %v", err)
	}
	opened := make(chan error, 1)
	var second *Store
	go func() {
		var err error
		second, err = Open(context.Background(), s.dir, nil)
		opened <- err
	}()
	s.close()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if err := second.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(s.dir, "sessions.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the secrets: %v %v", info.Mode(), err)
	}
}
