// SPDX-License-Identifier: MIT

//go:build !linux

// This file starts servers where the kernel can't end them with this process: they end
// with their test.

package tether

import "os/exec"

func start(cmd *exec.Cmd, ended func()) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with the process
		_ = cmd.Wait()
		ended()
	}()
	return nil
}
