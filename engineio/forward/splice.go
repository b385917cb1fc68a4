// SPDX-License-Identifier: MIT

// This file joins two connections: the bytes that one receives are sent by the other.

package forward

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
	"socketio/internal/netpoll"
)

const (
	// maxWaiting is the number of bytes that may wait for a connection before the other one
	// is not read any more. What one read has brought, at most 64 KiB, comes on top.
	maxWaiting = 16 << 10
	// endTimeout is how long the bytes that wait for a connection may take after the other
	// one has ended.
	endTimeout = 10 * time.Second
)

// splice joins two connections, which it gives to drivers by attach, until one of them ends.
// fromA and fromB have been read from them already. open counts the pair until both ends have
// ended.
func splice(attach func(net.Conn, netpoll.Handler) netpoll.Conn, a, b net.Conn, fromA, fromB []byte, open *atomic.Int64) {
	open.Add(1)
	p := &pair{open: open}
	p.left.Store(2)
	ea, eb := &p.ends[0], &p.ends[1]
	*ea, *eb = end{pair: p, other: eb}, end{pair: p, other: ea}
	ea.conn, eb.conn = attach(a, ea), attach(b, eb)
	eb.conn.Start(fromB)
	ea.conn.Start(fromA)
}

// A pair is two joined connections.
type pair struct {
	open *atomic.Int64 // counts pairs
	left atomic.Int32  // the ends that have not ended
	ends [2]end
}

// An end is one of two joined connections. It is the netpoll.Handler of its connection.
type end struct {
	// Immutable after splice.
	pair  *pair
	other *end
	conn  netpoll.Conn

	mu      lock.Mutex  // guards the fields below
	waiting *[]byte     // to be sent; nil if there is nothing
	writing bool        // the driver has the right to write
	held    bool        // the other connection is not read until nothing waits
	closing bool        // the other connection has ended
	ended   bool        // this one has
	timer   *time.Timer // of endTimeout, or nil
}

// queues are the buffers of bytes that wait.
var queues = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// maxPooled is the capacity of the largest buffer that is used again.
const maxPooled = 128 << 10

// Room implements netpoll.Handler.
func (e *end) Room() []byte { return nil }

// Feed implements netpoll.Handler: the other connection sends what this one has received.
func (e *end) Feed(b []byte) (n int, more bool) { return len(b), e.other.send(b) }

// send adds bytes to those that are sent. It reports whether there may be more of them.
func (e *end) send(b []byte) (more bool) {
	e.mu.Lock()
	if e.ended || e.closing || len(b) == 0 {
		e.mu.Unlock()
		return true
	}
	if e.waiting == nil {
		e.waiting = queues.Get().(*[]byte)
	}
	*e.waiting = append(*e.waiting, b...)
	flush := !e.writing
	e.writing = true
	e.mu.Unlock()
	if flush {
		e.conn.Flush(nil)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = e.waiting != nil && len(*e.waiting) > maxWaiting
	return !e.held
}

// Next implements netpoll.Handler.
func (e *end) Next(sent int, bufs [][]byte) [][]byte {
	e.mu.Lock()
	e.sentLocked(sent)
	if e.waiting != nil {
		bufs = append(bufs, (*e.waiting)[:min(len(*e.waiting), netpoll.BatchBytes)])
		e.mu.Unlock()
		return bufs
	}
	e.writing = false
	held, closing := e.held, e.closing
	e.held = false
	e.mu.Unlock()
	if held {
		e.other.conn.Resume()
	}
	if closing {
		e.conn.Shutdown(false)
	}
	return bufs
}

// Sent implements netpoll.Handler.
func (e *end) Sent(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sentLocked(n)
}

// sentLocked removes the bytes that have been sent. The driver does not use them any more.
func (e *end) sentLocked(n int) {
	if e.waiting == nil {
		return
	}
	q := *e.waiting
	*e.waiting = q[:copy(q, q[n:])]
	if len(*e.waiting) == 0 {
		e.dropLocked()
	}
}

func (e *end) dropLocked() {
	if e.waiting != nil && cap(*e.waiting) <= maxPooled {
		*e.waiting = (*e.waiting)[:0]
		queues.Put(e.waiting)
	}
	e.waiting = nil
}

// Ended implements netpoll.Handler: the other connection ends too, when it has sent what it
// has.
func (e *end) Ended(error) {
	e.mu.Lock()
	e.ended = true
	// The buffer is not used again: a driver whose connection ends while it writes may
	// still read it.
	e.waiting = nil
	if e.timer != nil {
		e.timer.Stop()
	}
	e.mu.Unlock()
	if e.pair.left.Add(-1) == 0 {
		e.pair.open.Add(-1)
		return
	}
	e.other.finish()
}

// finish ends a connection after the other one.
func (e *end) finish() {
	e.mu.Lock()
	if e.ended {
		e.mu.Unlock()
		return
	}
	e.closing = true
	writing := e.writing
	if writing {
		e.timer = time.AfterFunc(endTimeout, e.conn.Close)
	}
	e.mu.Unlock()
	if !writing {
		e.conn.Shutdown(false)
	}
}
