// SPDX-License-Identifier: MIT

// This file tests the system calls one by one. It is inside the package, since they are
// not exported.

package netpoll

import (
	"bytes"
	"syscall"
	"testing"
	"unsafe"
)

// streams returns a connected pair of non-blocking sockets.
func streams(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Close(fds[0])
		syscall.Close(fds[1])
	})
	return fds[0], fds[1]
}

func TestVectorWrite(t *testing.T) {
	a, b := streams(t)
	v := new(vector)
	buf := make([]byte, 1<<20)
	if n, all, err := v.write(a, nil); n != 0 || !all || err != nil {
		t.Errorf("nothing: %d %v %v", n, all, err)
	}
	if n, all, err := v.write(a, [][]byte{{}, {}}); n != 0 || !all || err != nil {
		t.Errorf("empty slices: %d %v %v", n, all, err)
	}
	for _, sizes := range [][]int{{1}, {1, 0, 2}, {5000, 1, 5000}, {rawBytes}, {rawBytes, 1}, {20_000, 20_000}} {
		var bufs [][]byte
		var want []byte
		for i, size := range sizes {
			bufs = append(bufs, bytes.Repeat([]byte{byte(i + 1)}, size))
			want = append(want, bufs[i]...)
		}
		if n, all, err := v.write(a, bufs); n != len(want) || !all || err != nil {
			t.Errorf("%v: %d %v %v, want all %d", sizes, n, all, err, len(want))
		}
		if n, err := read(b, buf); err != nil || !bytes.Equal(buf[:n], want) {
			t.Errorf("%v: read %d (%v), want %d", sizes, n, err, len(want))
		}
	}

	total, partial := 0, false
	chunk := make([]byte, 100_000)
	for range 1000 {
		n, all, err := v.write(a, [][]byte{chunk, chunk})
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if partial = !all; partial && n == 0 {
			break
		}
	}
	if !partial {
		t.Error("a full buffer takes everything")
	}
	for total > 0 {
		n, err := read(b, buf)
		if err != nil || n == 0 {
			t.Fatalf("%d bytes are missing (%v)", total, err)
		}
		total -= n
	}
	if _, err := read(b, buf); err != syscall.EAGAIN {
		t.Errorf("an empty socket: %v, want EAGAIN", err)
	}
	v.forget(nil)
	if v.iovs[:cap(v.iovs)][0].Base != nil {
		t.Error("forget keeps what was written")
	}

	if err := syscall.Shutdown(b, syscall.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.write(a, [][]byte{chunk}); err != syscall.EPIPE {
		t.Errorf("nobody reads: %v, want EPIPE", err)
	}
	if n, err := read(a, buf); n != 0 || err != nil {
		t.Errorf("the end of the stream: %d, %v", n, err)
	}
	if _, err := read(-1, buf); err != syscall.EBADF {
		t.Errorf("no descriptor: %v", err)
	}
	if _, err := poll(-1, make([]syscall.EpollEvent, 1)); err != syscall.EBADF {
		t.Errorf("no epoll: %v", err)
	}
}

// A duplicate is non-blocking, closed on exec, and leaves the original non-blocking.
func TestDuplicate(t *testing.T) {
	a, _ := streams(t)
	fd, err := duplicate(rawFD(a))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	for _, of := range []int{a, fd} {
		flags, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(of), syscall.F_GETFL, 0)
		if e != 0 || flags&syscall.O_NONBLOCK == 0 {
			t.Errorf("descriptor %d blocks (%v)", of, e)
		}
	}
	flags, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	if e != 0 || flags&syscall.FD_CLOEXEC == 0 {
		t.Errorf("the duplicate is inherited (%v)", e)
	}
	if _, err := duplicate(rawFD(-1)); err != syscall.EBADF {
		t.Errorf("no descriptor: %v", err)
	}
}

// rawFD is a descriptor as a syscall.RawConn.
type rawFD int

func (fd rawFD) Control(f func(uintptr)) error  { f(uintptr(fd)); return nil }
func (fd rawFD) Read(func(uintptr) bool) error  { return nil }
func (fd rawFD) Write(func(uintptr) bool) error { return nil }

// An event for a slot that has been reused is ignored.
func TestSlotsHaveGenerations(t *testing.T) {
	d := new(Epoll)
	l, err := newLoop(d) // it does not run, so its state belongs to the test
	if err != nil {
		t.Fatal(err)
	}
	defer l.release()
	first := &epollConn{loop: l, fd: -1, h: deaf{t}}
	d.conns.Add(2)
	l.enter(first)
	first.started = true
	old := slot{first, l.slots[first.slot].gen}
	l.end(first, nil)
	second := &epollConn{loop: l, fd: -1, h: deaf{t}}
	l.enter(second)
	second.started = true
	if second.slot != first.slot {
		t.Fatalf("the slot is not used again: %d and %d", first.slot, second.slot)
	}
	if now := l.slots[second.slot]; now.gen == old.gen {
		t.Error("an event for the first would reach the second")
	}
	l.end(second, nil)
}

// deaf must not be fed.
type deaf struct{ t *testing.T }

func (deaf) Room() []byte                    { return nil }
func (d deaf) Feed([]byte) (int, bool)       { d.t.Error("fed"); return 0, false }
func (deaf) Ended(error)                     {}
func (deaf) Next(_ int, b [][]byte) [][]byte { return b }
func (deaf) Sent(int)                        {}

// A connection whose peer sends no more is closed at once, but not while something of the peer
// is unread: closing would send a reset.
func TestShutdownAfterTheLastMessage(t *testing.T) {
	for _, c := range []struct {
		name          string
		last, pending bool
		ends          bool
	}{
		{"the peer may send more", false, false, false},
		{"the peer sends no more", true, false, true},
		{"something is unread", true, true, false},
	} {
		d := new(Epoll)
		l, err := newLoop(d) // it does not run, so its state belongs to the test
		if err != nil {
			t.Fatal(err)
		}
		ours, peer := streams(t)
		fd, err := duplicate(rawFD(ours))
		if err != nil {
			t.Fatal(err)
		}
		conn := &epollConn{loop: l, fd: int32(fd), h: deaf{t}}
		d.conns.Add(1)
		l.enter(conn)
		conn.started = true
		if c.pending {
			if _, err := syscall.Write(peer, []byte("late")); err != nil {
				t.Fatal(err)
			}
		}
		l.shutdown(conn, c.last)
		if conn.ended != c.ends || len(l.lingering) == 1 == c.ends {
			t.Errorf("%s: ended %v, %d lingering", c.name, conn.ended, len(l.lingering))
		}
		l.end(conn, nil)
		l.release()
	}
}

// Every idle client has one.
func TestSizeOfAConnection(t *testing.T) {
	if got := unsafe.Sizeof(epollConn{}); got > 48 {
		t.Errorf("an epollConn has %d bytes, want at most 48", got)
	}
}
