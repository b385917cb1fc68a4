// SPDX-License-Identifier: MIT

//go:build unix

// This file pauses processes.

package tether

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"time"
)

// stop stops a process, and returns when it has stopped if the kernel tells.
func stop(p *os.Process) error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for range 5000 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
		if i := bytes.LastIndex(text, []byte(") ")); err != nil || i < 0 || text[i+2] == 'T' {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("process %d does not stop", p.Pid)
}

// resume lets a process go on.
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
