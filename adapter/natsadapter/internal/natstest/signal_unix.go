// SPDX-License-Identifier: MIT

//go:build unix

package natstest

import (
	"os"
	"syscall"
)

// stop and resume stop a process and let it go on. lameDuck and reload ask a server to
// leave slowly, and to read its configuration again.
func stop(p *os.Process) error     { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error   { return p.Signal(syscall.SIGCONT) }
func lameDuck(p *os.Process) error { return p.Signal(syscall.SIGUSR2) }
func reload(p *os.Process) error   { return p.Signal(syscall.SIGHUP) }
