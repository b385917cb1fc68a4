// SPDX-License-Identifier: MIT

//go:build unix

// This file asks servers to do something.

package natstest

import (
	"os"
	"syscall"
)

// lameDuck and reload ask a server to leave slowly, and to read its configuration again.
func lameDuck(p *os.Process) error { return p.Signal(syscall.SIGUSR2) }
func reload(p *os.Process) error   { return p.Signal(syscall.SIGHUP) }
