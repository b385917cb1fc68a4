// SPDX-License-Identifier: MIT

// This file holds the epoll driver: connections of plain TCP, spread over a few
// event loops. No goroutine waits for an idle connection.

package netpoll

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"socketio/internal/lock"
)

// errNotTCP is returned for connections other than plain TCP.
var errNotTCP = errors.New("netpoll: not a plain TCP connection")

// Epoll is the driver for Linux. Attach accepts only a *net.TCPConn.
//
// Its loops start with the first connection: a server without connections, or in a synctest
// bubble over an in-memory network, has no goroutine here.
type Epoll struct {
	n int

	mu     lock.Mutex // guards the fields below
	loops  []*loop    // nil until the first connection; never changed afterwards
	turn   int        // where the search for a loop begins
	closed bool

	conns   sync.WaitGroup // connections that have not ended
	running sync.WaitGroup // loops
	vectors sync.Pool      // *vector
}

// NewPoller returns the driver with n event loops.
func NewPoller(n int) (Driver, error) {
	return &Epoll{n: n, vectors: sync.Pool{New: func() any {
		return &vector{bufs: make([][]byte, 0, BatchBuffers)}
	}}}, nil
}

// nextLoop returns the loop of a new connection, which is counted there: the one with the
// fewest connections, in turns if several have as few. The first call that has enough
// descriptors makes the loops.
func (d *Epoll) nextLoop() (*loop, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, net.ErrClosed
	}
	if d.loops == nil {
		loops, err := d.newLoops()
		if err != nil {
			return nil, err
		}
		for _, l := range loops {
			// run: one per core, owned by the driver, ends in Close, which waits.
			d.running.Go(l.run)
		}
		d.loops = loops
	}
	d.turn++
	best := d.loops[d.turn%len(d.loops)]
	for i := range d.loops {
		if l := d.loops[(d.turn+i)%len(d.loops)]; l.conns.Load() < best.conns.Load() {
			best = l
		}
	}
	best.conns.Add(1)
	d.conns.Add(1)
	return best, nil
}

func (d *Epoll) newLoops() ([]*loop, error) {
	var loops []*loop
	for range d.n {
		l, err := newLoop(d)
		if err != nil {
			for _, l := range loops {
				l.release()
			}
			return nil, err
		}
		loops = append(loops, l)
	}
	return loops, nil
}

// Attach implements Driver. It fails, leaving nc unchanged, if nc is not a plain TCP
// connection or no descriptors are left.
func (d *Epoll) Attach(nc net.Conn, h Handler) (Conn, error) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil, errNotTCP
	}
	sc, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	l, err := d.nextLoop()
	if err != nil {
		return nil, err
	}
	fd, err := duplicate(sc)
	if err != nil {
		l.conns.Add(-1)
		d.conns.Done()
		return nil, err
	}
	_ = tcp.Close() // the duplicate keeps the socket
	return &epollConn{loop: l, h: h, fd: int32(fd)}, nil
}

// Close implements Driver.
func (d *Epoll) Close(grace time.Duration) {
	d.mu.Lock()
	d.closed = true
	loops := d.loops
	d.mu.Unlock()
	timer := time.AfterFunc(grace, func() {
		for _, l := range loops {
			l.post(command{what: doCloseAll})
		}
	})
	d.conns.Wait()
	timer.Stop()
	for _, l := range loops {
		l.post(command{what: doStop})
	}
	d.running.Wait()
}

// An epollConn is one connection of the driver.
//
// Only its loop closes the descriptor, once the connection has ended and no writer is inside
// Flush: numbers are reused at once, and a late write would reach another connection.
type epollConn struct {
	// Immutable after Attach.
	loop *loop
	h    Handler
	fd   int32

	// Atomic; safe from anywhere.
	writers atomic.Int32 // goroutines inside Flush; endedFlag is added at the end
	failure atomic.Int32 // the errno of a Flush that has failed

	// Owned by the loop, which has the bytes that a paused Handler did not take.
	slot    int32    // index in loop.slots; -1 while in none
	watched interest // what epoll watches; 0 means not registered
	started bool
	paused  bool // the Handler wants no more until Resume
	blocked bool // the kernel buffer is full: write when it is not
	discard bool // shut down: input is thrown away
	ended   bool
	reaped  bool
	atEOF   bool // the last writer's result decides what Ended reports
}

// endedFlag in writers says that the connection has ended.
const endedFlag = 1 << 30

func (c *epollConn) Start(early []byte) { c.loop.post(command{what: doStart, c: c, early: early}) }
func (c *epollConn) Resume()            { c.loop.post(command{what: doResume, c: c}) }
func (c *epollConn) Shutdown(last bool) { c.loop.post(command{what: doShutdown, c: c, last: last}) }
func (c *epollConn) Close()             { c.loop.post(command{what: doClose, c: c}) }

// Flush writes without blocking, on the goroutine of the sender. The loop writes the bytes
// that the kernel does not accept, and those beyond one batch.
func (c *epollConn) Flush(first []byte) {
	if c.writers.Add(1) >= endedFlag {
		c.leave()
		return
	}
	if more, err := c.write(first); err != nil {
		if errno, ok := err.(syscall.Errno); ok {
			c.failure.Store(int32(errno))
		}
		c.loop.post(command{what: doFail, c: c, err: err})
	} else if more {
		c.loop.post(command{what: doWrite, c: c})
	}
	c.leave()
}

// reason returns what Ended reports for err. A write that failed because of a reset took the
// error of the connection: all that a read finds then is the end of the stream.
func (c *epollConn) reason(err error) error {
	if errno := syscall.Errno(c.failure.Load()); errno != 0 && err == io.EOF && !c.discard {
		return os.NewSyscallError("write", errno)
	}
	return err
}

// leave ends a Flush. The last one of an ended connection lets the loop close the
// descriptor.
func (c *epollConn) leave() {
	if c.writers.Add(-1) == endedFlag {
		c.loop.post(command{what: doReap, c: c})
	}
}

// write writes about one batch, first of all first. It reports whether there is more: a large
// message that the kernel has taken as a whole is no reason to wait until it takes more.
func (c *epollConn) write(first []byte) (more bool, err error) {
	v := c.loop.driver.vectors.Get().(*vector)
	defer c.loop.driver.vectors.Put(v)
	bufs := v.bufs[:0]
	if first != nil {
		bufs = append(bufs, first)
	} else {
		bufs = c.h.Next(0, bufs)
	}
	for left := BatchBytes; len(bufs) > 0; {
		n, all, err := v.write(int(c.fd), bufs)
		v.forget(bufs)
		if err != nil || !all {
			c.h.Sent(n)
			return true, err
		}
		bufs = c.h.Next(n, v.bufs[:0])
		if left -= n; left <= 0 && len(bufs) > 0 {
			v.forget(bufs)
			c.h.Sent(0)
			return true, nil
		}
	}
	return false, nil
}
