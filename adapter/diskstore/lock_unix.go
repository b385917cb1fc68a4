// SPDX-License-Identifier: MIT

// This file locks files on Unix.

//go:build unix && !solaris && !aix

package diskstore

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file until it is closed or the process ends.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return errLocked
	}
	return err
}

// unlock unlocks a file, which may still be mapped.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
