// SPDX-License-Identifier: MIT

//go:build !linux

// This file holds what is known of processes elsewhere: they run as the user of the test.

package pgtest

import (
	"errors"
	"os"
	"syscall"
)

func giveAway(string) error { return nil }

func asServer() *syscall.SysProcAttr { return nil }

func endsInOrder(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }

func quit(p *os.Process) error { return p.Signal(os.Interrupt) }

func signalAll(*os.Process, bool) error { return errors.ErrUnsupported }
