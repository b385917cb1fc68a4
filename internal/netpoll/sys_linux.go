// SPDX-License-Identifier: MIT

// This file holds the system calls of the epoll driver. The small ones never block and
// are raw calls, of which the scheduler is not notified. A raw call that copies much
// would delay it, so larger writes are ordinary calls. Sockets are read and written by
// recv and send: the kernel does less for them than for read and write, which work on
// any file.

package netpoll

import (
	"syscall"
	"unsafe"
)

// rawBytes is the most that a raw call may write: the copying takes some dozen microseconds.
// During an ordinary call the scheduler may give the goroutine's processor to others. It then
// comes back late: the peer has answered meanwhile, and the next message to it finds the right
// to write taken.
const rawBytes = 128 << 10

// epollET is not used: connections are level-triggered. A read interest covers
// the end of the stream.
const (
	wantRead  = syscall.EPOLLIN | syscall.EPOLLRDHUP
	wantWrite = syscall.EPOLLOUT
	gone      = syscall.EPOLLHUP | syscall.EPOLLERR
)

// An interest is what epoll watches for a connection.
type interest uint8

const (
	inInput interest = 1 << iota
	inOutput
)

// events returns the interest as the kernel has it.
func (i interest) events() (events uint32) {
	if i&inInput != 0 {
		events = wantRead
	}
	if i&inOutput != 0 {
		events |= wantWrite
	}
	return events
}

const sendFlags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL

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

// read reads the available bytes of a socket.
func read(fd int, b []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(sysRecv, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			syscall.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, e
		}
	}
}

// A vector holds the buffers of one write.
type vector struct {
	bufs [][]byte
	iovs []syscall.Iovec
}

// write writes as much of the buffers as the kernel takes now, and reports
// whether it took all.
func (v *vector) write(fd int, bufs [][]byte) (n int, all bool, err error) {
	if len(bufs) == 1 && len(bufs[0]) > 0 { // most often
		return writeOne(fd, bufs[0])
	}
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
	if total == 0 {
		return 0, true, nil
	}
	return send(syscall.SYS_WRITEV, fd, unsafe.Pointer(&v.iovs[0]), len(v.iovs), total)
}

func writeOne(fd int, b []byte) (n int, all bool, err error) {
	return send(sysSend, fd, unsafe.Pointer(&b[0]), len(b), len(b))
}

// send makes a call that writes at most total bytes. All but sendto ignore the arguments
// after length.
func send(trap uintptr, fd int, p unsafe.Pointer, length, total int) (n int, all bool, err error) {
	for {
		var r uintptr
		var e syscall.Errno
		if total > rawBytes {
			r, _, e = syscall.Syscall6(trap, uintptr(fd), uintptr(p), uintptr(length), sendFlags, 0, 0)
		} else {
			r, _, e = syscall.RawSyscall6(trap, uintptr(fd), uintptr(p), uintptr(length), sendFlags, 0, 0)
		}
		switch e {
		case 0:
			return int(r), int(r) == total, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, false, nil
		default:
			return 0, false, e
		}
	}
}

// forget releases a batch.
func (v *vector) forget(bufs [][]byte) {
	clear(bufs)
	clear(v.iovs)
	v.iovs = v.iovs[:0]
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
