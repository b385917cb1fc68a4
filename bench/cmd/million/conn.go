// SPDX-License-Identifier: MIT

//go:build linux

package main

import (
	"errors"
	"net"
	"sync"
	"time"

	"socketio/internal/netpoll"
)

// A conn is a connection to a client that takes everything at once. It is its own driver
// (netpoll.Driven). The loop of the simulation reads for it: it calls Feed and Ended.
type conn struct {
	sim  *simulation
	h    netpoll.Handler
	rest []byte // what the server did not take, until Resume

	mu     sync.Mutex // guards the fields below
	queued bool       // the loop has it to do
	pings  uint8      // pings to answer
	resume bool
	closed bool
	ended  bool
}

var _ netpoll.Driven = (*conn)(nil)

// Drive implements netpoll.Driven.
func (c *conn) Drive(h netpoll.Handler) netpoll.Conn {
	c.h = h
	return driven{c}
}

// driven is c as the server's engine sees it.
type driven struct{ c *conn }

// Start implements netpoll.Conn. No bytes came with the request.
func (d driven) Start([]byte) {}

// Flush implements netpoll.Conn: the client takes whatever is offered.
func (d driven) Flush(first []byte) {
	b := d.c.sim.batches.Get().(*[][]byte)
	defer d.c.sim.batches.Put(b)
	bufs := (*b)[:0]
	if first != nil {
		bufs = append(bufs, first)
	} else {
		bufs = d.c.h.Next(0, bufs)
	}
	for len(bufs) > 0 {
		n := 0
		for _, buf := range bufs {
			d.c.receive(buf)
			n += len(buf)
		}
		clear(bufs)
		bufs = d.c.h.Next(n, bufs[:0])
	}
	*b = bufs
}

// Resume implements netpoll.Conn.
func (d driven) Resume() { d.c.post(func(c *conn) { c.resume = true }) }

// Shutdown implements netpoll.Conn. The client closes at once too.
func (d driven) Shutdown(bool) { d.Close() }

// Close implements netpoll.Conn.
func (d driven) Close() { d.c.post(func(c *conn) { c.closed = true }) }

// receive is what a client does with what it gets: it answers pings and counts the rest.
func (c *conn) receive(b []byte) {
	if len(b) == 3 && b[2] == '2' { // a frame with a ping
		c.post(func(c *conn) { c.pings++ })
		return
	}
	c.sim.received.Add(int64(len(b)))
}

// post changes c and leaves the rest to the loop.
func (c *conn) post(change func(c *conn)) {
	c.mu.Lock()
	change(c)
	first := !c.queued && !c.ended
	c.queued = true
	c.mu.Unlock()
	if first {
		c.sim.post(c)
	}
}

// turn does what was posted. The loop calls it.
func (c *conn) turn() {
	c.mu.Lock()
	pings, resume, closed := c.pings, c.resume, c.closed
	c.queued, c.pings, c.resume = false, 0, false
	c.ended = c.ended || closed
	c.mu.Unlock()
	switch {
	case closed:
		c.h.Ended(net.ErrClosed)
		return
	case resume:
		rest := c.rest
		c.rest = nil
		c.feed(rest)
	}
	for range pings {
		c.feed(framePong)
	}
}

// feed lets the client send bytes.
func (c *conn) feed(b []byte) {
	if c.rest != nil {
		c.rest = append(c.rest, b...)
		return
	}
	buf := append(c.sim.buf[:0], b...) // the server changes it
	if n, more := c.h.Feed(buf); !more {
		c.rest = append(make([]byte, 0, len(buf)-n), buf[n:]...) // not nil: it waits
	}
}

var errNoNetwork = errors.New("million: there is no network")

// The methods of net.Conn are for drivers that read and write themselves. This program has no such driver.
func (c *conn) Read([]byte) (int, error)         { return 0, errNoNetwork }
func (c *conn) Write([]byte) (int, error)        { return 0, errNoNetwork }
func (c *conn) LocalAddr() net.Addr              { return address }
func (c *conn) RemoteAddr() net.Addr             { return address }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// Close is called in place of Drive when the connection is refused.
func (c *conn) Close() error { return nil }

var address = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
