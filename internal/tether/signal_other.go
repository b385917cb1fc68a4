// SPDX-License-Identifier: MIT

//go:build !unix

// This file says that processes can't be paused.

package tether

import (
	"errors"
	"os"
)

func stop(*os.Process) error   { return errors.ErrUnsupported }
func resume(*os.Process) error { return errors.ErrUnsupported }
