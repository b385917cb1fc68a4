// SPDX-License-Identifier: MIT

// This file holds Listener, which accepts connections opened by Dial.

package memnet

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// DefaultBuffer is how many bytes each direction of a connection holds before
// a writer has to wait.
const DefaultBuffer = 64 << 10

// backlog is how many connections wait for Accept; Dial waits beyond that.
const backlog = 128

// A Listener accepts in-memory connections. Its methods may be called from any
// goroutine.
type Listener struct {
	buffer  int
	pending chan *Conn
	done    chan struct{}
	close   func()
	dialed  atomic.Uint32 // numbers the clients' addresses
}

// Listen returns a listener whose connections hold DefaultBuffer bytes each way.
func Listen() *Listener { return ListenBuffer(DefaultBuffer) }

// ListenBuffer returns a listener whose connections hold size bytes each way; 0
// or less means DefaultBuffer.
func ListenBuffer(size int) *Listener {
	l := &Listener{buffer: size, pending: make(chan *Conn, backlog), done: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.done); l.drain() })
	return l
}

// Dial opens a connection. It returns as soon as the connection waits to be
// accepted. The error wraps that of ctx, or syscall.ECONNREFUSED after Close.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := Pipe(l.buffer)
	addr := Addr(firstPort + l.dialed.Add(1))
	client.local, server.remote = addr, addr

	err := ctx.Err()
	if err == nil && l.closed() {
		err = syscall.ECONNREFUSED
	}
	if err == nil {
		select {
		case l.pending <- server:
			if l.closed() {
				l.drain() // Close may have been here before the connection was
			}
			return client, nil
		case <-l.done:
			err = syscall.ECONNREFUSED
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: serverAddr, Err: err}
}

// DialContext is Dial in the shape of http.Transport.DialContext. It ignores
// the address.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.Dial(ctx)
}

// Accept waits for the next connection. After Close it fails with net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	if !l.closed() {
		select {
		case c := <-l.pending:
			return c, nil
		case <-l.done:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: network, Addr: serverAddr, Err: net.ErrClosed}
}

// Close ends Accept and Dial. Connections that nobody has accepted are reset;
// the others are left alone. Further calls do nothing.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr returns the address that all connections of the listener have on the
// server's side.
func (l *Listener) Addr() net.Addr { return serverAddr }

func (l *Listener) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *Listener) drain() {
	for {
		select {
		case c := <-l.pending:
			c.Reset()
		default:
			return
		}
	}
}
