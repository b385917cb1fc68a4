// SPDX-License-Identifier: MIT

// Conn: one end of a connection, made of two halves.

package memnet

import (
	"fmt"
	"io"
	"net"
	"time"
)

const (
	network    = "mem"
	serverAddr = Addr(80)
	firstPort  = 10_000 // clients are numbered from the one after it
)

// An Addr is the address of one end: a port on 127.0.0.1, so that a remote address can be
// split into a host and a port.
type Addr uint32

// Network returns "mem".
func (Addr) Network() string { return network }

func (a Addr) String() string { return fmt.Sprintf("127.0.0.1:%d", uint32(a)) }

// A Conn is one end of a connection. Its methods may be called from any
// goroutine; concurrent writes do not mix.
type Conn struct {
	in, out       *half
	local, remote Addr
}

// Pipe returns the two ends of a connection that holds size bytes each way
// before a writer waits; 0 or less means DefaultBuffer.
func Pipe(size int) (client, server *Conn) {
	if size <= 0 {
		size = DefaultBuffer
	}
	up, down := newHalf(size), newHalf(size)
	client = &Conn{in: down, out: up, local: firstPort, remote: serverAddr}
	server = &Conn{in: up, out: down, local: serverAddr, remote: firstPort}
	return client, server
}

// Read waits for bytes. It fails with io.EOF once the peer has closed and
// everything is read, with syscall.ECONNRESET after a reset, with
// os.ErrDeadlineExceeded past the deadline and with net.ErrClosed after Close.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

// Write waits until all of b is in the connection's buffer. It fails with
// syscall.EPIPE when the peer has closed or after CloseWrite, with
// syscall.ECONNRESET after a reset, with os.ErrDeadlineExceeded past the
// deadline and with net.ErrClosed after Close. b is copied.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

// Close ends both directions. The peer still reads earlier data. A second call fails with
// net.ErrClosed.
func (c *Conn) Close() error {
	first := c.in.closeReader()
	c.out.closeWriter(net.ErrClosed)
	if !first {
		return c.wrap("close", net.ErrClosed)
	}
	return nil
}

// CloseWrite ends the outgoing direction: the peer reads the written bytes and then
// io.EOF. Reading continues.
func (c *Conn) CloseWrite() error {
	c.out.closeWriter(errPipe)
	return nil
}

// Reset ends both directions at once. Unread data is lost, as with a TCP reset.
func (c *Conn) Reset() {
	c.in.reset()
	c.out.reset()
}

// Abort is like Reset, but the peer first reads everything written before, so that the
// bytes it reads do not depend on timing.
func (c *Conn) Abort() {
	c.out.abort()
	c.in.reset()
}

// Buffered returns the number of bytes that can be read at this end.
func (c *Conn) Buffered() int { return c.in.len() }

// SetBound limits the bytes in transit to the peer to n, so that it reads at most n at a
// time. 0 restores the size of the connection.
func (c *Conn) SetBound(n int) { c.out.setBound(n) }

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines. The zero time removes them.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets when waiting in Read ends, calls under way included.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setDeadline(&c.in.reader, t))
}

// SetWriteDeadline sets when waiting in Write ends, calls under way included.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.wrap("set", c.out.setDeadline(&c.out.writer, t))
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: network, Source: c.local, Addr: c.remote, Err: err}
}
