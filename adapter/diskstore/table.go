// SPDX-License-Identifier: MIT

// This file holds table: the logs and the sessions in a file of bbolt.

package diskstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

var (
	bucketLogs     = []byte("logs")     // id of 8 bytes: see appendLogRow
	bucketSessions = []byte("sessions") // namespace and secret: see appendSession
	bucketReplies  = []byte("replies")  // see replyKey: what was added to a session, with a checksum

	bucketSums = []byte("sums") // name of a bucket above: see addSum

	errDamaged = errors.New("diskstore: the stored data is damaged")
)

// A table is a database. All methods may be called from any goroutine.
type table struct {
	db   *bbolt.DB
	file *os.File
	// broken is set when the database was found damaged. It may hold locks of its own
	// then, so it is no longer called.
	broken  atomic.Bool
	commits group[change]
}

// A change is a part of a transaction. If one returns an error, none is stored.
type change func(tx *bbolt.Tx) error

// openTable opens or creates a table. If the file is damaged, the error is errDamaged; the
// file is closed then.
func openTable(name string, sync bool, limit time.Duration) (*table, error) {
	t := new(table)
	t.commits = group[change]{write: t.write, limit: limit}
	options := &bbolt.Options{
		NoSync: !sync, NoGrowSync: !sync, FreelistType: bbolt.FreelistMapType,
		// The list of free pages is stored too: to find them, bbolt would read the pages on
		// goroutines of its own, which can't be guarded.
		Timeout: 10 * time.Second, // nobody else should have it: the directory is locked
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag, mode)
			t.file = f
			return f, err
		},
	}
	if err := checkMeta(name); err != nil {
		return nil, err
	}
	err := t.guarded(func() (err error) {
		if t.db, err = bbolt.Open(name, 0o600, options); err != nil {
			if t.file != nil && !errors.Is(err, berrors.ErrTimeout) && isFormat(err) {
				return fmt.Errorf("%w: %w", errDamaged, err)
			}
			return err
		}
		return t.db.Update(func(tx *bbolt.Tx) error {
			for _, name := range [][]byte{bucketLogs, bucketSessions, bucketReplies, bucketSums} {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

// checkMeta returns errDamaged unless both of the first pages of a database are valid.
// Each transaction writes one of them. With only one valid, bbolt would go on with what
// was stored before the latest transaction.
func checkMeta(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	const header, size = 16, 64 // of a page, and of what follows; the last 8 bytes are a checksum
	var first [header + size]byte
	if n, err := f.ReadAt(first[:], 0); n == 0 && err == io.EOF {
		return nil // not begun
	}
	pageSize := int64(binary.NativeEndian.Uint32(first[header+8:]))
	second := first
	if _, err = f.ReadAt(second[:], pageSize); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	for _, page := range [][header + size]byte{first, second} {
		sum := fnv.New64a()
		_, _ = sum.Write(page[header : header+size-8])
		if sum.Sum64() != binary.NativeEndian.Uint64(page[header+size-8:]) {
			return errDamaged
		}
	}
	return nil
}

// isFormat reports whether an error says that a file is not a database.
func isFormat(err error) bool {
	for _, e := range []error{berrors.ErrInvalid, berrors.ErrVersionMismatch, berrors.ErrChecksum} {
		if errors.Is(err, e) {
			return true
		}
	}
	var path *os.PathError
	return !errors.As(err, &path) // such as "file size too small"
}

// guarded calls f, and returns errDamaged if f panics: the database does so, or reads
// beyond the end of its file, when it finds a page that can't be.
func (t *table) guarded(f func() error) (err error) {
	if t.broken.Load() {
		return errDamaged
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			t.broken.Store(true)
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return f()
}

// view reads. What f is given is valid until it returns.
func (t *table) view(f func(tx *bbolt.Tx) error) error {
	return t.guarded(func() error { return t.db.View(f) })
}

// update stores a change. If ctx ends before, it may still be stored.
func (t *table) update(ctx context.Context, c change) error { return t.commits.do(ctx, c) }

// write stores changes in one transaction.
func (t *table) write(batch []change) error {
	return t.guarded(func() error {
		return t.db.Update(func(tx *bbolt.Tx) error {
			for _, c := range batch {
				if err := c(tx); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// close closes the file after what is being written, unless ctx ends. It syncs it first.
func (t *table) close(ctx context.Context) error {
	if err := t.commits.close(ctx, errClosing); err != nil {
		return err
	}
	if err := t.guarded(t.db.Sync); err != nil {
		t.release()
		return err
	}
	return t.guarded(t.db.Close)
}

// release closes the file. If the database is broken it isn't called for that; the file
// then stays mapped.
func (t *table) release() {
	if t.db != nil && !t.broken.Load() {
		_ = t.guarded(t.db.Close)
		return
	}
	if t.file != nil {
		unlock(t.file)
		_ = t.file.Close()
	}
}

func logKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func (k sessionKey) bytes() []byte { return append(appendText(nil, k.namespace), k.secret...) }

func logID(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// put stores a value in a bucket, and remove removes one.
func put(tx *bbolt.Tx, bucket, key, value []byte) error {
	b := tx.Bucket(bucket)
	if b.Get(key) == nil {
		if err := addSum(tx, bucket, key, 1); err != nil {
			return err
		}
	}
	return b.Put(key, value)
}

func remove(tx *bbolt.Tx, bucket, key []byte) error {
	b := tx.Bucket(bucket)
	if b.Get(key) == nil {
		return nil
	}
	if err := addSum(tx, bucket, key, -1); err != nil {
		return err
	}
	return b.Delete(key)
}

// addSum counts a key of a bucket in or out. The database does not notice a damaged page
// that merely has fewer keys.
func addSum(tx *bbolt.Tx, bucket, key []byte, by int) error {
	sums := tx.Bucket(bucketSums)
	s := parseSum(sums.Get(bucket))
	s.count += uint64(by)
	s.keys ^= uint64(checksum(key))
	return sums.Put(bucket, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.count), s.keys))
}

// A sum is what is known of the keys of a bucket.
type sum struct{ count, keys uint64 }

func parseSum(b []byte) sum {
	if len(b) != 16 {
		return sum{}
	}
	return sum{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// each calls f for the keys and values of a bucket.
func each(tx *bbolt.Tx, bucket []byte, f func(key, value []byte) error) error {
	var s sum
	err := tx.Bucket(bucket).ForEach(func(key, value []byte) error {
		s.count++
		s.keys ^= uint64(checksum(key))
		return f(key, value)
	})
	if err == nil && s != parseSum(tx.Bucket(bucketSums).Get(bucket)) {
		return errDamaged
	}
	return err
}
