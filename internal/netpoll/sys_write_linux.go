// SPDX-License-Identifier: MIT

//go:build linux && (386 || s390x)

// This file holds the system calls by which sockets are read and written, on
// architectures whose kernels did not always have recvfrom and sendto.

package netpoll

import "syscall"

const (
	sysRecv = syscall.SYS_READ
	sysSend = syscall.SYS_WRITE
)
