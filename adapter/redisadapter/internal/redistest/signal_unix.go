// SPDX-License-Identifier: MIT

//go:build unix

package redistest

import (
	"os"
	"syscall"
)

// stop and resume stop a process and let it go on.
func stop(p *os.Process) error   { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
