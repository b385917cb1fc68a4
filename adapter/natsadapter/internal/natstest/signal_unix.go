// SPDX-License-Identifier: MIT

//go:build unix

package natstest

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"time"
)

// stop and resume stop a process and let it go on. lameDuck and reload ask a server to
// leave slowly, and to read its configuration again.
func stop(p *os.Process) error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for range 5000 { // where the kernel tells, until it has stopped
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
		if i := bytes.LastIndex(text, []byte(") ")); err != nil || i < 0 || text[i+2] == 'T' {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("process %d does not stop", p.Pid)
}

func resume(p *os.Process) error   { return p.Signal(syscall.SIGCONT) }
func lameDuck(p *os.Process) error { return p.Signal(syscall.SIGUSR2) }
func reload(p *os.Process) error   { return p.Signal(syscall.SIGHUP) }
