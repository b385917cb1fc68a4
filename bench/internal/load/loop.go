// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the event loop of the clients: reading, sending, and what each
// message means.

package load

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// What a client waits for.
const (
	waitResponse = iota // of the handshake
	waitOpen            // the open packet
	waitJoined          // the answer to CONNECT
	joined
	closing // a close frame has been sent
)

type client struct {
	target *Target
	fd     int
	slot   int32
	state  int
	left   int    // messages still to send in this run
	rest   []byte // the begin of a frame or of the response
}

// A Target is a server and the clients it has.
type Target struct {
	addr    [4]byte
	port    int
	request []byte
	clients map[*client]struct{}
}

type slot struct {
	c   *client
	gen int32
}

// A Loop drives the clients of any number of targets, one run at a time. It is
// used by one goroutine.
type Loop struct {
	epfd   int
	slots  []slot
	free   []int32
	events []syscall.EpollEvent
	buf    []byte
	dialed int // connections made: the source address goes round

	run run
}

// A run is the current work of the clients.
type run struct {
	target  *Target
	frame   []byte // sent again by a client that has got a message
	pending int    // messages, joins or ends still to come
	churn   bool   // clients close as soon as they have joined
	err     error
}

// NewLoop returns a Loop without clients.
func NewLoop() (*Loop, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &Loop{epfd: epfd, events: make([]syscall.EpollEvent, 512), buf: make([]byte, 64<<10)}, nil
}

var errTimeout = errors.New("load: the server did not do its part in time")

// until runs the loop until nothing is pending, an error, or timeout.
func (l *Loop) until(what string, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for l.run.pending > 0 && l.run.err == nil {
		wait := time.Until(deadline)
		if wait <= 0 {
			l.run.err = errTimeout
			break
		}
		l.turn(wait)
	}
	if l.run.err != nil {
		return fmt.Errorf("%s, %d to go: %w", what, l.run.pending, l.run.err)
	}
	return nil
}

// Idle answers heartbeats and nothing else for a time.
func (l *Loop) Idle(d time.Duration) error {
	l.run = run{}
	for deadline := time.Now().Add(d); l.run.err == nil && time.Now().Before(deadline); {
		l.turn(time.Until(deadline))
	}
	return l.run.err
}

// turn waits for events, at most for the time given, and handles them.
func (l *Loop) turn(wait time.Duration) {
	n, err := syscall.EpollWait(l.epfd, l.events, int(wait/time.Millisecond)+1)
	if err != nil && err != syscall.EINTR {
		l.run.err = err
		return
	}
	for _, e := range l.events[:max(n, 0)] {
		if s := l.slots[e.Fd]; s.c != nil && s.gen == e.Pad {
			l.read(s.c)
		}
	}
}

func (l *Loop) read(c *client) {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(&l.buf[0])), uintptr(len(l.buf)))
		switch {
		case e == syscall.EINTR:
			continue
		case e == syscall.EAGAIN:
			return
		case e != 0 || n == 0:
			l.ended(c, e)
			return
		}
		l.feed(c, l.buf[:n])
		return // level-triggered: remaining events are reported again
	}
}

// ended is called when the server has closed the connection.
func (l *Loop) ended(c *client, e syscall.Errno) {
	expected := c.state == closing
	l.drop(c)
	switch {
	case !expected && e != 0:
		l.run.err = fmt.Errorf("load: a connection ended: %w", e)
	case !expected:
		l.run.err = errors.New("load: the server closed a connection")
	default:
		l.run.pending--
		l.another()
	}
}

// drop closes a client.
func (l *Loop) drop(c *client) {
	_ = syscall.Close(c.fd)
	l.slots[c.slot] = slot{gen: l.slots[c.slot].gen + 1}
	l.free = append(l.free, c.slot)
	delete(c.target.clients, c)
}

// feed handles read bytes.
func (l *Loop) feed(c *client, b []byte) {
	if len(c.rest) > 0 {
		c.rest = append(c.rest, b...)
		b = c.rest
	}
	if c.state == waitResponse {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		switch {
		case end < 0:
			c.rest = append([]byte(nil), b...)
			return
		case !bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")):
			l.run.err = fmt.Errorf("load: the handshake was answered %q", b[:min(len(b), 200)])
			return
		}
		b = b[end+4:]
		c.state = waitOpen
	}
	for {
		op, data, size, err := nextFrame(b)
		if err != nil {
			l.run.err = err
			return
		}
		if size == 0 {
			break
		}
		b = b[size:]
		switch op {
		case 1:
			l.message(c, data)
		case 2:
			if len(data) != blobSize {
				l.run.err = fmt.Errorf("load: %d bytes came, want %d", len(data), blobSize)
				return
			}
			l.delivered(c)
		}
	}
	c.rest = append([]byte(nil), b...) // nil when b is empty
}

// message acts on an Engine.IO packet.
func (l *Loop) message(c *client, data []byte) {
	switch {
	case len(data) > 1 && data[0] == '4' && (data[1] == '2' || data[1] == '3'):
		if len(data) < len(payload) {
			l.run.err = fmt.Errorf("load: short message %q", data)
			return
		}
		l.delivered(c)
	case len(data) > 1 && data[0] == '4' && data[1] == '5': // its bytes follow
	case len(data) == 1 && data[0] == '2':
		l.send(c, framePong)
	case len(data) > 1 && data[0] == '0' && c.state == waitOpen:
		c.state = waitJoined
		l.send(c, frameJoin)
	case len(data) > 1 && data[0] == '4' && data[1] == '0' && c.state == waitJoined:
		c.state = joined
		l.joined(c)
	case c.state == closing:
	default:
		l.run.err = fmt.Errorf("load: unexpected message %q", data[:min(len(data), 100)])
	}
}

// delivered counts a message and sends the next one.
func (l *Loop) delivered(c *client) {
	l.run.pending--
	if c.left > 0 {
		c.left--
		l.send(c, l.run.frame)
	}
}

// send sends a frame whole: with so little in flight there is always room, in a buffer
// that is large enough for a blob.
func (l *Loop) send(c *client, b []byte) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	if e == 0 && int(n) == len(b) || c.state == closing {
		return
	}
	l.run.err = fmt.Errorf("load: %d of %d bytes sent: %w", n, len(b), e)
}
