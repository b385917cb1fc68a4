// SPDX-License-Identifier: MIT

// This file lets programs end with this one.

package nodes

import "syscall"

// EndWithUs lets a program end with the one that starts it, also when that is killed.
func EndWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
