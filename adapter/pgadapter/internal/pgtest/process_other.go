// SPDX-License-Identifier: MIT

//go:build !linux

// This file starts processes where they can't be made to end with this one: they end with
// their test.

package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

func giveAway(string) error { return nil }

func asServer() *syscall.SysProcAttr { return nil }

func start(cmd *exec.Cmd, ended func(error)) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { ended(cmd.Wait()) }() // ends with the process
	return nil
}

func quit(p *os.Process) error { return p.Signal(os.Interrupt) }

func signalAll(*os.Process, bool) error { return errors.ErrUnsupported }
