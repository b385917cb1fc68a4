// SPDX-License-Identifier: MIT

// This file holds relay: one network connection between a client and the server,
// carried from one to the other by two goroutines.

package faultnet

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// readSize is how much is carried at a time.
	readSize = 16 << 10
	// maxHeld bounds the bytes that a delay holds before the writer must wait.
	maxHeld = 1 << 20
	// keptTail is the number of passed bytes that are kept for patterns.
	keptTail = 4 << 10
)

// A relay joins the link's end towards the client with that towards the server.
type relay struct {
	link      *Link
	client    net.Conn
	server    net.Conn
	done      chan struct{}
	end       func()       // closes done and both connections
	resetting atomic.Bool  // both connections are being reset
	swallowed atomic.Bool  // discards all bytes, hides the ends
	hidden    atomic.Int32 // ends that the other side was not notified of
}

func newRelay(l *Link, client, server net.Conn) *relay {
	r := &relay{link: l, client: client, server: server, done: make(chan struct{})}
	r.end = sync.OnceFunc(func() {
		close(r.done)
		_ = r.client.Close()
		_ = r.server.Close()
	})
	return r
}

// start starts a pump for each direction. They end with their connections, at the
// latest with the link, which waits for them.
func (r *relay) start() {
	var both sync.WaitGroup
	both.Add(2)
	run := func(d Direction, dst, src net.Conn) {
		defer r.link.relays.Done()
		(&pump{relay: r, d: d, dst: dst, src: src}).run()
		both.Done()
		if d == Up {
			both.Wait()
			r.end()
			r.link.forget(r)
		}
	}
	go run(Up, r.server, r.client)
	go run(Down, r.client, r.server)
}

// cut ends the connection on both sides.
func (r *relay) cut(how Action) {
	if how == Reset {
		r.resetting.Store(true)
		reset(r.server)
		reset(r.client)
	}
	r.end()
}

func reset(c net.Conn) {
	switch c := c.(type) {
	case interface{ Abort() }: // in memory
		c.Abort()
	case *net.TCPConn:
		_ = c.SetLinger(0) // Close then resets
		_ = c.Close()
	}
}

// A parcel is some bytes on their way, or the end of a connection.
type parcel struct {
	due  time.Time
	data []byte
	end  error
}

// A pump carries one direction. One goroutine owns it.
type pump struct {
	*relay
	d        Direction
	dst, src net.Conn

	held     []parcel // on their way, in order
	size     int      // bytes in held
	ended    bool     // src has ended
	deadline bool     // src has a deadline
	lost     bool     // dst accepts nothing more
	holding  bool     // from a Hold on,
	since    int      // at which the link had healed so often
	tail     []byte   // the last bytes that passed, without masks
	masks    unmasker // of the frames of a client
}

func (p *pump) run() {
	buf := make([]byte, readSize)
	for {
		for len(p.held) > 0 && !time.Now().Before(p.held[0].due) {
			next := p.held[0]
			p.held, p.size = p.held[1:], p.size-len(next.data)
			if !p.deliver(next) {
				return
			}
		}
		switch {
		case p.ended && len(p.held) == 0:
			return
		case p.ended || p.size >= maxHeld:
			if !p.sleep(p.held[0].due) {
				return
			}
		default:
			p.read(buf)
		}
	}
}

// sleep reports whether the relay still runs at due.
func (p *pump) sleep(due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.done:
		return false
	}
}

// read reads the next bytes, or returns when a held parcel is due.
func (p *pump) read(buf []byte) {
	if len(p.held) > 0 || p.deadline {
		var due time.Time
		if p.deadline = len(p.held) > 0; p.deadline {
			due = p.held[0].due
		}
		_ = p.src.SetReadDeadline(due) // on a closed connection the read fails
	}
	n, err := p.src.Read(buf)
	f, _, _ := p.link.now(p.d)
	due := time.Now().Add(f.delay)
	if len(p.held) > 0 && due.Before(p.held[len(p.held)-1].due) {
		due = p.held[len(p.held)-1].due
	}
	if n > 0 {
		p.held = append(p.held, parcel{due: due, data: append([]byte(nil), buf[:n]...)})
		p.size += n
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.held = append(p.held, parcel{due: due, end: err})
		p.ended = true
	}
}

// deliver passes a parcel on unless a fault holds it back. It reports false at the end.
func (p *pump) deliver(next parcel) bool {
	if !p.wait() {
		return false
	}
	if next.end != nil {
		return p.deliverEnd(next.end)
	}
	data, plain := next.data, next.data
	if p.d == Up {
		plain = p.masks.unmask(data)
	}
	for len(data) > 0 {
		if p.discards() {
			p.lost = true // a stream with a gap is useless, even after Heal
			return true
		}
		n, reached := p.link.passes(p, plain)
		if n < 0 {
			if !p.wait() {
				return false
			}
			continue
		}
		if !p.write(data[:n], plain[:n]) {
			p.lost = true
			return true
		}
		if reached != nil && !p.reach(reached) {
			return false
		}
		data, plain = data[n:], plain[n:]
	}
	return true
}

// wait waits while bytes are held back. It reports false if the relay has ended.
func (p *pump) wait() bool {
	for {
		f, heals, changed := p.link.now(p.d)
		p.holding = p.holding && p.since == heals
		if !f.stalled && !p.holding || p.discards() {
			return true
		}
		select {
		case <-changed:
		case <-p.done:
			return false
		}
	}
}

// discards reports whether bytes are lost.
func (p *pump) discards() bool {
	f, _, _ := p.link.now(p.d)
	return f.dropped || p.swallowed.Load() || p.lost
}

// reach does what was to happen at a point. It reports false if the relay has ended.
func (p *pump) reach(c *cut) bool {
	if p.link.onPoint != nil {
		p.link.onPoint(p.d, c.point, c.action)
	}
	switch c.action {
	case Hold:
		_, p.since, _ = p.link.now(p.d)
		p.holding = true
		return p.wait()
	case Swallow:
		p.swallowed.Store(true)
		return true
	}
	p.relay.cut(c.action)
	return false
}

func (p *pump) deliverEnd(end error) bool {
	f, _, _ := p.link.now(p.d)
	switch {
	case f.dropped || p.swallowed.Load() || p.lost && p.d == Down: // the other side is not notified
		if p.hidden.Add(1) == 2 {
			p.relay.end()
		}
		<-p.done
	case p.relay.resetting.Load(): // cut resets the other side too: it must not see a graceful end first
	case errors.Is(end, syscall.ECONNRESET):
		p.relay.cut(Reset)
	case p.d == Up: // clients close, they do not half close
		p.relay.end()
	default:
		if c, ok := p.client.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite()
		}
	}
	return false
}

// write reports whether dst took the bytes; plain is the same without masks.
func (p *pump) write(data, plain []byte) bool {
	f, _, _ := p.link.now(p.d)
	if limiter, ok := p.dst.(interface{ SetBound(n int) }); ok {
		limiter.SetBound(f.split)
	}
	keep := min(p.link.longest(p.d), keptTail)
	p.tail = append(p.tail, plain...)
	p.tail = p.tail[max(0, len(p.tail)-keep):]
	for len(data) > 0 {
		n := len(data)
		if f.split > 0 {
			n = min(n, f.split)
		}
		if _, err := p.dst.Write(data[:n]); err != nil {
			return false
		}
		data = data[n:]
	}
	return true
}
