// SPDX-License-Identifier: MIT

// This file lets programs end with this one.

package conformserver

import "syscall"

func endWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
