// SPDX-License-Identifier: MIT

//go:build !386 && !s390x

// This file holds the system calls by which sockets are read and written.

package netpoll

import "syscall"

const (
	sysRecv = syscall.SYS_RECVFROM
	sysSend = syscall.SYS_SENDTO
)
