// SPDX-License-Identifier: MIT

package main

// This file lets programs end with this one.

import "syscall"

func endWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
