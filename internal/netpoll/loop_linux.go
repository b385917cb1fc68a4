// SPDX-License-Identifier: MIT

// This file holds an event loop: it reads from all its connections, writes to those whose
// kernel buffer was full, and alone registers and closes their descriptors.

package netpoll

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"socketio/internal/lock"
)

const (
	// loopEvents is how many connections are read before their handlers get a turn. With
	// many more, the bytes have left the processor's caches by then, and there are not
	// enough idle workers: the scheduler may resume the loop before all handlers of the
	// last turn have run.
	loopEvents     = 32
	loopReadBuffer = 256 << 10
	wakeSlot       = -1 // the event data of the loop's own descriptor
)

// Commands for a loop.
const (
	doStart = iota
	doResume
	doWrite // wait until the kernel takes more
	doFail  // a write failed
	doShutdown
	doClose
	doReap // the last writer has left an ended connection
	doCloseAll
	doStop
)

type command struct {
	what  int
	c     *epollConn
	early []byte
	err   error
	last  bool // of doShutdown
}

// A loop never blocks a thread in epoll_wait: it polls until nothing is left and
// then parks in Go's own poller, which watches the epoll descriptor like any
// other. A blocked thread would cost a thread switch for each wake-up.
type loop struct {
	// Immutable after newLoop.
	driver *Epoll
	epfd   int
	file   *os.File // owns epfd; must stay reachable
	raw    syscall.RawConn
	wakefd int

	// Owned by the loop.
	slots     []slot
	free      []int32
	rests     map[*epollConn][]byte // read, but not taken by a paused Handler
	lingering []linger
	events    []syscall.EpollEvent
	buf       []byte
	batch     []command
	closing   bool // new connections are closed at once
	stopped   bool

	// Atomic.
	state atomic.Int32 // loopWorks, loopAsked or loopParked. A turn without commands takes no lock.
	conns atomic.Int32 // connections whose descriptor is open, and those under way to the loop

	mu       lock.Mutex // guards the field below
	commands []command
}

// States of a loop.
const (
	loopWorks  = iota // it looks again before it parks
	loopAsked         // it finds commands when it looks
	loopParked        // a post must wake it
)

// A slot receives the events of a descriptor. Event data is its index and its generation,
// so that an event for a connection that has ended is ignored: descriptor numbers are
// reused.
type slot struct {
	c   *epollConn
	gen int32
}

// A linger is a connection that was shut down and waits for its peer.
type linger struct {
	slot, gen int32
	until     time.Time
}

func newLoop(d *Epoll) (*loop, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("netpoll: epoll_create1: %w", err)
	}
	// A non-blocking file is given to Go's poller.
	_ = syscall.SetNonblock(epfd, true)
	l := &loop{
		driver: d,
		epfd:   epfd,
		file:   os.NewFile(uintptr(epfd), "epoll"),
		events: make([]syscall.EpollEvent, loopEvents),
		buf:    make([]byte, loopReadBuffer),
		wakefd: -1,
	}
	if l.raw, err = l.file.SyscallConn(); err != nil {
		l.release()
		return nil, err
	}
	r, _, e := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if e != 0 {
		l.release()
		return nil, fmt.Errorf("netpoll: eventfd: %w", e)
	}
	l.wakefd = int(r)
	if err := l.ctl(syscall.EPOLL_CTL_ADD, l.wakefd, syscall.EPOLLIN, wakeSlot, 0); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

// release closes the loop's own descriptors. The loop is not parked, so nothing wakes it.
func (l *loop) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wakefd >= 0 {
		_ = syscall.Close(l.wakefd)
	}
	_ = l.file.Close()
}

func (l *loop) ctl(op, fd int, events uint32, slot, gen int32) error {
	return syscall.EpollCtl(l.epfd, op, fd, &syscall.EpollEvent{Events: events, Fd: slot, Pad: gen})
}

// post sends a command to the loop. It may be called from any goroutine, including the
// loop's own.
func (l *loop) post(cmd command) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commands = append(l.commands, cmd)
	if l.state.Swap(loopAsked) != loopParked {
		return // it looks before it parks, or has stopped
	}
	one := uint64(1)
	// It does not block. Under mu: a loop that stops meanwhile gives the number
	// of this descriptor back.
	_, _ = syscall.Write(l.wakefd, (*[8]byte)(unsafe.Pointer(&one))[:]) // only fails when full, and then it is awake
}

func (l *loop) run() {
	defer l.release()
	for !l.stopped {
		err := l.raw.Read(func(uintptr) bool { return l.turn() })
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.expire(time.Now())
		}
	}
}

// turn handles events and commands until none are left. It returns true when the loop has
// stopped, and false to park.
func (l *loop) turn() bool {
	for {
		n, err := poll(l.epfd, l.events)
		if err != nil {
			n = 0 // cannot be: the descriptor is ours and valid
		}
		if n > 1 {
			l.warm(l.events[:n])
		}
		for i := range l.events[:n] {
			ev := &l.events[i]
			if ev.Fd == wakeSlot {
				var b [8]byte
				_, _ = syscall.Read(l.wakefd, b[:]) // it only had to be emptied
				continue
			}
			if s := l.slots[ev.Fd]; s.gen == ev.Pad && s.c != nil {
				l.guard(s.c, func(c *epollConn) { l.ready(c, ev.Events) })
			}
		}
		if l.obey() {
			return true
		}
		if len(l.lingering) > 0 { // a busy loop does not park, so its deadline has no effect
			if now := time.Now(); !l.lingering[0].until.After(now) {
				l.expire(now)
			}
		}
		if n > 0 {
			runtime.Gosched()
		} else if l.park() {
			return false
		}
	}
}

// warm calls Warm for the connections that have events; see Warmer.
func (l *loop) warm(events []syscall.EpollEvent) {
	defer func() { _ = recover() }() // what is wrong with the connection, Feed finds too
	for i := range events {
		if ev := &events[i]; ev.Fd != wakeSlot {
			if c := l.slots[ev.Fd].c; c != nil {
				if w, ok := c.h.(Warmer); ok {
					w.Warm()
				}
			}
		}
	}
}

// park reports whether the loop may park, that is, whether no command waits.
func (l *loop) park() bool { return l.state.CompareAndSwap(loopWorks, loopParked) }

// obey carries out the waiting commands. It reports whether the loop has stopped.
func (l *loop) obey() bool {
	if l.state.Load() == loopWorks || l.state.Swap(loopWorks) != loopAsked {
		return l.stopped
	}
	l.mu.Lock()
	l.batch, l.commands = l.commands, l.batch[:0]
	l.mu.Unlock()
	for i := range l.batch {
		cmd := l.batch[i]
		l.batch[i] = command{}
		switch cmd.what {
		case doCloseAll:
			l.closing = true
			for _, s := range l.slots {
				if s.c != nil {
					l.guard(s.c, func(c *epollConn) { l.end(c, net.ErrClosed) })
				}
			}
		case doStop:
			l.stopped = true
		default:
			l.guard(cmd.c, func(c *epollConn) { l.do(c, cmd) })
		}
	}
	return l.stopped
}

// guard keeps a panic in a Handler from reaching other connections.
func (l *loop) guard(c *epollConn, f func(*epollConn)) {
	defer func() {
		if v := recover(); v != nil {
			defer func() { _ = recover() }() // Ended may panic too; the descriptor is closed by then
			l.end(c, fmt.Errorf("%w: %v", errPanic, v))
		}
	}()
	f(c)
}

// do carries out a command about one connection.
func (l *loop) do(c *epollConn, cmd command) {
	if cmd.what == doReap {
		l.reap(c)
		return
	}
	if c.ended {
		return
	}
	switch cmd.what {
	case doStart:
		l.enter(c)
		c.started = true
		switch {
		case l.closing:
			l.end(c, net.ErrClosed)
		case c.discard:
			l.linger(c)
		case (len(cmd.early) == 0 || l.feed(c, cmd.early)) && !c.ended:
			l.watch(c)
		}
	case doResume:
		if c.paused {
			rest := l.rests[c]
			delete(l.rests, c)
			c.paused = false
			if l.feed(c, rest) && !c.ended {
				l.watch(c)
			}
		}
	case doWrite:
		c.blocked = true
		l.watch(c)
	case doFail:
		l.drain(c, cmd.err)
	case doShutdown:
		l.shutdown(c, cmd.last)
	case doClose:
		l.end(c, net.ErrClosed)
	}
}

// enter gives a connection its slot.
func (l *loop) enter(c *epollConn) {
	if n := len(l.free); n > 0 {
		c.slot = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		c.slot = int32(len(l.slots))
		l.slots = append(l.slots, slot{})
	}
	l.slots[c.slot].c = c
}

// watch sets the events that epoll reports for the connection. A paused connection that
// has nothing to write is removed: the end of a stream can't be masked and would wake the
// loop again and again.
func (l *loop) watch(c *epollConn) {
	if !c.started || c.ended {
		return
	}
	want := interest(0)
	if !c.paused {
		want = inInput
	}
	if c.blocked {
		want |= inOutput
	}
	if want == c.watched {
		return
	}
	op := syscall.EPOLL_CTL_MOD
	switch {
	case c.watched == 0:
		op = syscall.EPOLL_CTL_ADD
	case want == 0:
		op = syscall.EPOLL_CTL_DEL
	}
	if err := l.ctl(op, int(c.fd), want.events(), c.slot, l.slots[c.slot].gen); err != nil {
		l.end(c, fmt.Errorf("netpoll: epoll_ctl: %w", err))
		return
	}
	c.watched = want
}

// ready handles the events of a connection.
func (l *loop) ready(c *epollConn, events uint32) {
	if events&wantWrite != 0 && c.blocked {
		more, err := c.write(nil)
		if err != nil {
			// Data that the peer sent before it closed is still delivered.
			l.drain(c, err)
			return
		}
		c.blocked = more
	}
	switch {
	case c.ended:
		return
	case !c.paused && events&(wantRead|gone) != 0:
		l.receive(c, events&(gone|syscall.EPOLLRDHUP) != 0, io.EOF)
	case c.paused && events&gone != 0:
		// Both directions are dead: nothing can be written, and what can be read
		// waits for Resume. Out of epoll, or it would spin.
		c.blocked = false
	}
	if !c.ended {
		l.watch(c)
	}
}

// receive reads and passes the bytes to the Handler. With last it reads to the end of the
// stream, which is reported as eof.
func (l *loop) receive(c *epollConn, last bool, eof error) {
	for {
		buf := l.buf
		if !c.discard { // otherwise the Handler may be busy: Shutdown does not wait for Resume
			if room := c.h.Room(); room != nil {
				buf = room
			}
		}
		n, err := read(int(c.fd), buf)
		switch {
		case err == syscall.EAGAIN:
			return
		case err != nil:
			l.end(c, os.NewSyscallError("read", err))
			return
		case n == 0:
			l.end(c, eof)
			return
		}
		if !l.feed(c, buf[:n]) || c.ended {
			return
		}
		if !last {
			return // probably all; if not, epoll says so again, after others
		}
	}
}

// drain reads to the end after a failed write.
func (l *loop) drain(c *epollConn, err error) {
	err = os.NewSyscallError("write", err)
	if c.started && !c.paused {
		l.receive(c, true, err)
	}
	l.end(c, err)
}

// feed passes bytes to the Handler. It reports false if the Handler paused, and keeps the
// bytes that it did not consume.
func (l *loop) feed(c *epollConn, b []byte) bool {
	if c.discard {
		return true
	}
	n, more := c.h.Feed(b)
	if more {
		return true
	}
	c.paused = true
	if n < len(b) {
		if l.rests == nil {
			l.rests = make(map[*epollConn][]byte)
		}
		l.rests[c] = bytes.Clone(b[n:])
	}
	l.watch(c)
	return false
}

// shutdown ends the sending side and lets the connection linger. If the peer sends no more,
// and all it has sent was read, closing sends no reset, and there is nothing to wait for.
func (l *loop) shutdown(c *epollConn, last bool) {
	if c.discard {
		return
	}
	if last && c.started {
		if n, _ := read(int(c.fd), l.buf); n <= 0 {
			l.end(c, net.ErrClosed)
			return
		}
	}
	c.discard, c.blocked, c.paused = true, false, false
	delete(l.rests, c)
	switch err := syscall.Shutdown(int(c.fd), syscall.SHUT_WR); {
	case err != nil:
		l.end(c, net.ErrClosed)
	case c.started: // otherwise doStart continues
		l.linger(c)
	}
}

// linger waits for the peer to end its side.
func (l *loop) linger(c *epollConn) {
	l.watch(c)
	if c.ended {
		return
	}
	l.lingering = append(l.lingering, linger{c.slot, l.slots[c.slot].gen, time.Now().Add(LingerTimeout)})
	if len(l.lingering) == 1 {
		l.alarm()
	}
}

// alarm sets the deadline that wakes the loop for the first lingering connection.
func (l *loop) alarm() {
	until := time.Time{}
	if len(l.lingering) > 0 {
		until = l.lingering[0].until
	}
	_ = l.file.SetReadDeadline(until) // the file is in Go's poller, see newLoop
}

// expire ends the connections that have lingered long enough.
func (l *loop) expire(now time.Time) {
	n := 0
	for _, g := range l.lingering {
		s := l.slots[g.slot]
		if alive := s.gen == g.gen && s.c != nil; alive && g.until.After(now) {
			break
		} else if alive {
			l.guard(s.c, func(c *epollConn) { l.end(c, net.ErrClosed) })
		}
		n++
	}
	l.lingering = append(l.lingering[:0], l.lingering[n:]...)
	l.alarm()
}

// end ends a connection; every path calls it.
func (l *loop) end(c *epollConn, err error) {
	if c.ended {
		return
	}
	c.ended = true
	if c.started {
		if c.watched != 0 {
			_ = l.ctl(syscall.EPOLL_CTL_DEL, int(c.fd), 0, 0, 0) // closing does it too
			c.watched = 0
		}
		s := &l.slots[c.slot]
		s.c = nil
		s.gen++
		l.free = append(l.free, c.slot)
	}
	delete(l.rests, c)
	last := c.writers.Add(endedFlag) == endedFlag
	if !last && err == io.EOF {
		c.atEOF = true
		return
	}
	if last {
		l.reap(c)
	}
	c.h.Ended(c.reason(err))
}

// reap closes the descriptor once nothing can write to it.
func (l *loop) reap(c *epollConn) {
	if c.reaped {
		return
	}
	c.reaped = true
	_ = syscall.Close(int(c.fd))
	l.conns.Add(-1)
	defer l.driver.conns.Done()
	if c.atEOF {
		c.h.Ended(c.reason(io.EOF))
	}
}
