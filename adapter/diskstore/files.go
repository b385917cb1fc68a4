// SPDX-License-Identifier: MIT

// This file holds what the log needs of a file system. Tests put others in its place:
// full disks, failing ones, and such as lose what was not synced.

package diskstore

import (
	"io"
	"os"
)

// A file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Sync returns when what was written survives a loss of power.
	Sync() error
}

// files is a file system. All names are paths.
type files interface {
	// Create creates a file that does not exist yet.
	Create(name string) (file, error)
	// Open opens a file for reading and writing, and returns its size.
	Open(name string) (file, int64, error)
	Remove(name string) error
	// SyncDir syncs the names in a directory.
	SyncDir(dir string) error
}

// system is the file system of the operating system.
type system struct{}

func (system) Create(name string) (file, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

func (system) Open(name string) (file, int64, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (system) Remove(name string) error { return os.Remove(name) }

func (system) SyncDir(dir string) error { return syncDir(dir) }
