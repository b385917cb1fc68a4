// SPDX-License-Identifier: MIT

// This file holds the portable driver: one goroutine reads each connection,
// and one more writes while there is something to write.

package netpoll

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
)

const (
	readBufferSize = 4 << 10
	// A connection that is not plain TCP (TLS, a wrapper) gets a batch as one
	// Write: a record or a call per frame would cost more than the copy.
	joinBufferSize = 16 << 10
)

// errPanic is the reason for closing a connection whose Handler panicked.
var errPanic = errors.New("netpoll: panic in a handler")

// Goroutines is the driver for any net.Conn. It costs a goroutine and a read
// buffer per connection.
type Goroutines struct {
	wg      sync.WaitGroup // connections with a goroutine
	mu      lock.Mutex
	conns   map[*goroutineConn]struct{} // guarded by mu
	reads   sync.Pool                   // *[]byte of readBufferSize
	batches sync.Pool                   // *batch
}

// NewGoroutines returns a driver. It holds no resources except its connections.
func NewGoroutines() *Goroutines {
	return &Goroutines{
		conns: make(map[*goroutineConn]struct{}),
		reads: sync.Pool{New: func() any { b := make([]byte, readBufferSize); return &b }},
		batches: sync.Pool{New: func() any {
			return &batch{bufs: make([][]byte, 0, BatchBuffers)}
		}},
	}
}

// Attach is Driver.Attach for any net.Conn. It does not fail.
func (d *Goroutines) Attach(nc net.Conn, h Handler) Conn {
	c := &goroutineConn{
		driver: d,
		nc:     nc,
		h:      h,
		resume: make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	c.running.Store(1) // the reader, from now on: Start is always called
	d.wg.Add(1)
	_, c.plain = nc.(*net.TCPConn)
	d.mu.Lock()
	d.conns[c] = struct{}{}
	d.mu.Unlock()
	return c
}

// Close implements Driver.
func (d *Goroutines) Close(grace time.Duration) {
	timer := time.AfterFunc(grace, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for c := range d.conns {
			c.Close()
		}
	})
	defer timer.Stop()
	d.wg.Wait()
}

// batch holds the buffers of a running flusher.
type batch struct {
	bufs [][]byte
	join []byte
}

type goroutineConn struct {
	// Immutable after Attach.
	driver *Goroutines
	nc     net.Conn
	h      Handler
	plain  bool          // nc is plain TCP: writev works
	resume chan struct{} // one token: Resume was called
	done   chan struct{} // closed by Close

	// Owned by the reader; the last goroutine reads them.
	ended bool
	local bool  // this side had closed before
	why   error // reported by Ended unless a write has failed

	// Atomic; safe from anywhere.
	closed   atomic.Bool
	shutdown atomic.Bool           // input is discarded
	failure  atomic.Pointer[error] // of a write
	running  atomic.Int32          // the reader and the flusher; 0 is final
}

func (c *goroutineConn) Start(early []byte) {
	// read: one per connection, owned by c, ends when the connection does;
	// Goroutines.Close waits for it.
	go func() {
		defer c.leave()
		c.read(early)
	}()
}

// leave ends one of the goroutines of c. The last one reports the end: only then is it known
// whether the write under way has failed.
func (c *goroutineConn) leave() {
	if c.running.Add(-1) != 0 {
		return
	}
	defer c.driver.wg.Done()
	defer func() { _ = recover() }() // Ended may panic; the connection is closed by then
	err := c.why
	// A write that Close has interrupted fails with net.ErrClosed.
	if failure := c.failure.Load(); failure != nil && !c.local && !errors.Is(*failure, net.ErrClosed) {
		err = *failure
	}
	c.h.Ended(err)
}

func (c *goroutineConn) read(early []byte) {
	buf := c.driver.reads.Get().(*[]byte)
	defer c.driver.reads.Put(buf)
	defer func() {
		if v := recover(); v != nil {
			c.end(fmt.Errorf("%w: %v", errPanic, v))
		}
	}()
	if len(early) > 0 && !c.feed(early) {
		c.end(net.ErrClosed)
		return
	}
	for {
		into := c.room()
		if into == nil {
			into = *buf
		}
		n, err := c.nc.Read(into)
		if n > 0 && !c.feed(into[:n]) {
			c.end(net.ErrClosed)
			return
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

// room returns memory of the Handler for the next bytes, or nil.
func (c *goroutineConn) room() []byte {
	if c.shutdown.Load() {
		return nil // the bytes are discarded
	}
	return c.h.Room()
}

// feed passes b to the Handler and waits during pauses. It reports false once c is closed.
func (c *goroutineConn) feed(b []byte) bool {
	for !c.shutdown.Load() {
		n, more := c.h.Feed(b)
		b = b[n:]
		if more {
			return true
		}
		select {
		case <-c.resume:
		case <-c.done:
			return false
		}
		if c.failure.Load() != nil {
			return false
		}
	}
	return true
}

// end ends the connection; every path of the reader calls it. leave reports the end.
func (c *goroutineConn) end(err error) {
	if c.ended {
		return
	}
	c.ended = true
	c.local = c.closed.Load() || c.shutdown.Load()
	if c.local && err != io.EOF {
		err = net.ErrClosed
	}
	c.why = err
	c.Close()
	c.driver.mu.Lock()
	delete(c.driver.conns, c)
	c.driver.mu.Unlock()
}

func (c *goroutineConn) Flush(first []byte) {
	for {
		n := c.running.Load()
		if n == 0 {
			return // all is over: Goroutines.Close may have returned
		}
		if c.running.CompareAndSwap(n, n+1) {
			break
		}
	}
	// flush: exists while there is something to write, owned by c, ends when
	// Next offers nothing or a write fails; Close makes it fail.
	go func() {
		defer c.leave()
		c.flush(first)
	}()
}

func (c *goroutineConn) flush(first []byte) {
	w := c.driver.batches.Get().(*batch)
	defer c.driver.batches.Put(w)
	bufs := w.bufs[:0]
	if first != nil {
		bufs = append(bufs, first)
	} else {
		bufs = c.h.Next(0, bufs)
	}
	for len(bufs) > 0 {
		n, err := c.write(w, bufs)
		clear(bufs)
		if err != nil {
			c.h.Sent(n)
			c.fail(err)
			return
		}
		bufs = c.h.Next(n, w.bufs[:0])
	}
}

// fail ends the connection after a failed write. The reader ends it, after the last
// bytes that the peer has sent; a paused reader does so at once.
func (c *goroutineConn) fail(err error) {
	c.failure.Store(&err)
	if c.nc.SetReadDeadline(time.Now().Add(LingerTimeout)) != nil {
		c.Close()
	}
	c.Resume()
}

// write writes a batch, or part of it: the Handler offers the rest again. Progress is
// reported only when Write returns, so a batch has at most BatchBytes.
func (c *goroutineConn) write(w *batch, bufs [][]byte) (int, error) {
	left := BatchBytes
	for i, b := range bufs {
		if len(b) >= left {
			bufs = bufs[:i+1]
			bufs[i] = b[:left]
			break
		}
		left -= len(b)
	}
	if len(bufs) == 1 {
		return c.nc.Write(bufs[0])
	}
	if c.plain {
		nb := net.Buffers(bufs)
		n, err := nb.WriteTo(c.nc)
		return int(n), err
	}
	sent := 0
	for len(bufs) > 0 {
		w.join = w.join[:0]
		for len(bufs) > 0 && (len(w.join) == 0 || len(w.join)+len(bufs[0]) <= joinBufferSize) {
			if len(w.join) == 0 && len(bufs[0]) > joinBufferSize {
				break
			}
			w.join = append(w.join, bufs[0]...)
			bufs = bufs[1:]
		}
		out := w.join
		if len(out) == 0 {
			out, bufs = bufs[0], bufs[1:]
		}
		n, err := c.nc.Write(out)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (c *goroutineConn) Resume() {
	select {
	case c.resume <- struct{}{}:
	default:
	}
}

func (c *goroutineConn) Shutdown(bool) {
	c.shutdown.Store(true)
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		c.Close()
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(LingerTimeout))
	c.Resume()
}

func (c *goroutineConn) Close() {
	if c.closed.CompareAndSwap(false, true) {
		close(c.done)
		_ = c.nc.Close()
	}
}
