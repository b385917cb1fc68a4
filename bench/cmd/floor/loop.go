// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the event loop: accepting, reading, writing.

package main

import (
	"errors"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// Event data is a slot of conns and its generation: descriptors are reused.
type conn struct {
	fd      int32
	gen     int32
	index   int32 // in loop.members, or -1
	open    bool
	upgrade bool   // the handshake is done
	whole   bool   // rest has room for a whole large frame
	rest    []byte // the begin of a request or a frame
	unsent  []byte // not accepted by the kernel
}

type loop struct {
	epfd     int
	listenfd int
	file     *os.File // owns epfd; must stay reachable
	listener *os.File // owns listenfd
	raw      syscall.RawConn

	conns   []conn
	free    []int32
	members []int32 // slots of joined clients
	events  []syscall.EpollEvent
	buf     []byte
	out     []byte
	frame   []byte
	spares  [][]byte           // for large frames to come
	rooms   map[string][]int32 // slots
}

const listenSlot = -1

func newLoop(ln *net.TCPListener) (*loop, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(epfd, true); err != nil {
		return nil, err
	}
	l := &loop{
		epfd:   epfd,
		file:   os.NewFile(uintptr(epfd), "epoll"),
		events: make([]syscall.EpollEvent, 512),
		buf:    make([]byte, 256<<10),
		rooms:  make(map[string][]int32),
	}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		return nil, err
	}
	// Nobody accepts from ln, so that the duplicate may be set as needed.
	if l.listener, err = ln.File(); err != nil {
		return nil, err
	}
	l.listenfd = int(l.listener.Fd())
	if err := syscall.SetNonblock(l.listenfd, true); err != nil {
		return nil, err
	}
	return l, l.ctl(syscall.EPOLL_CTL_ADD, l.listenfd, syscall.EPOLLIN, listenSlot, 0)
}

func (l *loop) ctl(op, fd int, events uint32, slot, gen int32) error {
	return syscall.EpollCtl(l.epfd, op, fd, &syscall.EpollEvent{Events: events, Fd: slot, Pad: gen})
}

// run handles events until none are left, then parks.
func (l *loop) run() error {
	var failed error
	err := l.raw.Read(func(uintptr) bool {
		for {
			n, _, e := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epfd),
				uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), 0, 0, 0)
			switch {
			case e == syscall.EINTR:
				continue
			case e != 0:
				failed = os.NewSyscallError("epoll_pwait", e)
				return true
			case n == 0:
				return false
			}
			for i := range l.events[:n] {
				l.handle(&l.events[i])
			}
		}
	})
	return errors.Join(failed, err)
}

func (l *loop) handle(e *syscall.EpollEvent) {
	if e.Fd == listenSlot {
		l.accept()
		return
	}
	c := &l.conns[e.Fd]
	if !c.open || c.gen != e.Pad {
		return
	}
	if e.Events&syscall.EPOLLOUT != 0 && len(c.unsent) > 0 {
		unsent := c.unsent
		c.unsent = nil
		if l.write(e.Fd, unsent); len(c.unsent) == 0 && c.open {
			_ = l.ctl(syscall.EPOLL_CTL_MOD, int(c.fd), syscall.EPOLLIN, e.Fd, c.gen)
		}
	}
	if c.open && e.Events&^syscall.EPOLLOUT != 0 {
		l.read(e.Fd)
	}
}

func (l *loop) accept() {
	for {
		fd, _, e := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(l.listenfd), 0, 0, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		if e != 0 {
			return // EAGAIN, or the next event tells
		}
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		slot := int32(len(l.conns))
		if n := len(l.free); n > 0 {
			slot, l.free = l.free[n-1], l.free[:n-1]
		} else {
			l.conns = append(l.conns, conn{})
		}
		c := &l.conns[slot]
		*c = conn{fd: int32(fd), gen: c.gen, index: -1, open: true}
		if err := l.ctl(syscall.EPOLL_CTL_ADD, int(fd), syscall.EPOLLIN, slot, c.gen); err != nil {
			l.close(slot)
		}
	}
}

func (l *loop) read(slot int32) {
	c := &l.conns[slot]
	// The rest of a large frame is read into its own buffer.
	have, buf := 0, l.buf
	if c.whole {
		have, buf = len(c.rest), c.rest[len(c.rest):cap(c.rest)]
	}
	n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	switch {
	case e == syscall.EAGAIN || e == syscall.EINTR:
		return
	case e != 0 || n == 0:
		l.close(slot)
		return
	}
	b := buf[:n]
	if c.whole {
		c.rest = c.rest[:have+int(n)]
		if b = c.rest; len(b) < cap(b) {
			return
		}
	} else if len(c.rest) > 0 {
		b = append(c.rest, b...)
	}
	l.out = l.out[:0]
	rest, ok := l.feed(slot, b)
	if len(l.out) > 0 {
		l.write(slot, l.out) // all that one read has caused leaves in one write
	}
	if !c.open {
		return
	}
	if !ok {
		l.close(slot)
		return
	}
	if c.whole {
		l.spares, c.whole = append(l.spares, b[:0]), false
	}
	size := need(rest)
	if size <= len(rest) {
		c.rest = append([]byte(nil), rest...) // nil if it is empty
		return
	}
	c.rest = nil
	if n := len(l.spares); n > 0 {
		c.rest, l.spares = l.spares[n-1], l.spares[:n-1]
	}
	if cap(c.rest) < size {
		c.rest = make([]byte, 0, size)
	}
	c.rest = append(c.rest[:0:size], rest...)
	c.whole = true
}

func (l *loop) write(slot int32, b []byte) {
	c := &l.conns[slot]
	if len(c.unsent) > 0 {
		c.unsent = append(c.unsent, b...)
		return
	}
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	switch {
	case e == syscall.EAGAIN || e == syscall.EINTR:
		n = 0
	case e != 0:
		l.close(slot)
		return
	}
	if int(n) < len(b) {
		c.unsent = append([]byte(nil), b[n:]...)
		_ = l.ctl(syscall.EPOLL_CTL_MOD, int(c.fd), syscall.EPOLLIN|syscall.EPOLLOUT, slot, c.gen)
	}
}

func (l *loop) close(slot int32) {
	c := &l.conns[slot]
	if !c.open {
		return
	}
	_ = syscall.Close(int(c.fd))
	if c.index >= 0 {
		last := l.members[len(l.members)-1]
		l.members[c.index] = last
		l.conns[last].index = c.index
		l.members = l.members[:len(l.members)-1]
	}
	*c = conn{gen: c.gen + 1}
	l.free = append(l.free, slot)
}
