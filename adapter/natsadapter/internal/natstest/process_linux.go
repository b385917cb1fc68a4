// SPDX-License-Identifier: MIT

// This file starts processes on Linux.

package natstest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// start starts cmd, which the kernel kills when this process ends in any way, and calls
// ended when it has ended. The kernel takes the end of the thread that started it for
// that of the process, so the thread is kept until then.
func start(cmd *exec.Cmd, ended func(error)) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() { // ends with the process
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}
