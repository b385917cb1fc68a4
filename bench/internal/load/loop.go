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

const mostInFlight = 8

type client struct {
	target *Target
	fd     int
	slot   int32
	state  int
	left   int    // messages still to send in this run
	rest   []byte // the begin of a frame or of the response
	unsent []byte // not accepted by the kernel
	skip   int    // bytes of a binary frame still to come
	room   int    // in target.rooms

	sent          [mostInFlight]int64 // when the messages in flight were sent, a ring
	oldest, count int
}

type slot struct {
	c   *client
	gen int32
}

// A Loop drives the clients of any number of targets, one run at a time. It is
// used by one goroutine.
type Loop struct {
	// Spin lets it ask for events again and again, so that the server never pays for
	// waking it.
	Spin bool
	// Latency, if not nil, counts the time from sending a message to its answer or
	// delivery.
	Latency *Latency
	// Pings is the number of heartbeats that were answered.
	Pings int

	epfd   int
	slots  []slot
	free   []int32
	events []syscall.EpollEvent
	buf    []byte
	out    []byte // what one read has caused: it leaves in one write
	dialed int    // connections made: the source address goes round
	start  time.Time

	run run
}

// A run is the current work of the clients.
type run struct {
	target  *Target
	frame   []byte // sent again by a client that has got a message
	pending int    // messages, joins or ends still to come
	least   int    // bytes that a message has at least
	blob    int    // bytes of a binary frame
	churn   bool   // clients close as soon as they have joined
	pushes  bool   // with centrifuge: what is published counts, not the replies
	began   int64  // when the broadcast was asked for; 0: each client knows
	stamps  bool   // messages say when they were sent
	err     error
}

// NewLoop returns a Loop without clients.
func NewLoop() (*Loop, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &Loop{epfd: epfd, events: make([]syscall.EpollEvent, 512), buf: make([]byte, 256<<10), start: time.Now()}, nil
}

// now is a time in nanoseconds, never 0.
func (l *Loop) now() int64 { return int64(time.Since(l.start)) + 1 }

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
	spin := l.Spin
	defer func() { l.Spin = spin }()
	l.Spin = false
	l.run = run{}
	for deadline := time.Now().Add(d); l.run.err == nil && time.Now().Before(deadline); {
		l.turn(time.Until(deadline))
	}
	return l.run.err
}

// turn waits for events, at most for the time given, and handles them.
func (l *Loop) turn(wait time.Duration) {
	ms := int(wait/time.Millisecond) + 1
	if l.Spin {
		ms = 0
	}
	n, err := syscall.EpollWait(l.epfd, l.events, ms)
	if err != nil && err != syscall.EINTR {
		l.run.err = err
		return
	}
	for _, e := range l.events[:max(n, 0)] {
		s := l.slots[e.Fd]
		if s.c == nil || s.gen != e.Pad {
			continue
		}
		if e.Events&syscall.EPOLLOUT != 0 {
			l.resend(s.c)
		}
		if e.Events&^syscall.EPOLLOUT != 0 {
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
		if len(l.out) > 0 {
			l.send(c, l.out)
			l.out = l.out[:0]
		}
		return // level-triggered: remaining events are reported again
	}
}

// ended is called when the server has closed the connection.
func (l *Loop) ended(c *client, e syscall.Errno) {
	expected := c.state == closing
	l.drop(c)
	if c.target != l.run.target && !expected {
		c.target.broken = true // not the work of this run
		return
	}
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
		if c.target.dialect.centrifuge {
			c.state = waitJoined
			l.reply(c.target.dialect.join)
		}
	}
	b = l.frames(c, b)
	c.rest = append([]byte(nil), b...) // nil when b is empty
}

// frames handles the frames in b and returns an incomplete rest. Of a binary frame only
// the length matters.
func (l *Loop) frames(c *client, b []byte) []byte {
	for l.run.err == nil {
		if c.skip > 0 {
			n := min(c.skip, len(b))
			b = b[n:]
			if c.skip -= n; c.skip > 0 {
				return nil
			}
			l.delivered(c)
		}
		op, length, size, err := head(b)
		if err != nil {
			l.run.err = err
			return nil
		}
		if size == 0 {
			return b
		}
		switch {
		case op == 2:
			if length != l.run.blob {
				l.run.err = fmt.Errorf("load: %d bytes came, want %d", length, l.run.blob)
				return nil
			}
			c.skip = length
			b = b[size:]
			continue
		case len(b) < size+length:
			return b
		case op == 1:
			l.messages(c, b[size:size+length])
		}
		b = b[size+length:]
	}
	return nil
}

// messages acts on the text of a frame. With centrifuge, it has one message a line.
func (l *Loop) messages(c *client, data []byte) {
	if !c.target.dialect.centrifuge {
		l.message(c, data)
		return
	}
	for len(data) > 0 && l.run.err == nil {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte{'\n'})
		l.replied(c, line)
	}
}

// message acts on an Engine.IO packet.
func (l *Loop) message(c *client, data []byte) {
	switch {
	case len(data) > 1 && data[0] == '4' && (data[1] == '2' || data[1] == '3'):
		l.arrived(c, data)
	case len(data) > 1 && data[0] == '4' && data[1] == '5': // its bytes follow
	case len(data) == 1 && data[0] == '2':
		l.Pings++
		l.reply(c.target.dialect.pong)
	case len(data) > 1 && data[0] == '0' && c.state == waitOpen:
		c.state = waitJoined
		l.reply(c.target.dialect.join)
	case len(data) > 1 && data[0] == '4' && data[1] == '0' && c.state == waitJoined:
		c.state = joined
		l.joined(c)
	case c.state == closing:
	default:
		l.run.err = fmt.Errorf("load: unexpected message %q", data[:min(len(data), 100)])
	}
}

// replied acts on a message of centrifuge.
func (l *Loop) replied(c *client, data []byte) {
	switch {
	case string(data) == "{}":
		l.Pings++
		l.reply(c.target.dialect.pong)
	case bytes.HasPrefix(data, []byte(`{"id":1,"connect":`)) && c.state == waitJoined:
		c.state = joined
		l.joined(c)
	case bytes.HasPrefix(data, []byte(`{"id":2,"rpc":`)):
		if !l.run.pushes {
			l.arrived(c, data)
		}
	case bytes.HasPrefix(data, []byte(`{"push":{"channel":`)):
		if l.run.pushes && bytes.Contains(data, []byte(`"pub":{`)) {
			l.arrived(c, data)
		}
	case c.state == closing:
	default:
		l.run.err = fmt.Errorf("load: unexpected message %q", data[:min(len(data), 100)])
	}
}

// arrived checks a message that counts.
func (l *Loop) arrived(c *client, data []byte) {
	if len(data) < l.run.least {
		l.run.err = fmt.Errorf("load: short message %q", data)
		return
	}
	if l.Latency != nil && l.run.stamps {
		if at, ok := stamped(data, c.target.dialect.tail); ok {
			l.Latency.Add(time.Duration(l.now() - at))
		}
	}
	l.delivered(c)
}

// delivered counts a message and sends the next one.
func (l *Loop) delivered(c *client) {
	l.run.pending--
	if l.Latency != nil && !l.run.stamps {
		at := l.run.began
		if at == 0 && c.count > 0 {
			at = c.sent[c.oldest]
			c.oldest = (c.oldest + 1) % mostInFlight
			c.count--
		}
		if at != 0 {
			l.Latency.Add(time.Duration(l.now() - at))
		}
	}
	if c.left > 0 {
		c.left--
		l.sending(c)
		l.send(c, l.run.frame) // each on its own, as a browser does
	}
}

// sending notes when a message is sent whose answer will be awaited.
func (l *Loop) sending(c *client) {
	if l.Latency != nil && c.count < mostInFlight {
		c.sent[(c.oldest+c.count)%mostInFlight] = l.now()
		c.count++
	}
}

// reply sends a frame after what was read has been handled.
func (l *Loop) reply(b []byte) { l.out = append(l.out, b...) }

// send sends a frame, or as much of it as there is room for now and the rest later.
func (l *Loop) send(c *client, b []byte) {
	if len(c.unsent) > 0 {
		c.unsent = append(c.unsent, b...)
		return
	}
	n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
	switch {
	case e == syscall.EAGAIN:
		n = 0
	case e != 0 && c.state != closing:
		l.run.err = fmt.Errorf("load: sending: %w", e)
		return
	case e != 0:
		return
	}
	if int(n) < len(b) {
		c.unsent = append([]byte(nil), b[n:]...)
		l.watch(c, syscall.EPOLLIN|syscall.EPOLLOUT)
	}
}

// resend sends what there was no room for.
func (l *Loop) resend(c *client) {
	b := c.unsent
	c.unsent = nil
	if len(b) > 0 {
		l.send(c, b)
	}
	if len(c.unsent) == 0 {
		l.watch(c, syscall.EPOLLIN)
	}
}

func (l *Loop) watch(c *client, events uint32) {
	err := syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_MOD, c.fd, &syscall.EpollEvent{Events: events, Fd: c.slot, Pad: l.slots[c.slot].gen})
	if err != nil && l.run.err == nil {
		l.run.err = fmt.Errorf("load: epoll_ctl: %w", err)
	}
}
