// SPDX-License-Identifier: MIT

//go:build !linux

// This file starts processes where they can't be made to end with this one: they end with
// their test.

package natstest

import "os/exec"

func start(cmd *exec.Cmd, ended func(error)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { ended(cmd.Wait()) }() // ends with the process
	return nil
}
