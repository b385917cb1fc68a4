// SPDX-License-Identifier: MIT

// This file is for systems whose files this package can't lock.

//go:build !windows && (!unix || solaris || aix)

package diskstore

import (
	"errors"
	"os"
)

func tryLock(*os.File) error { return errors.ErrUnsupported }

func unlock(*os.File) {}
