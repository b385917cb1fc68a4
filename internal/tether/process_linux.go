// SPDX-License-Identifier: MIT

// This file starts servers on Linux.

package tether

import (
	"os/exec"
	"runtime"
	"syscall"
)

// start starts cmd, which the kernel ends when this process ends in any way: with the
// signal of cmd.SysProcAttr.Pdeathsig, or SIGKILL. It calls ended when cmd has ended. The
// kernel takes the end of the thread that started it for that of the process, so the thread
// is kept until then.
func start(cmd *exec.Cmd, ended func()) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	if cmd.SysProcAttr.Pdeathsig == 0 {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	started := make(chan error)
	go func() { // ends with the process
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			ended()
		}
	}()
	return <-started
}
