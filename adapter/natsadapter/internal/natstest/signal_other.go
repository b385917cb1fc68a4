// SPDX-License-Identifier: MIT

//go:build !unix

package natstest

import (
	"errors"
	"os"
)

func lameDuck(*os.Process) error { return errors.ErrUnsupported }
func reload(*os.Process) error   { return errors.ErrUnsupported }
