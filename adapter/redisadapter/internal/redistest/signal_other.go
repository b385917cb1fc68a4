// SPDX-License-Identifier: MIT

//go:build !unix

package redistest

import (
	"errors"
	"os"
)

func stop(*os.Process) error   { return errors.ErrUnsupported }
func resume(*os.Process) error { return errors.ErrUnsupported }
