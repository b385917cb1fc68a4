// SPDX-License-Identifier: MIT

// This file holds the system calls of the epoll driver. The small ones never
// block and are made raw: the scheduler need not hear of them. A raw call that
// copies much would delay it, so large transfers are ordinary calls.

package netpoll

import (
	"syscall"
	"unsafe"
)

// rawBytes is the most that a raw call may copy.
const rawBytes = 16 << 10

// epollET is not used: connections are level-triggered. A read interest covers
// the end of the stream.
const (
	wantRead  = syscall.EPOLLIN | syscall.EPOLLRDHUP
	wantWrite = syscall.EPOLLOUT
	gone      = syscall.EPOLLHUP | syscall.EPOLLERR
)

// poll returns the events that are there now.
func poll(epfd int, events []syscall.EpollEvent) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(epfd),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// read reads what is there.
func read(fd int, b []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// A vector is what one write needs.
type vector struct {
	bufs [][]byte
	iovs []syscall.Iovec
}

// write writes as much of the buffers as the kernel takes now, and reports
// whether it took all.
func (v *vector) write(fd int, bufs [][]byte) (n int, all bool, err error) {
	v.iovs = v.iovs[:0]
	total := 0
	for _, b := range bufs {
		if len(b) == 0 {
			continue
		}
		iov := syscall.Iovec{Base: &b[0]}
		iov.SetLen(len(b))
		v.iovs = append(v.iovs, iov)
		total += len(b)
	}
	call := syscall.RawSyscall
	if total > rawBytes {
		call = syscall.Syscall
	}
	for total > 0 {
		r, _, e := call(syscall.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iovs[0])), uintptr(len(v.iovs)))
		if e == syscall.EINTR {
			continue
		}
		if e == syscall.EAGAIN {
			return 0, false, nil
		}
		if e != 0 {
			return 0, false, e
		}
		return int(r), int(r) == total, nil
	}
	return 0, true, nil
}

// forget lets go of what was written.
func (v *vector) forget() {
	clear(v.bufs[:cap(v.bufs)])
	clear(v.iovs[:cap(v.iovs)])
}

// duplicate makes a descriptor of our own for a connection. File().Fd() would
// make the shared description blocking; this does not.
func duplicate(sc syscall.RawConn) (fd int, err error) {
	cerr := sc.Control(func(from uintptr) {
		r, _, e := syscall.Syscall(syscall.SYS_FCNTL, from, syscall.F_DUPFD_CLOEXEC, 0)
		if e != 0 {
			err = e
			return
		}
		fd = int(r)
	})
	if cerr != nil {
		return 0, cerr
	}
	return fd, err
}
