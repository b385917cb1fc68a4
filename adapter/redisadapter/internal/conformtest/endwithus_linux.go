// SPDX-License-Identifier: MIT

package main

import "syscall"

// endWithUs lets a program end with this one.
func endWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
