// SPDX-License-Identifier: MIT

// This file holds how a process gets a directory for itself.

package diskstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errLocked is the error of tryLock for a file that another process has locked.
var errLocked = errors.New("diskstore: locked")

// lockPeriod is how often a lock is tried.
const lockPeriod = 50 * time.Millisecond

// acquire locks a directory. It waits for another process until ctx ends.
func acquire(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPeriod)
	defer tick.Stop()
	for {
		if err = tryLock(f); err == nil {
			break
		}
		if !errors.Is(err, errLocked) {
			_ = f.Close()
			return nil, fmt.Errorf("diskstore: %s can't be locked: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			owner := ownerOf(f)
			_ = f.Close()
			return nil, fmt.Errorf("diskstore: %s is in use by %s: stop it, give each server a directory of its own, or wait longer with a later deadline of the context: %w", dir, owner, ctx.Err())
		case <-tick.C:
		}
	}
	// For the message of others; no more.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// ownerOf names the process that has a lock.
func ownerOf(f *os.File) string {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n]))); err == nil {
		return fmt.Sprintf("process %d", pid)
	}
	return "another process"
}
